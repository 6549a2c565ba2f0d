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
#include "json_groups.h"
#include "json_history.h"
#include "json_text.h"

#include "analysis/histogram.h"
#include "analysis/rules.h"

#include <string.h>

#define SCHEMA_VERSION	1
#ifndef HEAPTRACE_VERSION		/* the Makefile defines it */
#define HEAPTRACE_VERSION "unknown"
#endif

/* ---- Values ---- */

static void write_string(struct out *out, const char *text)
{
	json_text_write(text, out);
}

/* ---- Members: a comma stands before each but the first of an object or a list ---- */

/* Opens an object or a list, which is a member if it has a name, and else an element. */
static void begin(struct out *out, const char *name, char bracket)
{
	if (name) {
		write_string(out, name);
		out_char(out, ':');
	}
	out_char(out, bracket);
}

static void write_name(struct out *out, bool first, const char *name)
{
	if (!first)
		out_char(out, ',');
	write_string(out, name);
	out_char(out, ':');
}

/* The add_ functions write a member that is not the first one of its object. */
static void add_number(struct out *out, const char *name, uint64_t value)
{
	write_name(out, false, name);
	out_u64(out, value);
}

static void add_string(struct out *out, const char *name, const char *text)
{
	write_name(out, false, name);
	write_string(out, text);
}

static void add_bool(struct out *out, const char *name, bool value)
{
	write_name(out, false, name);
	out_text(out, value ? "true" : "false");
}

static void first_number(struct out *out, const char *name, uint64_t value)
{
	write_name(out, true, name);
	out_u64(out, value);
}

/* Addresses are strings, because many readers of JSON keep only 53 bits of a number. */
static void add_address(struct out *out, const char *name, uint64_t address)
{
	write_name(out, false, name);
	out_char(out, '"');
	out_hex(out, address);
	out_char(out, '"');
}

/* ---- The process ---- */

static void write_process(const struct model *m, struct out *out)
{
	const struct model_process *p = &m->process;

	begin(out, "process", '{');
	first_number(out, "pid", p->pid);
	add_string(out, "command", p->command);
	write_name(out, false, "statm");
	if (p->statm_known) {
		begin(out, NULL, '{');
		first_number(out, "vss", p->vss);
		add_number(out, "rss", p->rss);
		add_number(out, "shared", p->shared);
		out_char(out, '}');
	} else {
		out_text(out, "null");
	}
	write_name(out, false, "peak-rss");
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

	begin(out, "moment", '{');
	first_number(out, "dump", t->number);
	add_string(out, "reason", reason_name(t->reason));
	add_string(out, "signal", t->signal ? options_signal_name(t->signal, buf) : NULL);
	add_bool(out, "ended", t->ended);
	add_number(out, "since-start-ns", t->runtime_ns);
	add_number(out, "started-unix-ns", t->begun_real_ns);
	add_number(out, "peak-at-ns", t->peak_at_ns);
	out_text(out, "},\n");
}

static void write_totals(const struct model *m, struct out *out)
{
	const struct model_totals *t = &m->totals;

	begin(out, "totals", '{');
	first_number(out, "rows", t->live_rows);
	add_number(out, options_sort_name(SORT_SIZE), t->size);
	add_number(out, options_sort_name(SORT_COUNT), t->count);
	add_number(out, options_sort_name(SORT_PEAK_SIZE), t->peak_size);
	add_number(out, options_sort_name(SORT_HEAP_PEAK), t->heap_peak);
	add_number(out, options_sort_name(SORT_TOTAL_SIZE), t->total_size);
	add_number(out, options_sort_name(SORT_TOTAL_COUNT), t->total_count);
	add_number(out, options_sort_name(SORT_TEMPORARY), t->temporary);
	add_number(out, "ignored-rows", t->ignored_rows);
	add_number(out, "ignored-size", t->ignored_size);
	add_number(out, "unfocused-rows", t->unfocused_rows);
	add_number(out, "unfocused-size", t->unfocused_size);
	add_bool(out, "partial", t->partial);
	out_text(out, "},\n");
}

static void write_allocator(const struct model *m, struct out *out)
{
	const struct model_allocator *a = &m->allocator;

	begin(out, "allocator", '{');
	write_name(out, true, "virtual");
	if (a->virtual_known)
		out_u64(out, a->virtual_bytes);
	else
		out_text(out, "null");
	add_bool(out, "virtual-estimated", a->virtual_known && a->virtual_estimated);
	add_string(out, "virtual-unknown", a->virtual_known ? NULL : a->unknown);
	add_number(out, "handed-out", a->handed_bytes);
	add_bool(out, "handed-out-estimated", a->estimated);
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
	begin(out, "memory", '{');
	first_number(out, "rss", y->rss);
	add_number(out, "live", y->live);
	add_number(out, "not-in-memory", y->unwritten);
	add_number(out, "rounding", y->rounding);
	add_number(out, "free", y->free);
	add_number(out, "anonymous", y->anonymous);
	add_number(out, "files", y->files);
	add_number(out, "stacks", y->stacks);
	add_number(out, "own", y->own);
	add_number(out, "swapped", y->swapped);
	add_number(out, "before-ns", y->before_ns);
	add_number(out, "trimmable", y->trimmable);
	add_bool(out, "allocator-known", y->allocator_known);
	add_string(out, "mostly", mostly_name(y->mostly));
	out_text(out, "},\n");
}

