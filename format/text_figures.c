/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures of the heap and the process that close a section of a text dump: see text.h. */
#include "text.h"

#include "words.h"

void text_line(struct out *out, const char *head)
{
	out_text(out, "[heaptrace] ");
	out_text(out, head);
	out_text(out, ": ");
}

void text_write_value(enum sort_key key, uint64_t value, struct out *out)
{
	if (model_key_is_size(key))
		out_size(out, value);
	else if (key == SORT_AGE)
		out_time(out, value);
	else
		out_figure(out, value);
}

void text_write_sampled(const struct model *m, struct out *out)
{
	bool estimates = out_set_estimates(out, false);

	if (m->sample_bytes) {
		text_line(out, "sampled");
		out_text(out, "one block in about ");
		out_size(out, m->sample_bytes);
		out_text(out, ": figures with ~ are estimates\n");
	} else if (estimates) {
		text_line(out, "sampled");
		out_text(out, "the older run, so figures with ~ are estimates; this one is exact\n");
	}
	out_set_estimates(out, estimates);
}

static void figure_size(struct out *out, const char *head, uint64_t bytes)
{
	text_line(out, head);
	out_size(out, bytes);
	out_char(out, '\n');
}

/* The command line's contract fixes the labels, and so calls the bytes that are handed out "resident". They are not
 * the RSS, which stands below, so the line says that. */
static void write_allocator(const struct model_allocator *a, struct out *out)
{
	text_line(out, "allocator info (virtual)     ");
	if (a->virtual_known) {
		out_size(out, a->virtual_bytes);
		if (a->virtual_estimated)
			out_text(out, " (estimated)");
	} else {
		out_text(out, "unknown (");
		out_text(out, a->unknown);
		out_char(out, ')');
	}
	out_char(out, '\n');
	text_line(out, "allocator info (resident)    ");
	out_size(out, a->handed_bytes);
	out_text(out, a->estimated ? " (estimated, not RSS)\n" : " (handed out, not RSS)\n");
}

static void write_statm(const struct model_process *p, struct out *out)
{
	text_line(out, "statm info (VSS/RSS/shared)  ");
	if (p->statm_known) {
		out_size(out, p->vss);
		out_text(out, " / ");
		out_size(out, p->rss);
		out_text(out, " / ");
		out_size(out, p->shared);
	} else {
		out_text(out, "unknown");
	}
	out_char(out, '\n');
}

/* Writes the result of --unwind=check. */
static void write_check(const struct model_not_seen *n, struct out *out)
{
	if (!n->stacks_checked)
		return;
	text_line(out, "unwinders compared           ");
	out_count(out, n->stacks_checked, " stack, ", " stacks, ");
	out_count(out, n->stacks_disagreed, " disagrees\n", " disagree\n");
}

/* Writes "72.704 KB in 1 block of libstdc++ (emergency pool), 1.024 KB in 1 block of libc (stdio); counted above". */
static void write_kept(const struct model_section *s, struct out *out)
{
	static const char owners[][40] = {
		[MODEL_KEPT_POOL] = " of libstdc++ (emergency pool)", [MODEL_KEPT_STREAMS] = " of libc (stdio)",
		[MODEL_KEPT_LOADER] = " of ld.so",
	};
	bool any = false;

	for (unsigned i = 0; i < MODEL_KEPT_PARTS; i++) {
		const struct model_kept *k = &s->kept[i];

		if (!k->count)
			continue;
		if (any)
			out_text(out, ", ");
		else
			text_line(out, "kept by the runtime for good ");
		any = true;
		out_size(out, k->size);
		out_text(out, " in ");
		out_mark(out);
		out_count(out, k->count, " block", " blocks");
		out_text(out, owners[i]);
	}
	if (any)
		out_text(out, "; counted above\n");
}

void text_write_figures(const struct text *t, const struct model_section *s)
{
	const struct model *m = t->model;
	struct out *out = t->out;
	bool estimates;

	text_line(out, "heap traced num of backtrace ");
	out_u64(out, m->totals.live_rows);
	out_char(out, '\n');
	figure_size(out, "heap traced allocation size  ", m->totals.size);
	if (!m->options->group)		/* a group of these has all of them, not only the largest */
		write_kept(s, out);
	text_write_left_out(t, s);
	estimates = out_set_estimates(out, false);
	write_allocator(&m->allocator, out);
	write_statm(&m->process, out);
	out_set_estimates(out, estimates);
	if (m->not_seen.no_space) {
		text_line(out, "new backtraces               ");
		out_text(out, "no space to keep them apart: they are under (table full)\n");
	}
	text_write_missing(&s->lacks, out);
	write_check(&m->not_seen, out);
	text_write_not_seen(&m->not_seen, s->left_out, out);
	text_write_rule(out);
}
