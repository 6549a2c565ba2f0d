/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has grown during a run (--growth), in place of the rows of a section: see text_report.h.
 *
 *	[heaptrace] in 59.200 secs       : 1.234 MB -> 14.123 MB, from 19 snapshots
 *	[heaptrace] leaking: grows on    : 1 backtrace, +1.178 MB, 19.988 KB/s
 *	=== backtrace #1 === [leaking: 19.988 KB/s] [size: 120.000 KB -> 1.298 MB] [count: 12 -> 130]
 *	    ...:::::#### 120.000 KB to 1.298 MB; at this rate 1 GB more in 13 hours
 *	 0 [0x7fe72e46476c] malloc +0x1b
 *	...
 */
#include "text_report.h"

#include "analysis/growth.h"
#include "analysis/history.h"

#define GRAPH_COLUMNS	24u
#define GROUP_INDENT	4u
#define SLOW_BYTES	100.0	/* rates below are written per hour */
#define SLOW_BLOCKS	1.0
#define MORE_BYTES	1e9	/* what a leak is extrapolated to */
#define MORE_BLOCKS	1e6
#define HOUR_SECS	3600.0
#define DAY_SECS	86400.0
#define YEAR_DAYS	365u

/* The levels of a column of the graph, from nothing to all. */
static const char *const ascii_fills[] = { " ", "_", ".", ":", "#" };
static const char *const block_fills[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

/* Writes "19.988 KB/s", or "12.345 KB/hour". */
static void write_rate(enum sort_key key, double rate, struct out *out)
{
	bool slow = rate < (key == SORT_SIZE ? SLOW_BYTES : SLOW_BLOCKS);

	if (rate < 0)
		rate = 0;
	text_write_value(key, (uint64_t)(rate * (slow ? HOUR_SECS : 1)), out);
	out_text(out, slow ? "/hour" : "/s");
}

/* Writes "+1.178 MB" or "-1.178 MB". */
static void write_change(enum sort_key key, uint64_t was, uint64_t is, struct out *out)
{
	out_char(out, is < was ? '-' : '+');
	text_write_value(key, is < was ? was - is : is - was, out);
}

/* ---- The head ---- */

static const char *const kind_heads[TREND_KINDS] = {
	[TREND_LEAKING] = "leaking: grows on    ", [TREND_STEPPED] = "stepped: by jumps    ",
	[TREND_GROWN] = "grown: kind not clear", [TREND_FILLING] = "filling: has stopped ",
	[TREND_STEADY] = "steady: up and down  ", [TREND_SHRUNK] = "shrunk               ",
	[TREND_UNCHANGED] = "unchanged            ",
};

/* Writes "3 backtraces", or what the groups are. */
static void write_count(const struct growth *g, uint32_t count, struct out *out)
{
	out_u64(out, count);
	out_char(out, ' ');
	out_text(out, options_group_names[g->by ? g->by : GROUP_BACKTRACE]);
	if (count != 1)
		out_char(out, 's');
}

static void write_kinds(const struct growth *g, struct out *out)
{
	for (unsigned i = 0; i < TREND_KINDS; i++) {
		const struct growth_kind *kind = &g->kinds[i];

		if (!kind->rows)
			continue;
		text_line(out, kind_heads[i]);
		write_count(g, kind->rows, out);
		out_text(out, ", ");
		if (i == TREND_STEADY || i == TREND_UNCHANGED) {
			text_write_value(g->key, kind->is, out);
		} else {
			write_change(g->key, kind->was, kind->is, out);
			if (i == TREND_LEAKING) {
				out_text(out, ", ");
				write_rate(g->key, kind->rate, out);
			}
		}
		if (g->key == SORT_COUNT)
			out_text(out, " blocks");
		out_char(out, '\n');
	}
}

/* Whether what was freed at the end is worth a remark. */
static bool is_much_less(uint64_t is, uint64_t was)
{
	return is < was - was / 10;
}

static void write_head(const struct growth *g, struct out *out)
{
	unsigned last = g->moments - 1, grown = g->before_end - 1;
	uint64_t ns = g->ns[last] - g->ns[0];
	char text[48];
	struct out head = out_memory(text, sizeof(text));

	out_text(&head, "in ");
	out_time(&head, ns);
	out_repeat(&head, ' ', out_length(&head) < 21 ? 21 - out_length(&head) : 0);
	text_line(out, out_string(&head));
	text_write_value(g->key, g->totals[0], out);
	out_text(out, " -> ");
	text_write_value(g->key, g->totals[grown], out);
	out_text(out, g->key == SORT_COUNT ? " blocks, from " : ", from ");
	out_count(out, last, " snapshot", " snapshots");
	if (is_much_less(g->totals[last], g->totals[grown])) {
		out_text(out, "; ");
		text_write_value(g->key, g->totals[last], out);
		out_text(out, " at the end");
	}
	out_char(out, '\n');
	write_kinds(g, out);
	if (g->moments < TREND_LEAST) {
		out_text(out, "[heaptrace] too few snapshots to tell leaks from caches: it takes ");
		out_u64(out, TREND_LEAST - 1);
		out_text(out, ", and they are 100 ms apart at first: let the program run longer, or look further back\n");
	}
	out_char(out, '\n');
}

/* ---- Rows ---- */

static void write_columns(const struct growth *g, const struct growth_entry *e, uint32_t number, struct out *out)
{
	const struct trend *t = &e->trend;
	bool size = g->key == SORT_SIZE;

	out_text(out, "=== ");
	out_text(out, options_group_names[g->by ? g->by : GROUP_BACKTRACE]);
	out_text(out, " #");
	out_u64(out, number);
	out_text(out, " === [");
	out_text(out, trend_name(t->kind));
	out_text(out, ": ");
	if (t->kind == TREND_LEAKING)
		write_rate(g->key, t->rate, out);
	else if (t->kind == TREND_STEADY)
		out_figure(out, e->row.values[SORT_TOTAL_COUNT]);
	else
		write_change(g->key, t->was, t->is, out);
	if (t->kind == TREND_STEADY)
		out_text(out, e->row.values[SORT_TOTAL_COUNT] == 1 ? " call" : " calls");
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t *figures = (i == 0) == size ? e->figures : e->others;

		out_text(out, i ? "] [count: " : "] [size: ");
		text_write_value(i ? SORT_COUNT : SORT_SIZE, figures[0], out);
		out_text(out, " -> ");
		text_write_value(i ? SORT_COUNT : SORT_SIZE, figures[e->moments - 1], out);
	}
	out_text(out, e->moments < g->moments ? "] [freed at the end]\n" : "]\n");
}