/* ---- What the figures do not cover ---- */

static void write_not_seen(const struct model_not_seen *n, struct out *out)
{
	begin(out, "not-seen", '{');
	first_number(out, "lost-allocations", n->lost_blocks);
	add_number(out, "allocations-without-row", n->overflow_calls);
	add_bool(out, "no-space", n->no_space);
	add_number(out, "stacks-cut-after-caller", n->stacks_cut);
	add_number(out, "stacks-broken", n->stacks_broken);
	add_number(out, "stacks-by-slow-unwinder", n->slow_stacks);
	add_number(out, "truncated-in-no-file", n->truncated_no_file);
	add_number(out, "truncated-in-modules", n->truncated_in_modules);
	write_name(out, false, "truncated-modules");
	out_char(out, '[');
	for (unsigned i = 0; i < n->truncated_module_count; i++) {
		if (i)
			out_char(out, ',');
		write_string(out, n->truncated_modules[i]);
	}
	out_char(out, ']');
	add_number(out, "frees-of-unknown-blocks", n->unknown_frees);
	add_number(out, "frees-of-known-blocks", n->known_frees);
	add_number(out, "untraced-programs", n->untraced);
	add_bool(out, "own-operator-new", n->own_new);
	add_bool(out, "own-malloc", n->other_malloc);
	add_bool(out, "valgrind", n->valgrind);
	add_bool(out, "namespaces", n->namespaces);
	add_number(out, "deep-bound-libraries", n->deep_bound);
	add_string(out, "deep-bound-library", n->deep_bound ? n->deep_name : NULL);
	add_number(out, "stacks-checked", n->stacks_checked);
	add_number(out, "stacks-disagreed", n->stacks_disagreed);
	out_text(out, "},\n");
}

static void write_rules(const struct rules *rules, struct out *out)
{
	struct rules_place at = { .byte = 0 };
	const struct rules_hits *hits;
	size_t number = 0;
	const char *rule;
	bool first = true;

	write_string(out, "ignore");
	if (!rules) {
		out_text(out, ":null,\n");
		return;
	}
	out_text(out, ":{");
	first_number(out, "rules", rules->from_file);
	write_name(out, false, "unmatched");
	out_char(out, '[');
	while ((rule = rules_next_unmatched(rules, &at))) {
		if (!first)
			out_char(out, ',');
		first = false;
		write_string(out, rule);
	}
	out_char(out, ']');
	write_name(out, false, "matched");
	out_char(out, '[');
	for (first = true; (hits = rules_next_counted(rules, &number)); first = false) {
		out_text(out, first ? "{" : ",{");
		write_name(out, true, "rule");
		write_string(out, hits->rule);
		add_string(out, "from", number <= rules->from_file ? "file" :
					number <= rules->from_file + rules->from_program ? "program" : "built-in");
		add_number(out, "blocks", hits->blocks);
		add_number(out, "bytes", hits->bytes);
		out_char(out, '}');
	}
	out_text(out, "]},\n");
}

static void write_lacks(const char *name, const struct model_lack *lacks, unsigned count, struct out *out)
{
	write_name(out, false, name);
	out_char(out, '[');
	for (unsigned i = 0; i < count; i++) {
		out_text(out, i ? ",{" : "{");
		write_name(out, true, "module");
		write_string(out, lacks[i].module);
		add_string(out, "why", lacks[i].why);
		add_number(out, "errno", (uint64_t)lacks[i].error);
		out_char(out, '}');
	}
	out_char(out, ']');
}

/* ---- Sections and rows ---- */

static void write_section(const struct model *m, const struct model_section *s, struct out *out)
{
	out_char(out, '{');
	write_name(out, true, "key");
	write_string(out, options_sort_name(s->key));
	write_name(out, false, "rows");
	out_char(out, '[');
	for (uint32_t n = 0; n < s->count; n++) {
		if (n)
			out_char(out, ',');
		out_u64(out, model_row(m, s, n).id);
	}
	out_char(out, ']');
	add_number(out, "no-memory-to-list", s->left_out);
	add_number(out, "filtered-rows", s->filtered);
	add_number(out, "filtered-size", s->filtered_size);
	write_lacks("names-missing", s->lacks.names, s->lacks.name_count, out);
	write_lacks("lines-missing", s->lacks.lines, s->lacks.line_count, out);
	add_number(out, "modules-without-path", s->lacks.unknown_modules);
	add_bool(out, "modules-not-noted", s->lacks.modules_full);
	out_char(out, '}');
}

