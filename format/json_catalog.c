/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All rows of the model in a JSON report, as a catalog (analysis/catalog.h): see json.h. Each kind of thing is written
 * figure by figure, in lists of the same length, which takes half the space of a list of objects and is read faster.
 */
#include "json_numbers.h"

#include "analysis/catalog.h"
#include "analysis/window_rows.h"
#include "base/hash.h"
#include "base/hash_index.h"
#include "json_text.h"

/* Numbers from here on are not exact in many readers of JSON. */
#define EXACT_NUMBERS	((uint64_t)1 << 53)

static void write_texts(const struct catalog *c, struct out *out)
{
	json_write_name(out, true, "texts");
	out_char(out, '[');
	for (uint32_t i = 0; i < c->text_count; i++) {
		if (i)
			out_text(out, ",\n");
		json_text_write(c->texts[i], out);
	}
	out_text(out, "],\n");
}

static void write_build_id(const struct catalog_module *m, struct out *out)
{
	if (!m->build_id_bytes) {
		out_text(out, "null");
		return;
	}
	out_char(out, '"');
	out_hex_bytes(out, m->build_id, m->build_id_bytes);
	out_char(out, '"');
}

static void add_addresses(const struct catalog *c, const char *name, size_t offset, struct out *out)
{
	json_write_name(out, false, name);
	out_char(out, '[');
	for (uint32_t i = 0; i < c->module_count; i++) {
		out_text(out, i ? ",\"" : "\"");
		out_hex(out, *(const uint64_t *)(const void *)((const char *)&c->modules[i] + offset));
		out_char(out, '"');
	}
	out_char(out, ']');
}

/* Why the module lacks names, or lines: a text, or null. */
static void add_lacks(const struct catalog *c, bool names, struct out *out)
{
	json_write_name(out, false, names ? "names-missing" : "lines-missing");
	out_char(out, '[');
	for (uint32_t i = 0; i < c->module_count; i++) {
		if (i)
			out_char(out, ',');
		json_text_write(json_module_lacks(c->model, c->texts[c->modules[i].path], names), out);
	}
	out_char(out, ']');
}

static void write_modules(const struct catalog *c, struct out *out)
{
	json_begin(out, "modules", '{');
	NUMBERS_WRITE(out, NULL, true, "path", NUMBERS_PLAIN, c->module_count, v, v = c->modules[i].path);
	json_write_name(out, false, "build-id");
	out_char(out, '[');
	for (uint32_t i = 0; i < c->module_count; i++) {
		if (i)
			out_char(out, ',');
		write_build_id(&c->modules[i], out);
	}
	out_char(out, ']');
	add_addresses(c, "start", offsetof(struct catalog_module, start), out);
	add_addresses(c, "end", offsetof(struct catalog_module, end), out);
	add_addresses(c, "bias", offsetof(struct catalog_module, bias), out);
	add_lacks(c, true, out);
	add_lacks(c, false, out);
	out_text(out, "},\n");
}

static void write_code(const struct catalog *c, struct numbers_packing *packing, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);
	enum numbers_form steps = numbers_form(packing, NUMBERS_DIFFERENCES);

	json_begin(out, "functions", '{');
	NUMBERS_WRITE(out, packing, true, "name", steps, c->function_count, v, v = c->functions[i].name);
	NUMBERS_WRITE(out, packing, false, "module", list, c->function_count, v, v = c->functions[i].module);
	NUMBERS_WRITE(out, packing, false, "wrapper", list, c->function_count, v, v = catalog_is_wrapper(c, i));
	out_text(out, "},\n");
	json_begin(out, "places", '{');
	NUMBERS_WRITE(out, packing, true, "function", list, c->place_count, v, v = c->places[i].function);
	NUMBERS_WRITE(out, packing, false, "file", list, c->place_count, v, v = c->places[i].file);
	NUMBERS_WRITE(out, packing, false, "line", list, c->place_count, v, v = c->places[i].line);
	NUMBERS_WRITE(out, packing, false, "inlined", list, c->place_count, v, v = c->places[i].inlined);
	out_text(out, "},\n");
}

static uint64_t offset_of(const struct catalog_address *a)
{
	return a->module == CATALOG_NO_MODULE ? a->pc : a->module_offset;
}

static void write_offsets(const struct catalog *c, struct out *out)
{
	json_write_name(out, false, "offset");
	out_char(out, '[');
	for (uint32_t i = 0; i < c->address_count; i++) {
		uint64_t offset = offset_of(&c->addresses[i]);

		if (i)
			out_char(out, ',');
		if (offset < EXACT_NUMBERS) {
			out_u64(out, offset);
		} else {
			out_char(out, '"');
			out_hex(out, offset);
			out_char(out, '"');
		}
	}
	out_char(out, ']');
}