/* The figure at a column's part of the time: that of the last moment that is not later. */
static uint64_t figure_at(const struct growth *g, const struct growth_entry *e, unsigned column)
{
	unsigned last = e->moments - 1, i = 0;
	double ns = (double)g->ns[0] + (double)(g->ns[last] - g->ns[0]) * (column + 0.5) / GRAPH_COLUMNS;

	while (i < last && (double)g->ns[i + 1] <= ns)
		i++;
	return column == GRAPH_COLUMNS - 1 ? e->figures[last] : e->figures[i];
}

/* Writes the little graph. Its lowest level is 0, unless something grows that was large before. */
static void write_graph(const struct growth *g, const struct growth_entry *e, uint64_t least, uint64_t most, struct out *out)
{
	bool utf8 = columns_have_utf8();
	unsigned levels = utf8 ? 8 : 4;
	uint64_t floor = e->trend.kind <= TREND_GROWN && least > most / 2 ? least : 0;

	for (unsigned i = 0; i < GRAPH_COLUMNS; i++) {
		uint64_t figure = figure_at(g, e, i);
		unsigned level = most > floor ? (unsigned)((double)(figure - floor) / (double)(most - floor) * levels + 0.5) : 0;

		if (!level && figure)
			level = 1;
		out_text(out, utf8 ? block_fills[level] : ascii_fills[level]);
	}
}

/* Writes a time that can be longer than a run: "3 days 4 hours", "12 years". */
static void write_long_time(double secs, struct out *out)
{
	uint64_t days = (uint64_t)(secs / DAY_SECS), hours = (uint64_t)((secs - (double)days * DAY_SECS) / HOUR_SECS);

	if (days >= 2 * YEAR_DAYS) {
		out_u64(out, days / YEAR_DAYS);
		out_text(out, " years");
	} else if (days >= 2) {
		out_u64(out, days);
		out_text(out, " days");
		if (days < 10 && hours)
			out_char(out, ' ');
		if (days < 10 && hours)
			out_count(out, hours, " hour", " hours");
	} else if (secs >= 2 * HOUR_SECS) {
		out_u64(out, (uint64_t)(secs / HOUR_SECS));
		out_text(out, " hours");
	} else {
		out_time(out, (uint64_t)(secs * 1e9));
	}
}

