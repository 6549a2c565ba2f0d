/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a model as one JSON document, for programs. doc/json.md describes each field. Each row is on a line of its
 * own.
 *
 *	{"schema":"heaptrace-report","version":1,"heaptrace":"0.1",
 *	"process":{"pid":4711,"command":"node","statm":{"vss":4235264,"rss":1048576,"shared":802816}},
 *	...
 *	"rows":[
 *	{"id":7,"size":22704,"count":43,...,"frames":[{"address":"0x7fe72e46476c","module":"/lib/libc.so.6",...}]},
 *	...
 */
#include "json.h"
#include "json_text.h"

#include "analysis/histogram.h"
#include "analysis/rules.h"

#include <string.h>

#define SCHEMA_VERSION	1
#ifndef HEAPTRACE_VERSION		/* the Makefile defines it */
#define HEAPTRACE_VERSION "unknown"
#endif

/* ---- The process ---- */

static void write_process(const struct model *m, struct out *out)
{
	const struct model_process *p = &m->process;

	json_begin(out, "process", '{');
	json_first_number(out, "pid", p->pid);
	json_add_text(out, "command", p->command);
	json_write_name(out, false, "statm");
	if (p->statm_known) {
		json_begin(out, NULL, '{');
		json_first_number(out, "vss", p->vss);
		json_add_number(out, "rss", p->rss);
		json_add_number(out, "shared", p->shared);
		out_char(out, '}');
	} else {
		out_text(out, "null");
	}
	json_write_name(out, false, "peak-rss");
	if (p->peak_rss)
		out_u64(out, p->peak_rss);
	else
		out_text(out, "null");
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
	json_add_number(out, "started-unix-ns", t->begun_real_ns);
	json_add_number(out, "peak-at-ns", t->peak_at_ns);
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
	json_add_number(out, "ignored-size", t->ignored_size);
	json_add_number(out, "unfocused-rows", t->unfocused_rows);
	json_add_number(out, "unfocused-size", t->unfocused_size);
	json_add_bool(out, "partial", t->partial);
	out_text(out, "},\n");
}

static void write_allocator(const struct model *m, struct out *out)
{
	const struct model_allocator *a = &m->allocator;

	json_begin(out, "allocator", '{');
	json_write_name(out, true, "virtual");
	if (a->virtual_known)
		out_u64(out, a->virtual_bytes);
	else
		out_text(out, "null");
	json_add_bool(out, "virtual-estimated", a->virtual_known && a->virtual_estimated);
	json_add_text(out, "virtual-unknown", a->virtual_known ? NULL : a->unknown);
	json_add_number(out, "handed-out", a->handed_bytes);
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
	json_first_number(out, "rss", y->rss);
	json_add_number(out, "live", y->live);
	json_add_number(out, "not-in-memory", y->unwritten);
	json_add_number(out, "rounding", y->rounding);
	json_add_number(out, "free", y->free);
	json_add_number(out, "anonymous", y->anonymous);
	json_add_number(out, "files", y->files);
	json_add_number(out, "stacks", y->stacks);
	json_add_number(out, "own", y->own);
	json_add_number(out, "swapped", y->swapped);
	json_add_number(out, "before-ns", y->before_ns);
	json_add_number(out, "trimmable", y->trimmable);
	json_add_bool(out, "allocator-known", y->allocator_known);
	json_add_text(out, "mostly", mostly_name(y->mostly));
	out_text(out, "},\n");
}

/* ---- What the figures do not cover ---- */

static void write_not_seen(const struct model_not_seen *n, struct out *out)
{
	json_begin(out, "not-seen", '{');
	json_first_number(out, "lost-allocations", n->lost_blocks);
	json_add_number(out, "allocations-without-row", n->overflow_calls);
	json_add_bool(out, "no-space", n->no_space);
	json_add_number(out, "stacks-cut-after-caller", n->stacks_cut);
	json_add_number(out, "stacks-broken", n->stacks_broken);
	json_add_number(out, "stacks-by-slow-unwinder", n->slow_stacks);
	json_add_number(out, "truncated-in-no-file", n->truncated_no_file);
	json_add_number(out, "truncated-in-modules", n->truncated_in_modules);
	json_write_name(out, false, "truncated-modules");
	out_char(out, '[');
	for (unsigned i = 0; i < n->truncated_module_count; i++) {
		if (i)
			out_char(out, ',');
		json_text_write(n->truncated_modules[i], out);
	}
	out_char(out, ']');
	json_add_number(out, "frees-of-unknown-blocks", n->unknown_frees);
	json_add_number(out, "frees-of-known-blocks", n->known_frees);
	json_add_number(out, "untraced-programs", n->untraced);
	json_add_bool(out, "own-operator-new", n->own_new);
	json_add_bool(out, "own-malloc", n->other_malloc);
	json_add_bool(out, "valgrind", n->valgrind);
	json_add_bool(out, "namespaces", n->namespaces);
	json_add_number(out, "deep-bound-libraries", n->deep_bound);
	json_add_text(out, "deep-bound-library", n->deep_bound ? n->deep_name : NULL);
	json_add_number(out, "stacks-checked", n->stacks_checked);
	json_add_number(out, "stacks-disagreed", n->stacks_disagreed);
	out_text(out, "},\n");
}

static void write_rules(const struct rules *rules, struct out *out)
{
	struct rules_place at = { .byte = 0 };
	const struct rules_hits *hits;
	size_t number = 0;
	const char *rule;
	bool first = true;

	json_text_write("ignore", out);
	if (!rules) {
		out_text(out, ":null,\n");
		return;
	}
	out_text(out, ":{");
	json_first_number(out, "rules", rules->from_file);
	json_write_name(out, false, "unmatched");
	out_char(out, '[');
	while ((rule = rules_next_unmatched(rules, &at))) {
		if (!first)
			out_char(out, ',');
		first = false;
		json_text_write(rule, out);
	}
	out_char(out, ']');
	json_write_name(out, false, "matched");
	out_char(out, '[');
	for (first = true; (hits = rules_next_counted(rules, &number)); first = false) {
		out_text(out, first ? "{" : ",{");
		json_write_name(out, true, "rule");
		json_text_write(hits->rule, out);
		json_add_text(out, "from", number <= rules->from_file ? "file" :
					number <= rules->from_file + rules->from_program ? "program" : "built-in");
		json_add_number(out, "blocks", hits->blocks);
		json_add_number(out, "bytes", hits->bytes);
		out_char(out, '}');
	}
	out_text(out, "]},\n");
}

static void write_lacks(const char *name, const struct model_lack *lacks, unsigned count, struct out *out)
{
	json_write_name(out, false, name);
	out_char(out, '[');
	for (unsigned i = 0; i < count; i++) {
		out_text(out, i ? ",{" : "{");
		json_write_name(out, true, "module");
		json_text_write(lacks[i].module, out);
		json_add_text(out, "why", lacks[i].why);
		json_add_number(out, "errno", (uint64_t)lacks[i].error);
		out_char(out, '}');
	}
	out_char(out, ']');
}

const char *json_module_lacks(const struct model *m, const char *path, bool names)
{
	for (unsigned section = 0; section < m->section_count; section++) {
		const struct model_lacks *l = &m->sections[section].lacks;
		const struct model_lack *list = names ? l->names : l->lines;

		for (unsigned i = 0; i < (names ? l->name_count : l->line_count); i++) {
			if (!strcmp(list[i].module, path))
				return list[i].why;
		}
	}
	return NULL;
}

/* ---- Sections and rows ---- */

static void write_section(const struct model *m, const struct model_section *s, struct out *out)
{
	out_char(out, '{');
	json_write_name(out, true, "key");
	json_text_write(options_sort_name(s->key), out);
	json_write_name(out, false, "rows");
	out_char(out, '[');
	for (uint32_t n = 0; n < s->count; n++) {
		if (n)
			out_char(out, ',');
		out_u64(out, model_row(m, s, n).id);
	}
	out_char(out, ']');
	json_add_number(out, "no-memory-to-list", s->left_out);
	json_add_number(out, "filtered-rows", s->filtered);
	json_add_number(out, "filtered-size", s->filtered_size);
	write_lacks("names-missing", s->lacks.names, s->lacks.name_count, out);
	write_lacks("lines-missing", s->lacks.lines, s->lacks.line_count, out);
	json_add_number(out, "modules-without-path", s->lacks.unknown_modules);
	json_add_bool(out, "modules-not-noted", s->lacks.modules_full);
	out_char(out, '}');
}

/* Writes call i of a frame. A frame with inlined functions has one object for each of them, as it has lines in a text
 * dump. */
static void write_call(const struct frame *f, unsigned i, struct out *out)
{
	struct frame_call c = frame_call(f, i);

	json_begin(out, NULL, '{');
	json_write_name(out, true, "address");
	out_char(out, '"');
	out_hex(out, f->pc);
	out_char(out, '"');
	json_add_text(out, "module", f->module);
	if (f->module)
		json_add_address(out, "module-offset", f->module_offset);
	else
		json_add_text(out, "module-offset", NULL);
	json_add_text(out, "function", c.function);
	if (c.function && c.offset != FRAME_NO_OFFSET)
		json_add_number(out, "function-offset", c.offset);
	else
		json_add_text(out, "function-offset", NULL);
	json_add_text(out, "file", c.file);
	if (c.line)
		json_add_number(out, "line", c.line);
	else
		json_add_text(out, "line", NULL);
	json_add_bool(out, "inlined", c.inlined);
	out_char(out, '}');
}

void json_write_threads(const struct model_threads *threads, const char *many, struct out *out)
{
	json_write_name(out, true, "threads");
	out_char(out, '[');
	for (unsigned i = 0; i < threads->count; i++) {
		json_begin(out, NULL, '{');
		json_first_number(out, "id", threads->list[i].id);
		json_add_text(out, "name", threads->list[i].name[0] ? threads->list[i].name : NULL);
		out_text(out, i + 1 < threads->count ? "}," : "}");
	}
	out_char(out, ']');
	json_add_bool(out, many, threads->many);
}

static void write_row(const struct model *m, const struct model_row *row, struct histograms *all, struct out *out)
{
	struct model_threads threads;
	struct model_stack stack;

	json_begin(out, NULL, '{');
	json_first_number(out, "id", row->id);
	for (unsigned key = 0; key < SORT_KEYS; key++)
		json_add_number(out, options_sort_name((enum sort_key)key), row->values[key]);
	json_add_bool(out, "table-full", row->overflow);
	model_threads(m, row->threads, &threads);
	out_char(out, ',');
	json_write_threads(&threads, "threads-many", out);
	json_write_name(out, false, "histogram");
	json_write_histogram(all, row->id, out);
	json_write_name(out, false, "frames");
	out_char(out, '[');
	model_stack(m, row, &stack);
	for (unsigned i = 0; i < stack.count; i++) {
		struct frame f = model_frame(&stack, i);

		for (unsigned call = 0; call < f.call_count; call++) {
			if (i || call)
				out_char(out, ',');
			write_call(&f, call, out);
		}
	}
	out_text(out, "]}");
}

/* The lists whose rows are written: those of the sections and, with --growth, all rows. Number i; NULL: there are no more. */
static const struct model_section *list_of_rows(const struct model *m, unsigned i)
{
	return i < m->section_count ? &m->sections[i] : i == m->section_count && m->options->growth_ms ? &m->all : NULL;
}

/* Makes an array with a bit for each row id of these lists, all 0. NULL: there is no memory. */
static uint8_t *make_seen(const struct model *m, struct arena *arena)
{
	const struct model_section *s;
	uint32_t last = 0;

	for (unsigned i = 0; (s = list_of_rows(m, i)); i++) {
		for (uint32_t n = 0; n < s->count; n++) {
			uint32_t id = model_row(m, s, n).id;

			last = id > last ? id : last;
		}
	}
	return arena_alloc(arena, last / 8 + 1);
}

/* Writes each row of the lists once. Without memory for `seen`, only the rows of the first section are written. */
static void write_rows(const struct model *m, struct histograms *all, struct arena *arena, struct out *out)
{
	uint8_t *seen = make_seen(m, arena);
	const struct model_section *s;
	bool first = true;

	json_begin(out, "rows", '[');
	for (unsigned i = 0; (seen || !i) && (s = list_of_rows(m, i)); i++) {
		for (uint32_t n = 0; n < s->count; n++) {
			struct model_row row = model_row(m, s, n);
			uint8_t bit = (uint8_t)(1u << row.id % 8);

			if (seen && seen[row.id / 8] & bit)
				continue;
			if (seen)
				seen[row.id / 8] |= bit;
			out_text(out, first ? "\n" : ",\n");
			first = false;
			write_row(m, &row, all, out);
		}
	}
	out_text(out, "\n]");
}

void json_write_document(const struct model *m, struct arena *arena, bool frames, struct out *out)
{
	struct histograms *all = histograms_find(m, arena);

	json_begin(out, NULL, '{');
	json_write_name(out, true, "schema");
	json_text_write("heaptrace-report", out);
	json_add_number(out, "version", SCHEMA_VERSION);
	json_add_text(out, "heaptrace", HEAPTRACE_VERSION);
	out_text(out, ",\n");
	write_process(m, out);
	write_moment(m, out);
	write_totals(m, out);
	write_allocator(m, out);
	write_memory(m, out);
	write_not_seen(&m->not_seen, out);
	write_rules(m->rules, out);
	json_text_write("histogram", out);
	out_char(out, ':');
	json_write_histogram(all, 0, out);
	out_text(out, ",\n");
	json_write_history(m, out);
	json_begin(out, "sections", '[');
	for (unsigned i = 0; i < m->section_count; i++) {
		if (i)
			out_text(out, ",\n");
		write_section(m, &m->sections[i], out);
	}
	out_text(out, "],\n");
	json_write_groups(m, arena, out);
	json_write_growth(m, arena, out);
	json_write_dump(m, arena, out);
	json_text_write("catalog", out);
	out_char(out, ':');
	json_write_catalog(m, all, arena, out);
	if (frames) {
		out_text(out, ",\n");
		write_rows(m, all, arena, out);
	}
	out_text(out, "}\n");
}

static void write_json(const struct model *m, struct arena *arena, struct out *out)
{
	json_write_document(m, arena, true, out);
}

const struct format json_format = {
	.name = "json", .replaces = true, .figures = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY,
	.sections_max = SORT_KEYS, .write = write_json,
};
