/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps in a trace for Perfetto: see perfetto.h. Each is a group of five instants, which are 1 us apart, so that
 * each can be chosen in the picture:
 *
 *	heap_report_started	{"status":"begin","dump":2}
 *	heap_report_stats	{"live_alloc_count":43,"site_count":7,...}
 *	heap_leaks		{"leak_1":"parse(char const*) ← load ← main (22704 bytes, 43 allocations)",...}
 *	heap_sites		{"site_1":"read_line ← load ← main (4194304 bytes, 4096 allocations)",...}
 *	heap_report_done	{"status":"end","dump":2}
 *
 * The document replaces those of the dumps before it, and what these had is known in part only: of the rows there are
 * the snapshots of the history. So the group of an earlier dump has the rows of a snapshot before or after it, and says how
 * far from the dump that was taken.
 */
#include "perfetto.h"

#include "analysis/history.h"
#include "analysis/labels.h"
#include "analysis/runtime.h"
#include "base/path.h"
#include "base/sort.h"
#include "base/utf8.h"
#include "json_text.h"
#include "shorten.h"

#include <string.h>

#define STEP_NS		1000u		/* from instant to instant of a group */
#define STACK_CALLS	8u		/* functions of a compact stack; the others are counted */
#define NAME_COLUMNS	80u		/* of a function in it, where template arguments and parameters can be left out... */
#define NAME_BYTES	240u		/* ...and at most, whatever the name is */

/* Space to write a name in before it is shortened. What is longer is cut. */
#define WORK_BYTES	4096u
#define STACK_BYTES	(STACK_CALLS * (NAME_BYTES + 32) + 128)

/* The rows of a list. One object serves all lists of a document, so that names that are known stay known. */
struct perfetto_list {
	struct perfetto *p;
	const char *argument;		/* "leak": they are leak_1, leak_2... */
	struct labels labels;
	struct labels_row *row;		/* work space */
	char *work, *stack;
	struct sort_entry *order;	/* the rows of model.all with a figure that is not 0 */
	uint32_t *counts;		/* for each row of model.all: blocks or calls */
	uint32_t count;
};

/* ---- Compact stacks ---- */

static void write_function(const struct perfetto_list *l, const struct label *label, struct out *out)
{
	const char *name = label->function ? label->function : label->module ? path_name(label->module) : "";
	size_t bytes = strlen(name);

	if (bytes >= WORK_BYTES)
		bytes = utf8_cut(name, WORK_BYTES - 1);
	memcpy(l->work, name, bytes);
	l->work[bytes] = 0;
	if (label->function && bytes > NAME_COLUMNS)
		bytes = shorten(l->work, NAME_COLUMNS);
	if (!label->function)
		out_text(out, *name ? "? in " : "?");
	out_bytes(out, l->work, bytes > NAME_BYTES ? utf8_cut(l->work, NAME_BYTES) : bytes);
	if (bytes > NAME_BYTES)
		out_text(out, "...");
}

/* How many calls from this one on, outward, are of the same function: recursion. */
static unsigned repeats_of(const struct labels_row *r, unsigned first)
{
	unsigned i = first + 1;

	while (i < r->count && r->calls[i].label == r->calls[first].label)
		i++;
	return i - first;
}

/* Writes the functions of a row, from the one that uses the memory outward. */
static void write_stack(struct perfetto_list *l, uint32_t n, struct out *out)
{
	const struct labels_row *r = l->row;
	unsigned i, repeats;

	if (!labels_read(&l->labels, n, l->row)) {
		out_text(out, "?");
		return;
	}
	i = labels_user(&l->labels, r);
	for (unsigned written = 0; written < STACK_CALLS && i < r->count; written++, i += repeats) {
		if (written)
			out_text(out, " ← ");
		write_function(l, &l->labels.list[r->calls[i].label], out);
		repeats = repeats_of(r, i);
		if (repeats > 1) {
			out_text(out, " (x");
			out_u64(out, repeats);
			out_char(out, ')');
		}
	}
	if (i < r->count) {
		out_text(out, " ← ... ");
		out_u64(out, r->count - i);
		out_text(out, " more");
	}
}

/* ---- Lists of rows ---- */