static void write_evidence(const struct growth *g, const struct growth_entry *e, struct out *out)
{
	uint64_t least = UINT64_MAX, most = 0;
	double more = g->key == SORT_SIZE ? MORE_BYTES : MORE_BLOCKS, secs = more / (e->trend.rate > 0 ? e->trend.rate : 1);

	for (unsigned i = 0; i < e->moments; i++) {
		least = e->figures[i] < least ? e->figures[i] : least;
		most = e->figures[i] > most ? e->figures[i] : most;
	}
	out_text(out, "    |");
	write_graph(g, e, least, most, out);
	out_text(out, "| ");
	text_write_value(g->key, least, out);
	out_text(out, " to ");
	text_write_value(g->key, most, out);
	if (e->trend.kind == TREND_LEAKING && e->trend.rate > 0 && secs < 100 * YEAR_DAYS * DAY_SECS) {
		out_text(out, g->key == SORT_SIZE ? "; 1 GB more in " : "; 1 million blocks more in ");
		write_long_time(secs, out);
	}
	if (e->trend.until_idle)
		out_text(out, "; then the process made no calls: can be a leak");
	out_char(out, '\n');
}

/*
 * Whether the entry is too small to be listed: below --min-size and the like, or below --min-share of all growth or of
 * the largest heap, whichever is more, or of the bytes of what is steady. A leak is not measured by what is steady,
 * because what looks like the largest leak can be a cache that has not stopped yet.
 */
static bool is_small(const struct text *t, const struct growth *g, const struct growth_entry *e)
{
	const struct options *o = t->model->options;
	const struct trend *d = &e->trend;
	uint64_t figure = e->figures[e->moments - 1], other = e->others[e->moments - 1];
	double all = 0, part = (double)d->is - (double)d->was;

	if (!model_is_large(o, g->key == SORT_SIZE ? figure : other, g->key == SORT_SIZE ? other : figure,
			    e->row.values[SORT_AGE]))
		return true;
	if (d->kind == TREND_LEAKING)
		return false;
	if (d->kind == TREND_STEADY) {
		all = (double)g->kinds[TREND_STEADY].is;
		part = (double)d->is;
	} else if (d->kind == TREND_SHRUNK) {
		all = (double)g->kinds[TREND_SHRUNK].was - (double)g->kinds[TREND_SHRUNK].is;
		part = -part;
	} else {
		for (unsigned i = TREND_LEAKING; i <= TREND_FILLING; i++)
			all += (double)g->kinds[i].is - (double)g->kinds[i].was;
		for (unsigned i = 0; i < g->moments; i++)
			all = (double)g->totals[i] > all ? (double)g->totals[i] : all;
	}
	return d->kind == TREND_UNCHANGED || part * 100000 < all * o->min_share;
}

/* Writes what the backtraces of a group have in common. */
static void write_group(struct text *t, const struct growth *g, const struct growth_entry *e)
{
	const struct label *label = &g->labels.list[e->label];
	size_t columns = columns_of_table(t->out);
	struct columns_names names = { .arena = t->arena };

	columns = columns ? columns - GROUP_INDENT : 0;
	out_repeat(t->out, ' ', GROUP_INDENT);
	if (g->by == GROUP_MODULE)
		columns_path(label->module ? label->module : "?", columns, t->out);
	else if ((g->by == GROUP_FILE || g->by == GROUP_THREAD) && label->function)
		columns_path(label->function, columns, t->out);
	else
		columns_place(&names, label->function, label->module, NULL, 0, columns, t->out);
	out_char(t->out, '\n');
}

void text_write_growth(struct text *t, const struct model_section *s)
{
	enum sort_key key = model_count_key(s->key) == s->key ? SORT_COUNT : SORT_SIZE;
	const struct history *h = t->model->history;
	uint32_t top = t->model->options->top, listed = 0, left_out = 0;
	struct growth g;

	if (!growth_make(&g, t->model, key, t->model->options->growth_ms, t->model->options->group,
			 t->arena)) {
		out_text(t->out, "[heaptrace] no memory to compare the moments of the run\n");
		return;
	}
	if (g.moments < 2) {
		out_text(t->out, "[heaptrace] what has grown is not known: ");
		out_text(t->out, h && h->had_watcher ?
			 "there was no snapshot yet (the first one is after 100 ms)\n" :
			 "no watcher looked at the process: start it as heaptrace PROGRAM, without --no-watch, or look on while it "
			 "runs by heaptrace --dump=PID --growth=10\n");
		text_write_rows(t, s);
		return;
	}
	write_head(&g, t->out);
	for (uint32_t i = 0; i < g.count; i++) {
		const struct growth_entry *e = &g.list[i];

		if ((top && listed >= top) || is_small(t, &g, e)) {
			left_out += e->trend.kind != TREND_UNCHANGED;
			continue;
		}
		write_columns(&g, e, ++listed, t->out);
		write_evidence(&g, e, t->out);
		if (g.by)
			write_group(t, &g, e);
		else
			text_write_frames(t, &e->row);
		out_char(t->out, '\n');
	}
	if (left_out) {
		text_line(t->out, "not listed           ");
		write_count(&g, left_out, t->out);
		out_text(t->out, " with smaller figures (--min-share=0 and --top=0 list all)\n");
	}
}
