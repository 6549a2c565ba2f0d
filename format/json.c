/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a model as one JSON document, for programs. doc/json.md describes each field. Each row is on a line of its
 * own.
 *
 *	{"schema":"heaptrace-report","version":2,"heaptrace":"0.1",
 *	"process":{"pid":4711,"command":"node","statm":{"vss-bytes":4235264,"rss-bytes":1048576,"shared-bytes":802816}},
 *	...
 *	"rows":[
 *	{"id":7,"size":22704,"count":43,...,"frames":[{"address":"0x7fe72e46476c","module":"/lib/libc.so.6",...}]},
 *	...
 */
#include "json_numbers.h"
#include "json_text.h"

#include "analysis/findings.h"
#include "analysis/histogram.h"
#include "base/version.h"

#define SCHEMA_VERSION	2

/* Writes what the runtime keeps for good, which is not among the rows. */
static void write_kept(const struct model_section *s, struct out *out)
{
	static const char *const names[] = {
		[MODEL_KEPT_POOL] = "libstdc++", [MODEL_KEPT_STREAMS] = "stdio", [MODEL_KEPT_LOADER] = "ld.so",
	};
	bool first = true;

	json_write_name(out, false, "runtime");
	out_char(out, '[');
	for (unsigned i = 0; i < MODEL_KEPT_PARTS; i++) {
		if (!s->kept[i].count)
			continue;
		out_text(out, first ? "{" : ",{");
		json_write_name(out, true, "of");
		json_text_write(names[i], out);
		json_add_number(out, options_sort_name(SORT_SIZE), s->kept[i].size);
		json_add_number(out, options_sort_name(SORT_COUNT), s->kept[i].count);
		out_char(out, '}');
		first = false;
	}
	out_char(out, ']');
}

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
	json_add_number(out, "rows-without-memory", s->left_out);
	json_add_number(out, "filtered-rows", s->filtered);
	json_add_number(out, "filtered-bytes", s->filtered_size);
	json_write_lacks("names-missing", s->lacks.names, s->lacks.name_count, out);
	json_write_lacks("lines-missing", s->lacks.lines, s->lacks.line_count, out);
	write_kept(s, out);
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
	json_add_known(out, "function-offset-bytes", c.function ? c.offset : FRAME_NO_OFFSET, FRAME_NO_OFFSET);
	json_add_text(out, "file", c.file);
	json_add_known(out, "line", c.line, 0);
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

void json_write_frames(const struct model *m, const struct model_row *row, struct out *out)
{
	struct model_stack stack;

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
	out_char(out, ']');
}

static void write_row(const struct model *m, const struct model_row *row, struct histograms *all, struct out *out)
{
	struct model_threads threads;

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
	json_write_frames(m, row, out);
	out_char(out, '}');
}

/* The lists whose rows are written: those of the sections and, with --growth, all rows. Number i; NULL: there are no
 * more. */
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

static void write_findings(const struct model *m, struct arena *arena, struct out *out)
{
	struct findings f;

	findings_make(&f, m, arena);
	json_begin(out, "findings", '[');
	for (unsigned i = 0; i < f.count; i++) {
		if (i)
			out_text(out, ",\n");
		json_text_write(f.texts[i], out);
	}
	out_text(out, "],\n");
}

void json_write_document(const struct model *m, struct arena *arena, bool page, struct out *out)
{
	struct numbers_packing work = { .arena = arena }, *packing = page ? &work : NULL;
	struct histograms *all = histograms_find(m, arena);

	json_begin(out, NULL, '{');
	json_write_name(out, true, "schema");
	json_text_write("heaptrace-report", out);
	json_add_number(out, "version", SCHEMA_VERSION);
	json_add_text(out, "heaptrace", HEAPTRACE_VERSION);
	out_text(out, ",\n");
	write_findings(m, arena, out);
	json_write_process(m, out);
	json_write_not_seen(&m->not_seen, out);
	json_write_rules(m->rules, out);
	json_write_name(out, true, "histogram");
	json_write_histogram(all, 0, out);
	out_text(out, ",\n");
	json_write_windows(m, out);
	json_write_timeline(m, out);
	json_write_snapshots(m, packing, out);
	json_begin(out, "sections", '[');
	for (unsigned i = 0; i < m->section_count; i++) {
		if (i)
			out_text(out, ",\n");
		write_section(m, &m->sections[i], out);
	}
	out_text(out, "],\n");
	json_write_groups(m, arena, out);
	json_write_growth(m, arena, out);
	json_write_pages(m, arena, out);
	json_write_pools(m, arena, out);
	json_write_diff(m, packing, arena, out);
	json_write_dump(m, arena, out);
	json_write_name(out, true, "catalog");
	json_write_catalog(m, all, packing, arena, out);
	if (!page) {
		out_text(out, ",\n");
		write_rows(m, all, arena, out);
	}
	out_text(out, "}\n");
}

static void write_json(const struct model *m, struct arena *arena, struct out *out)
{
	json_write_document(m, arena, false, out);
}

const struct format json_format = {
	.name = "json", .replaces = true, .figures = true, .by_reporter = true, .runtime_apart = true, .all_rows = true,
	.all_names = true, .rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_json,
};
