/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See text_timeline.h. A graph, of which each column is the largest size in its part of the time:
 *
 *	[heaptrace] live heap over time, at most 12.186 MB, after 2.004 secs
 *	 12.186 MB |                                  .####
 *	           |                         .#############
 *	  6.093 MB |                :######################
 *	           |       .###############################
 *	         0 +------------------^-------------------^
 *	            0                            2.388 secs
 *	            ^ a dump was taken
 */
#include "text_timeline.h"

#include "analysis/history.h"
#include "analysis/windows.h"
#include "columns.h"

#include <string.h>

#define LABEL_COLUMNS	11u	/* "999.999 MB " */
#define GRAPH_COLUMNS	200u	/* at most */
#define FILE_COLUMNS	80u
#define HEAP_LINES	10u
#define RSS_LINES	6u

/* How much of a line is filled: characters for none of it, one of `levels` parts, and so on. */
struct style {
	unsigned levels;
	const char *const *fills;	/* levels + 1 of them */
};

static const char *const ascii_fills[] = { " ", ".", ":", "#" };
static const char *const block_fills[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

struct graph {
	struct style style;
	unsigned columns, lines;
	uint64_t end_ns;		/* the time that the columns share; at least 1 */
	uint64_t most;			/* of all values */
	uint64_t values[GRAPH_COLUMNS];
	struct out *out;
};

static unsigned column_of(const struct graph *g, uint64_t ns)
{
	double share = (double)ns / (double)g->end_ns;

	return share >= 1 ? g->columns - 1 : (unsigned)(share * g->columns);
}

/* A point: the value holds until the next point. `last` is the column of the point before. */
static void put_value(struct graph *g, unsigned column, unsigned last, uint64_t held, uint64_t value)
{
	for (unsigned i = last + 1; i <= column; i++)
		g->values[i] = held > g->values[i] ? held : g->values[i];
	g->values[column] = value > g->values[column] ? value : g->values[column];
	g->most = value > g->most ? value : g->most;
}

/* Fills in the columns from the points. rss: that figure, else the live bytes. Returns how many points have it. */
static unsigned fill(struct graph *g, const struct history *h, bool rss)
{
	unsigned last = 0, known = 0;
	uint64_t held = 0;

	for (uint32_t i = 0; i < h->point_count; i++) {
		const struct timeline_point *p = &h->points[i];
		uint64_t value = rss ? p->rss : p->live_size;
		unsigned column = column_of(g, p->ns);

		if (rss && !value)
			continue;
		put_value(g, column, last, held, value);
		last = column;
		held = value;
		known++;
	}
	put_value(g, g->columns - 1, last, held, 0);
	return known;
}

/* ---- Writing ---- */

static void write_label(struct out *out, const char *text)
{
	columns_right(text, LABEL_COLUMNS - 1, out);
	out_char(out, ' ');
}

static void write_size_label(struct out *out, uint64_t bytes)
{
	char text[32];
	struct out label = out_memory(text, sizeof(text));

	out_size(&label, bytes);
	write_label(out, bytes ? out_string(&label) : "0");
}

/* How many parts of lines a value fills. What is not 0 fills one at least. */
static unsigned parts_of(const struct graph *g, uint64_t value)
{
	unsigned all = g->lines * g->style.levels;
	unsigned parts = g->most ? (unsigned)((double)value / (double)g->most * all + 0.5) : 0;

	return value && !parts ? 1 : parts;
}

/* Writes a line of the graph. line: its number, counted from the lowest one, which is 0. */
static void write_line(const struct graph *g, unsigned line)
{
	unsigned used = g->columns;

	if (line == g->lines - 1)
		write_size_label(g->out, g->most);
	else if (line == g->lines / 2 - 1)
		write_size_label(g->out, g->most / 2);
	else
		write_label(g->out, "");
	out_char(g->out, '|');
	while (used && parts_of(g, g->values[used - 1]) <= line * g->style.levels)
		used--;
	for (unsigned i = 0; i < used; i++) {
		unsigned parts = parts_of(g, g->values[i]), below = line * g->style.levels;
		unsigned here = parts > below ? parts - below : 0;

		out_text(g->out, g->style.fills[here < g->style.levels ? here : g->style.levels]);
	}
	out_char(g->out, '\n');
}

/* Writes the axis, with a mark for each dump, and the times below it. Returns whether there was a dump. */
static bool write_axis(const struct graph *g, const struct history *h)
{
	char text[32];
	struct out end = out_memory(text, sizeof(text));
	bool dumps = false;

	write_label(g->out, "0");
	out_char(g->out, '+');
	for (unsigned i = 0; i < g->columns; i++) {
		bool dump = false;

		for (uint32_t k = 0; k < h->dump_count && !dump; k++)
			dump = column_of(g, h->dumps_ns[k]) == i;
		out_char(g->out, dump ? '^' : '-');
		dumps |= dump;
	}
	out_time(&end, g->end_ns);
	out_char(g->out, '\n');
	out_repeat(g->out, ' ', LABEL_COLUMNS + 1);
	out_char(g->out, '0');
	out_repeat(g->out, ' ', g->columns - 1 - strlen(out_string(&end)));
	out_text(g->out, text);
	out_char(g->out, '\n');
	return dumps;
}

/* ---- What happened to the recording ---- */

#define EVENTS_LISTED	20u	/* the newest ones */

static const char event_signs[EVENT_KINDS + 1] = "-[]cs'[]";

/* Writes a line below the axis with a sign for each event, and then the events in words. */
static void write_events(const struct graph *g, const struct model *m)
{
	uint32_t count = windows_events(m), first = count > EVENTS_LISTED ? count - EVENTS_LISTED : 0;
	char signs[GRAPH_COLUMNS + 1];

	if (!count)
		return;
	memset(signs, ' ', g->columns);
	signs[g->columns] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		const struct table_event *e = windows_event(m, i);

		if (e)
			signs[column_of(g, e->ns)] = event_signs[e->kind];
	}
	out_repeat(g->out, ' ', LABEL_COLUMNS + 1);
	out_text(g->out, signs);
	out_char(g->out, '\n');
	if (first) {
		out_repeat(g->out, ' ', LABEL_COLUMNS + 1);
		out_text(g->out, "... ");
		out_u64(g->out, first);
		out_text(g->out, " earlier\n");
	}
	for (uint32_t i = first; i < count; i++) {
		const struct table_event *e = windows_event(m, i);

		if (!e)
			continue;
		out_repeat(g->out, ' ', LABEL_COLUMNS + 1);
		out_char(g->out, event_signs[e->kind]);
		out_text(g->out, " after ");
		out_time(g->out, e->ns);
		out_text(g->out, ": ");
		out_text(g->out, windows_kind_name((enum event_kind)e->kind));
		if (e->kind == EVENT_MARK) {
			out_char(g->out, ' ');
			out_name(g->out, e->text);
		}
		out_char(g->out, '\n');
	}
}

