/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between two runs (--diff), in place of the rows of a section: see text_report.h.
 *
 *	[heaptrace] compared with old.rec: parse (pid 4711)
 *	[heaptrace] live size        : 12.345 MB -> 14.123 MB, +1.778 MB (+14.4 %)
 *	=== backtrace #1 === [grown by 4.000 KB] [size: 1.000 KB -> 5.000 KB] [count: 10 -> 50]
 *	 0 [0x7fe72e46476c] malloc +0x1b
 *	...
 */
#include "text_report.h"

#include "analysis/diff.h"
#include "base/share.h"
#include "base/sort.h"

static uint64_t change_of(uint64_t was, uint64_t is)
{
	return is > was ? is - was : was - is;
}

void text_write_change(enum sort_key key, uint64_t was, uint64_t is, struct out *out)
{
	text_write_value(key, was, out);
	out_text(out, " -> ");
	text_write_value(key, is, out);
	if (was == is) {
		out_text(out, " (no change)");
		return;
	}
	out_text(out, is > was ? ", +" : ", -");
	text_write_value(key, change_of(was, is), out);
	if (!was)
		return;
	out_text(out, is > was ? " (+" : " (-");
	/* A share above 100 % is one of a growth. */
	out_tenths(out, share_of(change_of(was, is), was, 1000), 0);
	out_text(out, " %)");
}

static void write_total(const char *head, enum sort_key key, uint64_t was, uint64_t is, struct out *out)
{
	text_line(out, head);
	text_write_change(key, was, is, out);
	out_char(out, '\n');
}

void text_write_diff_totals(const struct text *t)
{
	const struct model *new = t->model, *old = new->older;
	struct out *out = t->out;

	text_line(out, "compared with");
	out_name(out, new->options->diff);
	out_text(out, " (");
	out_name(out, old->process.command);
	out_text(out, ", pid ");
	out_u64(out, old->process.pid);
	out_text(out, ")\n");
	if (old->sections[0].lacks.name_count || old->sections[0].lacks.unknown_modules) {
		out_text(out, "[heaptrace] the older run lacks names, by which backtraces are matched; make records "
			 "of programs that change by --pack with --with-names\n");
		text_write_missing(&old->sections[0].lacks, out);
	}
	write_total("live size            ", SORT_SIZE, old->totals.size, new->totals.size, out);
	write_total("live blocks          ", SORT_COUNT, old->totals.count, new->totals.count, out);
	write_total("peak heap            ", SORT_HEAP_PEAK, old->totals.peak_size, new->totals.peak_size, out);
	write_total("calls                ", SORT_TOTAL_COUNT, old->totals.total_count, new->totals.total_count, out);
	write_total("temporary allocations", SORT_TEMPORARY, old->totals.temporary, new->totals.temporary, out);
}

static void write_columns(const struct diff_entry *e, enum sort_key key, uint32_t number, struct out *out)
{
	enum sort_key other = model_key_is_size(key) ? model_count_key(key) : model_size_key(key);
	bool grown = e->is[key] > e->was[key];

	out_text(out, "=== backtrace #");
	out_u64(out, number);
	out_text(out, " === [");
	out_text(out, !e->in_old ? "new: " : !e->in_new ? "gone: " : grown ? "grown by " : "shrunk by ");
	text_write_value(key, change_of(e->was[key], e->is[key]), out);
	for (unsigned i = 0; i < 2; i++) {
		enum sort_key k = i ? other : key;

		out_text(out, "] [");
		out_text(out, options_sort_name(k));
		out_text(out, ": ");
		text_write_value(k, e->was[k], out);
		out_text(out, " -> ");
		text_write_value(k, e->is[k], out);
	}
	out_text(out, e->by_likeness ? "] [matched by likeness]\n" : "]\n");
}

/* What is not listed: small changes, and what did not change. */
struct rest {
	uint32_t changes;		/* backtraces */
	uint64_t more, less;		/* the sums of their growth and of their shrinking */
	uint32_t same;
};

static void write_rest(const struct rest *r, enum sort_key key, struct out *out)
{
	if (r->changes) {
		text_line(out, "smaller changes      ");
		out_count(out, r->changes, " backtrace, +", " backtraces, +");
		text_write_value(key, r->more, out);
		out_text(out, " and -");
		text_write_value(key, r->less, out);
		out_char(out, '\n');
	}
	text_line(out, "unchanged            ");
	out_count(out, r->same, " backtrace\n", " backtraces\n");
}

/* Writes what of both runs has no counterpart. */
static void write_unmatched(const struct diff *d, enum sort_key key, struct out *out)
{
	uint64_t old = 0, new = 0;
	uint32_t olds = 0, news = 0, like = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct diff_entry *e = &d->list[i];

		like += e->by_likeness;
		olds += !e->in_new;
		news += !e->in_old;
		old += e->in_new ? 0 : e->was[key];
		new += e->in_old ? 0 : e->is[key];
	}
	text_line(out, "not matched          ");
	out_u64(out, olds);
	out_text(out, " of the older run (");
	text_write_value(key, old, out);
	out_text(out, "), ");
	out_u64(out, news);
	out_text(out, " of this one (");
	text_write_value(key, new, out);
	out_text(out, ")");
	if (like) {
		out_text(out, "; by likeness: ");
		out_u64(out, like);
	}
	out_char(out, '\n');
}

/* Whether a change is too small to be listed: below --min-share of the larger total. */
static bool is_small(const struct text *t, const struct diff *d, enum sort_key key, uint64_t change)
{
	uint64_t total = d->was[key] > d->is[key] ? d->was[key] : d->is[key];

	return (double)change * 100000 < (double)total * t->model->options->min_share;
}

static void write_entry(struct text *t, const struct diff *d, const struct diff_entry *e, enum sort_key key,
			uint32_t number)
{
	struct text of_model = *t;

	of_model.model = diff_model(d, e);
	write_columns(e, key, number, t->out);
	text_write_frames(&of_model, &e->row);
	t->work = of_model.work;
	t->work_bytes = of_model.work_bytes;
	out_char(t->out, '\n');
}

void text_write_diff(struct text *t, const struct model_section *s)
{
	struct sort_entry *order;
	uint32_t top = t->model->options->top, changed = 0, listed = 0;
	struct rest rest = { 0 };
	struct diff d;

	if (!diff_make(&d, t->model->older, t->model, t->arena) ||
	    !(order = arena_alloc(t->arena, (d.count + 1) * sizeof(*order)))) {
		out_text(t->out, "[heaptrace] no memory to compare the two runs\n");
		return;
	}
	for (uint32_t i = 0; i < d.count; i++) {
		uint64_t change = change_of(d.list[i].was[s->key], d.list[i].is[s->key]);

		if (change)
			order[changed++] = (struct sort_entry){ change, i };
	}
	rest.same = d.count - changed;
	sort_largest(order, changed, changed);
	for (uint32_t i = 0; i < changed; i++) {
		const struct diff_entry *e = &d.list[order[i].index];

		if ((!top || listed < top) && !is_small(t, &d, s->key, order[i].key)) {
			write_entry(t, &d, e, s->key, ++listed);
			continue;
		}
		rest.changes++;
		*(e->is[s->key] > e->was[s->key] ? &rest.more : &rest.less) += order[i].key;
	}
	write_rest(&rest, s->key, t->out);
	write_unmatched(&d, s->key, t->out);
}
