/* SPDX-License-Identifier: GPL-2.0-only */
/* See filter.h. */
#include "filter.h"

#include "frame.h"

#define LINE_BYTES	((size_t)72 << 10)	/* the longest demangled name (names.c: 64 KB) and the rest of a line */

/* The number of the first rule that matches one of the calls of a frame; 0: none does. */
static uint32_t find_rule(const struct rules *rules, const struct frame *f, char *buf)
{
	for (unsigned i = 0; i < f->call_count; i++) {
		struct frame_call c = frame_call(f, i);
		struct rules_subject subject = { .function = c.function, .file = c.file, .module = f->module };
		struct out line;
		uint32_t rule;

		line = out_memory(buf, LINE_BYTES);
		out_char(&line, '[');
		out_hex_wide(&line, f->pc, 14);
		out_text(&line, "] ");
		frame_write_place(f, &c, c.function, out_name, &line);
		frame_write_rest(&c, &line);
		subject.line = out_string(&line);
		rule = rules_match(rules, &subject);
		if (rule)
			return rule;
	}
	return 0;
}

static bool mark_ignored(struct names *n, const struct rules *rules)
{
	char *buf = arena_alloc(n->arena, LINE_BYTES);

	if (!buf)
		return false;
	for (size_t i = 0; i < n->used; i++) {
		struct name *name = &n->list[i];
		struct frame f = names_frame(n, name->pc, name);

		name->rule = find_rule(rules, &f, buf);
	}
	return true;
}

/* The rule that leaves a row out: the first one that matches the innermost frame that any rule matches. 0: none. */
static uint32_t rule_of(const struct names *n, uint32_t row)
{
	unsigned count = table_frames(n->table, row, n->codes);

	for (unsigned i = 0; i < count; i++) {
		const struct name *name = names_find(n, n->codes, i);

		if (name && name->rule)
			return name->rule;
	}
	return 0;
}

/* Where memory was short, the view has the rows for each key one after the other; then only those for the first key
 * count, because a row can be there for several keys. */
void filter_rows(struct view *v, unsigned sections, bool (*leaves)(void *, const struct view_row *, bool), void *context)
{
	uint32_t kept = 0, counted = view_end(v, 0);
	unsigned key = 0;

	for (uint32_t i = 0; i < v->count; i++) {
		while (v->cut && i >= v->ends[key])
			v->ends[key++] = kept;
		if (!leaves(context, &v->rows[i], i < counted))
			v->rows[kept++] = v->rows[i];
	}
	while (v->cut && key < sections)
		v->ends[key++] = kept;
	v->count = kept;
}

struct ignoring {
	const struct names *names;
	const struct rules *rules;
	struct model_totals *totals;
};

static bool is_ignored(void *context, const struct view_row *r, bool counts)
{
	struct ignoring *g = context;
	const struct counters *c = &r->counters;
	uint32_t rule = rule_of(g->names, r->row);

	if (rule && counts && c->live_count) {
		g->totals->ignored_rows++;
		g->totals->ignored_size += c->live_size;
		rules_count(g->rules, rule, c->live_count, c->live_size);
	}
	return rule;
}

void filter_apply(struct view *v, struct names *n, const struct rules *rules, unsigned sections,
		  struct model_totals *totals)
{
	struct ignoring ignoring = { n, rules, totals };

	for (uint32_t i = 0; i < v->count; i++)
		names_add_row(n, v->rows[i].row);
	names_resolve(n);
	rules_begin(rules);
	if (mark_ignored(n, rules))
		filter_rows(v, sections, is_ignored, &ignoring);
}
