/* SPDX-License-Identifier: GPL-2.0-only */
/* See selection.h. */
#include "selection.h"

#include "filter.h"

#include <string.h>

/* The texts of an option that may be repeated. */
struct texts {
	const char *const *list;
	unsigned count;
};

static bool stands_in(const struct texts *t, const char *name)
{
	for (unsigned i = 0; name && i < t->count; i++) {
		if (strstr(name, t->list[i]))
			return true;
	}
	return false;
}

static bool matches_call(const struct texts *t, const struct frame_call *c)
{
	return stands_in(t, c->function) || stands_in(t, c->file);
}

static bool matches_frame(const struct texts *t, const struct frame *f)
{
	for (unsigned i = 0; i < f->call_count; i++) {
		struct frame_call c = frame_call(f, i);

		if (matches_call(t, &c))
			return true;
	}
	return stands_in(t, f->module);
}

/* Takes the calls that match out of a name. If the last one is taken, whose code is at the address, the one before it
 * stands for the address. Without memory the calls stay. */
static void hide_calls(const struct texts *t, struct names *n, struct name *name, const struct frame *f)
{
	struct symbol_call *calls = arena_alloc(n->arena, name->call_count * sizeof(*calls));
	uint32_t kept = 0;
	bool last = false;

	if (!calls)
		return;
	for (uint32_t i = 0; i < name->call_count; i++) {
		struct frame_call c = frame_call(f, i);

		last = matches_call(t, &c);
		if (!last)
			calls[kept++] = name->calls[i];
	}
	if (!kept) {
		name->hidden = true;
	} else if (kept < name->call_count) {
		name->calls = calls;
		name->call_count = kept;
	}
	if (kept && last) {
		name->function = calls[kept - 1].function;
		name->offset = FRAME_NO_OFFSET;
	}
}

static void mark_names(struct names *n, const struct texts *focus, const struct texts *hide)
{
	for (size_t i = 0; i < n->used; i++) {
		struct name *name = &n->list[i];
		struct frame f = names_frame(n, name->pc, name);

		name->focused = matches_frame(focus, &f);
		if (!matches_frame(hide, &f))
			continue;
		if (name->call_count && !stands_in(hide, f.module))
			hide_calls(hide, n, name, &f);
		else
			name->hidden = true;
	}
}

struct focusing {
	const struct names *names;
	struct model_totals *totals;
};

static bool is_unfocused(void *context, const struct view_row *r, bool counts)
{
	struct focusing *f = context;
	unsigned count = table_frames(f->names->table, r->row, f->names->codes);

	for (unsigned i = 0; i < count; i++) {
		const struct name *name = names_find(f->names, f->names->codes, i);

		if (name && name->focused)
			return false;
	}
	if (counts && r->counters.live_count) {
		f->totals->unfocused_rows++;
		f->totals->unfocused_size += r->counters.live_size;
	}
	return true;
}

void selection_apply(struct view *v, struct names *n, const struct options *o, unsigned sections,
		     struct model_totals *totals)
{
	const struct texts focus = { o->focus, o->focus_count }, hide = { o->hide, o->hide_count };
	struct focusing focusing = { n, totals };

	for (uint32_t i = 0; i < v->count; i++)
		names_add_row(n, v->rows[i].row);
	names_resolve(n);
	mark_names(n, &focus, &hide);
	if (focus.count)
		filter_rows(v, sections, is_unfocused, &focusing);
}