/* Writes a heading: "[heaptrace] RSS over time, at most 22.663 MB, after 2.004 secs". */
static void write_heading(const struct graph *g, const char *what, uint64_t most, uint64_t ns)
{
	out_text(g->out, "[heaptrace] ");
	out_text(g->out, what);
	out_text(g->out, " over time, at most ");
	out_size(g->out, most);
	if (ns < g->end_ns) {	/* else it was seen at the end only */
		out_text(g->out, ", after ");
		out_time(g->out, ns);
	}
	out_char(g->out, '\n');
}

static void write_graph(const struct graph *g)
{
	for (unsigned line = g->lines; line-- > 0; )
		write_line(g, line);
}

static void begin(struct graph *g, const struct text *t, unsigned lines)
{
	const struct history *h = t->model->history;
	unsigned columns = (t->out->columns ? t->out->columns : FILE_COLUMNS) - LABEL_COLUMNS - 2;
	bool utf8 = columns_have_utf8();

	*g = (struct graph){
		.style = { utf8 ? 8 : 3, utf8 ? block_fills : ascii_fills }, .lines = lines, .out = t->out,
	};
	g->columns = columns < GRAPH_COLUMNS ? columns : GRAPH_COLUMNS;
	g->end_ns = h->points[h->point_count - 1].ns;
	g->end_ns += !g->end_ns;
}

static void write_rss(const struct text *t)
{
	const struct history *h = t->model->history;
	bool estimates = out_set_estimates(t->out, false);
	struct graph g;

	begin(&g, t, RSS_LINES);
	if (fill(&g, h, true)) {
		write_heading(&g, "RSS", h->rss_peak, h->rss_peak_ns);
		g.most = h->rss_peak > g.most ? h->rss_peak : g.most;
		write_graph(&g);
		write_axis(&g, h);
	} else {
		out_text(t->out, "[heaptrace] RSS over time is not known: ");
		out_text(t->out, h->watched || h->had_watcher ? "the process ended before the watcher looked at it\n" :
			 "no watcher looked at the process\n");
	}
	out_set_estimates(t->out, estimates);
}

void text_write_timeline(const struct text *t)
{
	const struct model *m = t->model;
	struct graph g;

	if (!m->history || !m->history->point_count)
		return;
	begin(&g, t, HEAP_LINES);
	fill(&g, m->history, false);
	put_value(&g, column_of(&g, m->moment.peak_at_ns), g.columns, 0, m->totals.peak_size);
	write_heading(&g, "live heap", m->totals.peak_size, m->moment.peak_at_ns);
	write_graph(&g);
	if (write_axis(&g, m->history))
		out_text(t->out, "            ^ a dump was taken\n");
	write_events(&g, m);
	write_rss(t);
	out_char(t->out, '\n');
}