/* Writes call i of a frame. A frame with inlined functions has one object for each of them, as it has lines in a text
 * dump. */
static void write_call(const struct frame *f, unsigned i, struct out *out)
{
	struct frame_call c = frame_call(f, i);

	begin(out, NULL, '{');
	write_name(out, true, "address");
	out_char(out, '"');
	out_hex(out, f->pc);
	out_char(out, '"');
	add_string(out, "module", f->module);
	if (f->module)
		add_address(out, "module-offset", f->module_offset);
	else
		add_string(out, "module-offset", NULL);
	add_string(out, "function", c.function);
	if (c.function && c.offset != FRAME_NO_OFFSET)
		add_number(out, "function-offset", c.offset);
	else
		add_string(out, "function-offset", NULL);
	add_string(out, "file", c.file);
	if (c.line)
		add_number(out, "line", c.line);
	else
		add_string(out, "line", NULL);
	add_bool(out, "inlined", c.inlined);
	out_char(out, '}');
}

static void write_threads(const struct model *m, const struct model_row *row, struct out *out)
{
	struct model_threads threads;

	model_threads(m, row->threads, &threads);
	write_name(out, false, "threads");
	out_char(out, '[');
	for (unsigned i = 0; i < threads.count; i++) {
		begin(out, NULL, '{');
		first_number(out, "id", threads.list[i].id);
		add_string(out, "name", threads.list[i].name[0] ? threads.list[i].name : NULL);
		out_text(out, i + 1 < threads.count ? "}," : "}");
	}
	out_char(out, ']');
	add_bool(out, "threads-many", threads.many);
}

static void write_row(const struct model *m, const struct model_row *row, struct histograms *all, struct out *out)
{
	struct model_stack stack;

	begin(out, NULL, '{');
	first_number(out, "id", row->id);
	for (unsigned key = 0; key < SORT_KEYS; key++)
		add_number(out, options_sort_name((enum sort_key)key), row->values[key]);
	add_bool(out, "table-full", row->overflow);
	write_threads(m, row, out);
	write_name(out, false, "histogram");
	json_write_histogram(all, row->id, out);
	write_name(out, false, "frames");
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

/* Makes an array with a bit for each row id that a section lists, all 0. NULL: there is no memory. */
static uint8_t *make_seen(const struct model *m, struct arena *arena)
{
	uint32_t last = 0;

	for (unsigned i = 0; i < m->section_count; i++) {
		for (uint32_t n = 0; n < m->sections[i].count; n++) {
			uint32_t id = model_row(m, &m->sections[i], n).id;

			last = id > last ? id : last;
		}
	}
	return arena_alloc(arena, last / 8 + 1);
}

/* Writes each row that any section lists, once. Without memory for `seen`, only the rows of the first section are
 * written. */
static void write_rows(const struct model *m, struct histograms *all, struct arena *arena, struct out *out)
{
	uint8_t *seen = make_seen(m, arena);
	bool first = true;

	begin(out, "rows", '[');
	for (unsigned i = 0; i < (seen ? m->section_count : 1); i++) {
		for (uint32_t n = 0; n < m->sections[i].count; n++) {
			struct model_row row = model_row(m, &m->sections[i], n);
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

static void write_json(const struct model *m, struct arena *arena, struct out *out)
{
	struct histograms *all = histograms_find(m, arena);

	begin(out, NULL, '{');
	write_name(out, true, "schema");
	write_string(out, "heaptrace-report");
	add_number(out, "version", SCHEMA_VERSION);
	add_string(out, "heaptrace", HEAPTRACE_VERSION);
	out_text(out, ",\n");
	write_process(m, out);
	write_moment(m, out);
	write_totals(m, out);
	write_allocator(m, out);
	write_memory(m, out);
	write_not_seen(&m->not_seen, out);
	write_rules(m->rules, out);
	write_string(out, "histogram");
	out_char(out, ':');
	json_write_histogram(all, 0, out);
	out_text(out, ",\n");
	json_history_write(m, out);
	begin(out, "sections", '[');
	for (unsigned i = 0; i < m->section_count; i++) {
		if (i)
			out_text(out, ",\n");
		write_section(m, &m->sections[i], out);
	}
	out_text(out, "],\n");
	json_groups_write(m, arena, out);
	write_rows(m, all, arena, out);
	out_text(out, "}\n");
}

const struct format json_format = {
	.name = "json", .replaces = true, .figures = true, .by_reporter = true, .rows = MODEL_ROWS_OF_KEY,
	.sections_max = SORT_KEYS, .write = write_json,
};