static struct perfetto_list *list_make(struct perfetto *p)
{
	struct perfetto_list *l = arena_alloc(p->arena, sizeof(*l));
	size_t room = (size_t)p->model->all.count + 1;

	if (!l || !labels_init(&l->labels, p->model, p->arena))
		return NULL;
	l->p = p;
	l->row = arena_alloc(p->arena, sizeof(*l->row));
	l->work = arena_alloc(p->arena, WORK_BYTES);
	l->stack = arena_alloc(p->arena, STACK_BYTES);
	l->order = arena_alloc_plenty(p->arena, room * sizeof(*l->order));
	l->counts = arena_alloc_plenty(p->arena, room * sizeof(*l->counts));
	return l->row && l->work && l->stack && l->order && l->counts ? l : NULL;
}

/* Begins a list. NULL: there is no memory. */
static struct perfetto_list *list_begin(struct perfetto *p, const char *argument)
{
	if (!p->list)
		p->list = list_make(p);
	if (!p->list)
		return NULL;
	p->list->argument = argument;
	p->list->count = 0;
	return p->list;
}

static void list_add(struct perfetto_list *l, uint32_t n, uint64_t bytes, uint64_t count)
{
	if (!count)
		return;
	l->counts[n] = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	l->order[l->count++] = (struct sort_entry){ bytes, n };
}

/* Writes the rows with the most bytes as arguments of the open event, as many as --top allows. */
static void list_write(struct perfetto_list *l)
{
	uint32_t top = l->p->model->options->top;

	if (!top || top > l->count)
		top = l->count;
	sort_largest(l->order, l->count, top);
	for (uint32_t i = 0; i < top; i++) {
		struct out text = out_memory(l->stack, STACK_BYTES);

		write_stack(l, l->order[i].index, &text);
		out_text(&text, " (");
		out_count(&text, l->order[i].key, " byte", " bytes");
		out_text(&text, ", ");
		out_count(&text, l->counts[l->order[i].index], " allocation", " allocations");
		out_char(&text, ')');
		perfetto_name(l->p, l->argument, i + 1);
		json_text_write(out_string(&text), l->p->out);
	}
	if (top < l->count)
		perfetto_number(l->p, "further", l->count - top);
}

/* Lists what was alive in a snapshot or, if that is NULL, at the moment of the report. *kept: set to the bytes that
 * the runtime keeps for good, which are not listed. */
static void list_live(struct perfetto_list *l, const struct history_snapshot *s, uint64_t *kept)
{
	const struct model *m = l->p->model;
	bool apart = !s && runtime_is_apart(m);		/* as in text dumps */

	*kept = 0;
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);
		uint64_t size = row.values[SORT_SIZE], count = row.values[SORT_COUNT], age = row.values[SORT_AGE];
		uint32_t blocks = 0;

		if (s) {
			history_find(s, row.id, &size, &blocks);
			count = blocks;
			age = UINT64_MAX;	/* it is not known, and leaves nothing out */
		}
		if (apart && count && runtime_keeps(m, &row))
			*kept += size;
		else if (model_is_large(m->options, size, count, age))
			list_add(l, n, size, count);
	}
}

static void list_called(struct perfetto_list *l)
{
	const struct model *m = l->p->model;

	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);

		list_add(l, n, row.values[SORT_TOTAL_SIZE], row.values[SORT_TOTAL_COUNT]);
	}
}

/* ---- Groups ---- */

static void write_edge(struct perfetto *p, const char *name, const char *status, uint32_t number, uint64_t ns)
{
	perfetto_begin(p, name, 'i', ns);
	perfetto_text(p, "status", status);
	perfetto_number(p, "dump", number);
	perfetto_end(p);
}

static void write_info(struct perfetto *p, const char *name, const char *info, uint64_t ns)
{
	perfetto_begin(p, name, 'i', ns);
	perfetto_text(p, "info", info);
	perfetto_end(p);
}

/* Writes how far from the dump figures were taken: "12.045 ms before the dump". */
static void write_distance(struct perfetto *p, const char *name, uint64_t taken_ns, uint64_t dump_ns)
{
	char buf[64];
	struct out text = out_memory(buf, sizeof(buf));

	if (taken_ns == dump_ns) {
		out_text(&text, "at the dump");
	} else {
		out_time(&text, taken_ns < dump_ns ? dump_ns - taken_ns : taken_ns - dump_ns);
		out_text(&text, taken_ns < dump_ns ? " before the dump" : " after the dump");
	}
	perfetto_text(p, name, out_string(&text));
}

