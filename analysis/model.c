/* SPDX-License-Identifier: GPL-2.0-only */
/* See model.h. */
#include "model.h"

#include "base/opened.h"

#include <string.h>

#define LINE_BYTES	((size_t)72 << 10)	/* the longest name and then some */

static const struct report_writer *const *offered;

void report_offer(const struct report_writer *const *writers)
{
	offered = writers;
}

const struct report_writer *report_writer(const struct options *o)
{
	enum output_format format = options_format(o);

	for (unsigned i = 0; offered && offered[i]; i++) {
		if (!strcmp(offered[i]->name, options_format_name(format)))
			return offered[i];
	}
	return format == OUTPUT_FOLDED ? &report_folded : &report_text;
}

/* Marks the names of which a printed line matches a rule. */
static bool mark_ignored(struct report *r)
{
	char *buf = arena_alloc(r->arena, LINE_BYTES);

	if (!buf)
		return false;
	for (size_t i = 0; i < r->names.slot_count; i++) {
		struct name *name = &r->names.slots[i];

		for (unsigned at = 0; name->key && !name->ignored && at < names_lines(name); at++) {
			struct out line;

			out_init(&line, -1, buf, LINE_BYTES);
			out_char(&line, '[');
			out_hex_wide(&line, name->pc, 14);
			out_text(&line, "] ");
			names_print(&r->names, name, at, 0, &line);
			name->ignored = rules_match(r->request->rules, out_string(&line));
		}
	}
	return true;
}

static bool is_ignored(const struct report *r, uint32_t row)
{
	uint32_t *codes = r->names.codes;
	unsigned count = table_frames(r->request->table, row, codes);

	for (unsigned i = 0; i < count; i++) {
		const struct name *name = names_find(&r->names, codes, i);

		if (name && name->ignored)
			return true;
	}
	return false;
}

/* Takes the rows out of the view that a rule matches. */
static void apply_rules(struct report *r)
{
	struct view *v = &r->view;
	uint32_t kept = 0, counted = view_end(v, 0);
	unsigned key = 0;

	for (uint32_t i = 0; i < v->count; i++)
		names_add_row(&r->names, v->rows[i].row);
	names_resolve(&r->names);
	rules_begin(r->request->rules);
	if (!mark_ignored(r))
		return;
	for (uint32_t i = 0; i < v->count; i++) {
		const struct counters *c = &v->rows[i].counters;

		while (v->cut && i >= v->ends[key])
			v->ends[key++] = kept;
		if (!is_ignored(r, v->rows[i].row)) {
			v->rows[kept++] = v->rows[i];
		} else if (c->live_count && i < counted) {
			r->ignored_rows++;
			r->ignored_size += c->live_size;
		}
	}
	while (v->cut && key < r->section_count)
		v->ends[key++] = kept;
	v->count = kept;
}

static void add_up(struct report *r)
{
	if (r->view.cut) {
		r->live_rows = r->view.live_rows - r->ignored_rows;
		r->live_size = r->view.live_size - r->ignored_size;
		return;
	}
	for (uint32_t i = 0; i < r->view.count; i++) {
		const struct counters *c = &r->view.rows[i].counters;

		if (c->live_count) {
			r->live_rows++;
			r->live_size += c->live_size;
		}
	}
}

/*
 * The rows a section lists: with live blocks or, where the format has its value for every
 * row, with a value.
 */
static bool select_rows(struct report *r, unsigned section, bool all_rows)
{
	const struct view *v = &r->view;
	struct report_section *s = &r->sections[section];
	uint32_t first = view_first(v, section), end = view_end(v, section);
	uint32_t top = all_rows ? 0 : r->request->options->top;

	s->rows = arena_alloc(r->arena, (end - first) * sizeof(*s->rows));
	if (!s->rows)
		return false;
	for (uint32_t i = first; i < end; i++) {
		uint64_t value = view_value(v, &v->rows[i], s->key);

		if (all_rows ? value != 0 : v->rows[i].counters.live_count != 0)
			s->rows[s->count++] = (struct sort_entry){ value, i };
	}
	if (v->cut && (!top || top > s->count) && s->count < r->live_rows)
		s->left_out = (top && top < r->live_rows ? top : r->live_rows) - s->count;
	if (!top || top > s->count)
		top = s->count;
	sort_largest(s->rows, s->count, top);
	s->count = top;
	return true;
}

enum report_result report_write(const struct report_request *request, struct arena *arena,
				struct out *out)
{
	const struct report_writer *writer = report_writer(request->options);
	struct report *r = arena_alloc(arena, sizeof(*r));
	unsigned sections = request->sort_count;

	if (!r)
		return REPORT_NO_MEMORY;
	if (sections > writer->sections_max)
		sections = writer->sections_max;
	r->request = request;
	r->arena = arena;
	r->section_count = sections;
	if (!view_take(&r->view, request->table, writer->all_rows, request->sort, sections, arena) ||
	    !names_init(&r->names, request->table, request->options, request->process.pid, arena))
		return REPORT_NO_MEMORY;
	r->names.foreign = request->foreign;
	r->names.runs_as = request->runs_as;
	if (request->now_ns)
		r->view.now_ns = request->now_ns;
	r->blocks = allocator_blocks(r);
	if (request->rules && request->rules->count)
		apply_rules(r);
	add_up(r);
	if (request->quiet_if_empty && !writer->all_rows && !r->live_rows) {
		if (request->left_out)
			*request->left_out = r->ignored_rows;
		return REPORT_DONE;
	}
	for (unsigned i = 0; i < sections; i++) {
		struct report_section *s = &r->sections[i];

		s->key = request->sort[i];
		if (!select_rows(r, i, writer->all_rows))
			return REPORT_NO_MEMORY;
		for (uint32_t n = 0; n < s->count; n++)
			names_add_row(&r->names, r->view.rows[s->rows[n].index].row);
	}
	names_resolve(&r->names);
	if (request->tries_again && opened_lacking())
		return REPORT_NO_DESCRIPTOR;
	writer->write(r, out);
	return REPORT_DONE;
}
