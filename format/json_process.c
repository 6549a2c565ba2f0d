/* SPDX-License-Identifier: GPL-2.0-only */
/* What a JSON report says of the process as a whole: see json.h. */
#include "json.h"

#include "analysis/cut.h"
#include "analysis/memory.h"
#include "json_text.h"

static void write_process(const struct model *m, struct out *out)
{
	const struct model_process *p = &m->process;

	json_begin(out, "process", '{');
	json_first_number(out, "pid", p->pid);
	json_add_text(out, "command", p->command);
	json_add_text(out, "program", m->program);
	json_write_name(out, false, "statm");
	if (p->statm_known) {
		json_begin(out, NULL, '{');
		json_first_number(out, "vss-bytes", p->vss);
		json_add_number(out, "rss-bytes", p->rss);
		json_add_number(out, "shared-bytes", p->shared);
		out_char(out, '}');
	} else {
		out_text(out, "null");
	}
	json_add_known(out, "peak-rss-bytes", p->peak_rss, 0);
	json_add_bool(out, "peak-rss-is-least", p->peak_rss && p->peak_rss_is_least);
	json_add_number(out, "stacks-cut-at-frames", cut_at(model_table(m)));
	out_text(out, "},\n");
}

static const char *reason_name(enum model_reason reason)
{
	switch (reason) {
	case REASON_ASKED:	return "asked";
	case REASON_SIGNAL:	return "signal";
	case REASON_ABOVE:	return "above";
	case REASON_EVERY:	return "every";
	case REASON_EXIT:	return "exit";
	case REASON_SIGNALLED:	return "end-by-signal";
	case REASON_DETACH:	return "detach";
	case REASON_KILLED:	break;
	}
	return "killed";
}

static void write_moment(const struct model *m, struct out *out)
{
	const struct model_moment *t = &m->moment;
	char buf[OPTIONS_SIGNAL_BYTES];

	json_begin(out, "moment", '{');
	json_first_number(out, "dump", t->number);
	json_add_text(out, "reason", reason_name(t->reason));
	json_add_text(out, "signal", t->signal ? options_signal_name(t->signal, buf) : NULL);
	json_add_bool(out, "ended", t->ended);
	json_add_number(out, "since-start-ns", t->runtime_ns);
	json_add_number(out, "at-ns", model_moment_ns(t));
	json_add_number(out, "started-unix-ns", t->begun_real_ns);
	json_add_number(out, "peak-at-ns", t->peak_at_ns);
	out_text(out, "},\n");
}

/* Figures are numbers here, without the mark of estimates. */
static void write_sampling(const struct model *m, struct out *out)
{
	if (!m->sample_bytes) {
		out_text(out, "\"sampling\":null,\n");
		return;
	}
	json_begin(out, "sampling", '{');
	json_first_number(out, "bytes-mean", m->sample_bytes);
	json_add_bool(out, "estimated", true);
	out_text(out, "},\n");
}

static void write_totals(const struct model *m, struct out *out)
{
	const struct model_totals *t = &m->totals;

	json_begin(out, "totals", '{');
	json_first_number(out, "rows", t->live_rows);
	json_add_number(out, options_sort_name(SORT_SIZE), t->size);
	json_add_number(out, options_sort_name(SORT_COUNT), t->count);
	json_add_number(out, options_sort_name(SORT_PEAK_SIZE), t->peak_size);
	json_add_number(out, options_sort_name(SORT_HEAP_PEAK), t->heap_peak);
	json_add_number(out, options_sort_name(SORT_TOTAL_SIZE), t->total_size);
	json_add_number(out, options_sort_name(SORT_TOTAL_COUNT), t->total_count);
	json_add_number(out, options_sort_name(SORT_TEMPORARY), t->temporary);
	json_add_number(out, "ignored-rows", t->ignored_rows);
	json_add_number(out, "ignored-bytes", t->ignored_size);
	json_add_number(out, "unfocused-rows", t->unfocused_rows);
	json_add_number(out, "unfocused-bytes", t->unfocused_size);
	json_add_bool(out, "partial", t->partial);
	out_text(out, "},\n");
}

static void write_allocator(const struct model *m, struct out *out)
{
	const struct model_allocator *a = &m->allocator;

	json_begin(out, "allocator", '{');
	json_write_name(out, true, "virtual-bytes");
	if (a->virtual_known)
		out_u64(out, a->virtual_bytes);
	else
		out_text(out, "null");
	json_add_bool(out, "virtual-estimated", a->virtual_known && a->virtual_estimated);
	json_add_text(out, "virtual-unknown", a->virtual_known ? NULL : a->unknown);
	json_add_number(out, "handed-out-bytes", a->handed_bytes);
	json_add_bool(out, "handed-out-estimated", a->estimated);
	out_text(out, "},\n");
}

static const char *mostly_name(enum memory_mostly mostly)
{
	switch (mostly) {
	case MEMORY_FREE:	return "free";
	case MEMORY_FRAGMENTED:	return "fragmented";
	case MEMORY_ROUNDING:	return "rounding";
	case MEMORY_ANONYMOUS:	return "anonymous";
	case MEMORY_FILES:	return "files";
	case MEMORY_STACKS:	return "stacks";
	case MEMORY_OWN:	return "own";
	case MEMORY_LIVE:	break;
	}
	return "live";
}

static void write_memory(const struct model *m, struct out *out)
{
	const struct model_memory *y = &m->memory;

	if (y->source != MEMORY_SMAPS) {
		out_text(out, "\"memory\":null,\n");
		return;
	}
	json_begin(out, "memory", '{');
	json_first_number(out, "rss-bytes", y->rss);
	json_add_number(out, "live-bytes", y->live);
	json_add_number(out, "not-in-memory-bytes", y->unwritten);
	json_add_number(out, "rounding-bytes", y->rounding);
	json_add_number(out, "free-bytes", y->free);
	json_add_number(out, "anonymous-bytes", y->anonymous);
	json_add_number(out, "files-bytes", y->files);
	json_add_number(out, "stacks-bytes", y->stacks);
	json_add_number(out, "own-bytes", y->own);
	json_add_number(out, "swapped-bytes", y->swapped);
	json_add_number(out, "before-ns", y->before_ns);
	json_add_number(out, "trimmable-bytes", y->trimmable);
	json_add_bool(out, "allocator-known", y->allocator_known);
	json_add_text(out, "allocator", y->allocator_known ? "glibc" : y->allocator == ALLOCATOR_UNNAMED ? NULL :
		      memory_allocator_name(y->allocator));
	json_add_text(out, "mostly", mostly_name(y->mostly));
	out_text(out, "},\n");
}

void json_write_process(const struct model *m, struct out *out)
{
	write_process(m, out);
	write_moment(m, out);
	write_sampling(m, out);
	write_totals(m, out);
	write_allocator(m, out);
	write_memory(m, out);
}