static void write_stacks(const struct catalog *c, struct numbers_packing *packing, struct arena *arena, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);

	json_begin(out, "addresses", '{');
	NUMBERS_WRITE(out, packing, true, "module", list, c->address_count, v, v = c->addresses[i].module);
	if (packing)
		NUMBERS_WRITE(out, packing, false, "offset", list, c->address_count, v,
			      v = offset_of(&c->addresses[i]));
	else
		write_offsets(c, out);
	NUMBERS_WRITE(out, packing, false, "places", list, c->address_count, v, v = c->addresses[i].place_count);
	out_text(out, "},\n");
	json_begin(out, "nodes", '{');
	NUMBERS_WRITE(out, packing, true, "outer", list, c->node_count, v, v = i - c->nodes[i].outer);
	json_write_nodes(c, packing, arena, out);
	out_text(out, "},\n");
}

/* ---- Rows ---- */

/* The sets of threads that rows have, as small numbers. */
struct sets {
	uint64_t *sets;
	uint32_t *of_row;	/* the number of each row's set; behind them those of the windows' rows */
	uint32_t count;
};

static bool is_set(const void *context, uint32_t number, const void *wanted)
{
	const struct sets *s = context;

	return s->sets[number] == *(const uint64_t *)wanted;
}

static bool find_sets(const struct model *m, const struct window_rows *windows, struct arena *arena, struct sets *s)
{
	uint32_t rows = m->all.count, all = rows + windows->row_count;
	struct hash_index index = { .size = 0 };

	s->count = 0;
	s->sets = arena_alloc(arena, (all + (size_t)1) * sizeof(*s->sets));
	s->of_row = arena_alloc(arena, (all + (size_t)1) * sizeof(*s->of_row));
	if (!s->sets || !s->of_row)
		return false;
	for (uint32_t n = 0; n < all; n++) {
		uint64_t set = n < rows ? model_row(m, &m->all, n).threads : windows->rows[n - rows].threads;
		bool is_new;

		if (!hash_index_find(&index, arena, hash_add(0, set), is_set, s, &set, s->count, &s->of_row[n], &is_new))
			return false;
		if (is_new)
			s->sets[s->count++] = set;
	}
	return true;
}

static void write_sets(const struct model *m, const struct sets *s, struct out *out)
{
	json_begin(out, "thread-sets", '[');
	for (uint32_t i = 0; i < s->count; i++) {
		struct model_threads threads;

		model_threads(m, s->sets[i], &threads);
		out_text(out, i ? ",\n{" : "{");
		json_write_threads(&threads, "many", out);
		out_char(out, '}');
	}
	out_text(out, "],\n");
}

static void write_rows(const struct catalog *c, const struct sets *s, struct histograms *all,
		       struct numbers_packing *packing, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);
	enum numbers_form steps = numbers_form(packing, NUMBERS_DIFFERENCES);
	const struct model *m = c->model;
	uint32_t full = UINT32_MAX;

	json_begin(out, "rows", '{');
	NUMBERS_WRITE(out, packing, true, "id", steps, m->all.count, v, v = model_row(m, &m->all, i).id);
	NUMBERS_WRITE(out, packing, false, "node", steps, m->all.count, v, v = c->rows[i]);
	NUMBERS_WRITE(out, packing, false, "thread-set", list, m->all.count, v, v = s->of_row[i]);
	for (unsigned key = 0; key < SORT_KEYS; key++)
		NUMBERS_WRITE(out, packing, false, options_sort_name((enum sort_key)key), list, m->all.count, v,
			 v = model_row(m, &m->all, i).values[key]);
	for (uint32_t i = 0; i < m->all.count; i++)
		full = model_row(m, &m->all, i).overflow ? i : full;
	json_add_known(out, "table-full", full, UINT32_MAX);
	json_write_name(out, false, "histogram");
	if (!all) {
		out_text(out, "null");
	} else if (packing) {
		json_write_row_histograms(m, all, packing, out);
	} else {
		out_char(out, '[');
		for (uint32_t i = 0; i < m->all.count; i++) {
			out_text(out, i ? ",\n" : "");
			json_write_histogram(all, model_row(m, &m->all, i).id, out);
		}
		out_char(out, ']');
	}
	out_char(out, '}');
}

void json_write_catalog(const struct model *m, struct histograms *all, struct numbers_packing *packing,
			struct arena *arena, struct out *out)
{
	struct catalog *c = catalog_make(m, arena);
	struct window_rows windows;
	struct sets sets;

	if (!window_rows_find(&windows, m, arena))
		windows = (struct window_rows){ .model = m };
	if (!c || !find_sets(m, &windows, arena, &sets)) {
		out_text(out, "null");
		return;
	}
	out_char(out, '{');
	write_texts(c, out);
	write_modules(c, out);
	write_code(c, packing, out);
	write_stacks(c, packing, arena, out);
	write_sets(m, &sets, out);
	write_rows(c, &sets, all, packing, out);
	json_write_window_rows(&windows, sets.of_row + m->all.count, packing, arena, out);
	out_char(out, '}');
}