/* Writes the leaks of a snapshot or, if that is NULL, those of the report. dump_ns: when the dump was taken. */
static void write_leaks(struct perfetto *p, const struct history_snapshot *s, uint64_t dump_ns, uint64_t ns)
{
	struct perfetto_list *l = list_begin(p, "leak");
	uint64_t kept = 0;

	perfetto_begin(p, "heap_leaks", 'i', ns);
	if (!l) {
		perfetto_text(p, "info", "there was no memory to list them");
	} else {
		list_live(l, s, &kept);
		if (!l->count)
			perfetto_text(p, "info", "no_live_allocations_detected");
		list_write(l);
		if (kept)
			perfetto_number(p, "bytes_kept_by_the_runtime", kept);
		if (s)
			write_distance(p, "taken", s->ns, dump_ns);
		if (s && s->rest_rows)
			perfetto_number(p, "bytes_of_small_sites_not_listed", s->rest_size);
	}
	perfetto_end(p);
}

static void write_sites(struct perfetto *p, uint64_t ns)
{
	struct perfetto_list *l = list_begin(p, "site");

	perfetto_begin(p, "heap_sites", 'i', ns);
	if (!l) {
		perfetto_text(p, "info", "there was no memory to list them");
	} else {
		list_called(l);
		if (!l->count)
			perfetto_text(p, "info", "no_callsite_info_available");
		list_write(l);
	}
	perfetto_end(p);
}

void perfetto_write_dump(struct perfetto *p)
{
	const struct model_totals *t = &p->model->totals;
	uint64_t ns = p->end_ns;
	uint32_t number = p->model->moment.number;

	write_edge(p, "heap_report_started", "begin", number, ns);
	perfetto_begin(p, "heap_report_stats", 'i', ns + STEP_NS);
	perfetto_number(p, "live_alloc_count", t->count);
	if (p->model->sample_bytes)
		perfetto_number(p, "estimated_from_one_in_bytes", p->model->sample_bytes);
	perfetto_number(p, "site_count", t->live_rows);
	perfetto_number(p, "live_bytes", t->size);
	perfetto_number(p, "peak_bytes", t->peak_size);
	perfetto_number(p, "total_alloc_count", t->total_count);
	perfetto_number(p, "total_bytes", t->total_size);
	perfetto_number(p, "temporary_alloc_count", t->temporary);
	if (t->ignored_size)
		perfetto_number(p, "ignored_bytes", t->ignored_size);
	if (t->unfocused_size)
		perfetto_number(p, "unfocused_bytes", t->unfocused_size);
	perfetto_end(p);
	write_leaks(p, NULL, ns, ns + 2 * STEP_NS);
	write_sites(p, ns + 3 * STEP_NS);
	write_edge(p, "heap_report_done", "end", number, ns + 4 * STEP_NS);
}

static uint64_t distance(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns;
}

/* Sums of the whole heap at a moment of the history. */
struct sums {
	uint64_t ns;			/* UINT64_MAX: there is none */
	uint64_t live_size, live_count, total_count;
	const struct history_snapshot *snapshot;	/* NULL: a point of the timeline */
};

/* The moments of the history before and after a dump. */
struct neighbours {
	uint64_t dump_ns;
	struct sums before, after;
};

static void look_at(struct neighbours *n, struct sums s)
{
	if (s.ns <= n->dump_ns && (n->before.ns == UINT64_MAX || s.ns >= n->before.ns))
		n->before = s;
	else if (s.ns > n->dump_ns && s.ns < n->after.ns)
		n->after = s;
}

/* What stands for the dump: of the last moment before and the first one after it that whose live bytes are closer to those
 * of the dump, or else the nearer one. */
static struct sums closer(const struct neighbours *n, uint64_t live_size)
{
	uint64_t less = distance(n->before.live_size, live_size), more = distance(n->after.live_size, live_size);

	if (n->before.ns == UINT64_MAX || n->after.ns == UINT64_MAX)
		return n->before.ns == UINT64_MAX ? n->after : n->before;
	if (less == more)
		return n->dump_ns - n->before.ns <= n->after.ns - n->dump_ns ? n->before : n->after;
	return less < more ? n->before : n->after;
}

/* What is known of a dump before this one. */
struct earlier {
	uint64_t ns;			/* its moment */
	struct sums size;		/* the nearest moment at which the live bytes are known, */
	struct sums counts;		/* one at which the blocks are, too, */
	struct sums rows;		/* and one at which the rows are */
};

static struct earlier find_earlier(const struct history *h, uint64_t ns)
{
	struct sums none = { .ns = UINT64_MAX };
	struct neighbours sizes = { ns, none, none }, counts = sizes, rows = sizes;
	struct earlier e = { .ns = ns };

	for (uint32_t i = 0; i < h->point_count; i++) {
		const struct timeline_point *p = &h->points[i];
		struct sums s = { p->ns, p->live_size, p->live_count, p->total_count, NULL };

		look_at(&sizes, s);
		if (p->live_count != TIMELINE_UNKNOWN)
			look_at(&counts, s);
	}
	for (uint32_t i = 0; i < h->snapshot_count; i++) {
		const struct history_snapshot *p = &h->snapshots[i];
		struct sums s = { p->ns, p->live_size, p->live_count, p->total_count, p };

		look_at(&sizes, s);
		look_at(&counts, s);
		look_at(&rows, s);
	}
	e.size = sizes.after.ns == UINT64_MAX || distance(sizes.before.ns, ns) <= distance(sizes.after.ns, ns) ?
		 sizes.before : sizes.after;
	e.counts = closer(&counts, e.size.live_size);
	e.rows = closer(&rows, e.size.live_size);
	return e;
}

static void write_earlier_stats(struct perfetto *p, const struct earlier *e)
{
	perfetto_begin(p, "heap_report_stats", 'i', e->ns + STEP_NS);
	if (e->counts.ns != UINT64_MAX)
		perfetto_number(p, "live_alloc_count", e->counts.live_count);
	if (e->rows.snapshot)
		perfetto_number(p, "site_count", e->rows.snapshot->row_count + (uint64_t)e->rows.snapshot->rest_rows);
	if (e->size.ns != UINT64_MAX) {
		perfetto_number(p, "live_bytes", e->size.live_size);
		write_distance(p, "taken", e->size.ns, e->ns);
	}
	if (e->counts.ns != UINT64_MAX) {
		perfetto_number(p, "total_alloc_count", e->counts.total_count);
		write_distance(p, "counts_taken", e->counts.ns, e->ns);
	}
	if (e->rows.snapshot)
		write_distance(p, "sites_taken", e->rows.ns, e->ns);
	perfetto_end(p);
}

/* Writes the group of a dump before this one. */
static void write_earlier(struct perfetto *p, uint32_t number, uint64_t ns)
{
	struct earlier e = find_earlier(p->model->history, ns);

	write_edge(p, "heap_report_started", "begin", number, ns);
	write_earlier_stats(p, &e);
	if (e.rows.snapshot)
		write_leaks(p, e.rows.snapshot, ns, ns + 2 * STEP_NS);
	else
		write_info(p, "heap_leaks", "only the totals of this dump are known", ns + 2 * STEP_NS);
	write_info(p, "heap_sites", "the bytes of each site since the start are known of the newest dump only",
		   ns + 3 * STEP_NS);
	write_edge(p, "heap_report_done", "end", number, ns + 4 * STEP_NS);
}

/* Whether a dump is of the moment of the report: the last one of a process that has ended, in a report that is made
 * later. */
static bool is_same_moment(const struct perfetto *p, uint32_t dump)
{
	const struct history *h = p->model->history;

	return p->model->moment.ended && dump + 1 == h->dump_count && h->dumps_ns[dump] + HISTORY_SAME_MOMENT_NS >= p->end_ns;
}

void perfetto_write_earlier(struct perfetto *p, uint32_t *next, uint64_t until_ns)
{
	const struct history *h = p->model->history;

	while (h && *next < h->dump_count && h->dumps_ns[*next] < until_ns) {
		uint32_t dump = (*next)++, later = h->dump_count - dump, newest = p->model->moment.number;

		if (!is_same_moment(p, dump))
			write_earlier(p, newest > later ? newest - later : dump + 1, h->dumps_ns[dump]);
	}
}
