/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_names.h. */
#include "watch_names.h"

#include "analysis/frame.h"
#include "analysis/groups.h"
#include "format/columns.h"
#include "malloc_room.h"
#include "table/row.h"
#include "table/thread_list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_PARTS	20u	/* reading symbols takes at most such a part of the time */
#define ROWS_PER_LOOK	64u	/* after so many rows the clock is read */
#define SLOW_NS		UINT64_C(100000000)	/* where a look-up has taken longer, the next one is for all rows */
#define FRAME_BYTES	((size_t)4096)	/* of a frame's line; a longer one is cut */

/* What is known about a row. */
enum {
	NAMED = 1,		/* its addresses have been looked up */
	GROUPED = 2,		/* groups[] has its group */
	FILTERED = 4,		/* MATCHES says whether it matches the filter */
	MATCHES = 8,
};

bool watch_names_open(struct watch_names *n, const struct watch_source *s, const struct options *o)
{
	struct model_request q = {
		.table = (struct table *)&s->record.table, .options = o, .foreign = true, .runs_as = s->record.runs_as,
		.reason = REASON_ASKED, .now_ns = s->record.moment_ns,
		.store = o->sysroot ? NULL : s->record.names, .process = s->process,
	};

	*n = (struct watch_names){ .table = &s->record.table, .group = GROUP_BACKTRACE };
	n->model = model_for_names(&q, &n->arena);
	n->work = arena_alloc(&n->arena, sizeof(*n->work));
	return n->model && n->work && labels_init(&n->labels, n->model, &n->arena) &&
	       labels_find(&n->labels, "(not yet looked up)", "", &n->waiting);
}

void watch_names_close(struct watch_names *n)
{
	free(n->states);
	free(n->groups);
	free(n->sets);
	free(n->wanted);
	arena_release(&n->arena);
	*n = (struct watch_names){ .table = NULL };
}

/* Makes room for all rows that there are. */
static bool make_room(struct watch_names *n)
{
	uint32_t end = table_row_end(n->table), states = n->room, groups = n->room, room = n->room;

	/* The three arrays have the same room. */
	if (!malloc_room_make(&n->states, sizeof(*n->states), &states, end) ||
	    !malloc_room_make(&n->groups, sizeof(*n->groups), &groups, end) ||
	    !malloc_room_make(&n->sets, sizeof(*n->sets), &room, end))
		return false;
	memset(n->states + n->room, 0, room - n->room);
	n->room = room;
	return true;
}

void watch_names_choose(struct watch_names *n, enum group_by group, const char *filter)
{
	uint8_t forgotten = 0;

	if (group != n->group)
		forgotten |= GROUPED;
	if (strcmp(filter, n->filter))
		forgotten |= FILTERED | MATCHES;
	n->stale |= forgotten != 0;
	n->group = group;
	if (filter != n->filter)
		strncpy(n->filter, filter, sizeof(n->filter) - 1);
	for (uint32_t i = 0; i < n->room && forgotten; i++)
		n->states[i] &= (uint8_t)~forgotten;
}

/* ---- Looking up ---- */

static bool want(struct watch_names *n, uint32_t row)
{
	if (!malloc_room_make(&n->wanted, sizeof(*n->wanted), &n->wanted_room, n->wanted_count + 1))
		return false;
	n->wanted[n->wanted_count++] = row;
	return true;
}

/* Looks up the addresses of the rows that are wanted, if that may be done now. */
static void look_up(struct watch_names *n)
{
	uint64_t begun = now_precise_ns();

	if (!n->wanted_count || begun < n->due_ns)
		return;
	model_name_rows(n->model, n->wanted, n->wanted_count);
	for (uint32_t i = 0; i < n->wanted_count; i++)
		n->states[n->wanted[i]] |= NAMED;
	n->cost_ns = now_precise_ns() - begun;
	n->due_ns = begun + n->cost_ns * NAMES_PARTS;
}

static void want_all(struct watch_names *n)
{
	uint32_t end = table_row_end(n->table);

	n->wanted_count = 0;
	for (uint32_t row = ROW_OVERFLOW; row < end; row++) {
		if (!(n->states[row] & NAMED) && table_was_called(n->table, row) && !want(n, row))
			break;
	}
}

void watch_names_of(struct watch_names *n, const uint32_t *rows, uint32_t count)
{
	if (!make_room(n))
		return;
	n->wanted_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i] < n->room && !(n->states[rows[i]] & NAMED))
			want(n, rows[i]);
	}
	n->waits = n->wanted_count && now_precise_ns() < n->due_ns;
	if (n->wanted_count && !n->waits && n->cost_ns > SLOW_NS)
		want_all(n);
	look_up(n);
}

/* Fills in n->work for a row. */
static bool read_row(struct watch_names *n, uint32_t row)
{
	n->work->row = (struct model_row){
		.id = row, .overflow = row == ROW_OVERFLOW,
		.threads = thread_list_of_row(n->table, row, table_was_called(n->table, row)),
	};
	return labels_read_row(&n->labels, n->work);
}

static bool has_capital(const char *text)
{
	while (*text && !isupper((unsigned char)*text))
		text++;
	return *text;
}

static bool stands_in(const struct watch_names *n, const char *text)
{
	if (!text)
		return false;
	return has_capital(n->filter) ? strstr(text, n->filter) : strcasestr(text, n->filter);
}

/* Whether the row in n->work matches the filter. */
static bool matches(const struct watch_names *n)
{
	const struct labels_row *r = n->work;

	for (unsigned i = 0; i < r->count; i++) {
		const struct label *label = &n->labels.list[r->calls[i].label];
		struct frame f;

		if (stands_in(n, label->function) || stands_in(n, label->module))
			return true;
		if (r->row.overflow || !r->stack.count)
			continue;
		f = model_frame(&r->stack, r->calls[i].frame);
		if (stands_in(n, frame_call(&f, r->calls[i].call).file))
			return true;
	}
	return false;
}

/* Finds the group of a row whose addresses are known, and whether it matches. */
static void classify(struct watch_names *n, uint32_t row, uint8_t needed)
{
	uint32_t label;

	if (!read_row(n, row))
		return;
	if (needed & GROUPED && groups_label(&n->labels, n->group, n->work, &label)) {
		n->groups[row] = label;
		n->sets[row] = n->work->row.threads;
		n->states[row] |= GROUPED;
	}
	if (needed & FILTERED) {
		n->states[row] |= FILTERED;
		if (matches(n))
			n->states[row] |= MATCHES;
	}
}

/* What has to be known of each row. */
static uint8_t needed(const struct watch_names *n)
{
	return (uint8_t)((n->group != GROUP_BACKTRACE ? GROUPED : 0) | (n->filter[0] ? FILTERED : 0));
}

/* Whether other threads than before have allocated in the row. */
static bool has_new_threads(const struct watch_names *n, uint32_t row)
{
	return n->group == GROUP_THREAD && n->states[row] & GROUPED &&
	       n->sets[row] != thread_list_of_row(n->table, row, table_was_called(n->table, row));
}

void watch_names_work(struct watch_names *n, uint64_t until_ns)
{
	uint32_t end = table_row_end(n->table);
	uint8_t all = needed(n);
	unsigned done = 0;

	n->stale = false;
	if (!all || !make_room(n))
		return;
	want_all(n);
	look_up(n);
	for (uint32_t row = ROW_OVERFLOW; row < end; row++) {
		if (has_new_threads(n, row))
			n->states[row] &= (uint8_t)~GROUPED;
		if (!(n->states[row] & NAMED) || (n->states[row] & all) == all)
			continue;
		classify(n, row, all & (uint8_t)~n->states[row]);
		if (!(++done % ROWS_PER_LOOK) && now_precise_ns() > until_ns) {
			n->stale = true;
			return;
		}
	}
}

uint32_t watch_names_group(const struct watch_names *n, uint32_t row)
{
	return row < n->room && n->states[row] & GROUPED ? n->groups[row] : n->waiting;
}

bool watch_names_matches(const struct watch_names *n, uint32_t row)
{
	return !n->filter[0] || (row < n->room && n->states[row] & MATCHES);
}

/* ---- Writing ---- */

/* Writes a function and its place in so many columns. Of a very long name only the beginning is written, because the
 * memory to shorten it in would be taken anew at each refresh. */
static void write_place(struct watch_names *n, const char *function, const char *module, const struct frame_call *c,
			size_t columns, struct out *out)
{
	static char work[FRAME_BYTES];
	struct columns_names space = { &n->arena, work, sizeof(work) };
	char start[256] = "";

	if (!function || strlen(function) < sizeof(work)) {
		columns_place(&space, function, module, c->file, c->line, columns, out);
		return;
	}
	strncat(start, function, sizeof(start) - 1);
	columns_place(&space, start, module, NULL, 0, columns, out);
}

/* Writes the place of the user's call of the row in n->work. */
static void write_user(struct watch_names *n, size_t columns, struct out *out)
{
	const struct labels_row *r = n->work;
	const struct labels_call *user = &r->calls[labels_user(&n->labels, r)];
	const struct label *label = &n->labels.list[user->label];
	struct frame_call c = { .function = NULL };

	if (r->stack.count && !r->row.overflow) {
		struct frame f = model_frame(&r->stack, user->frame);

		c = frame_call(&f, user->call);
	}
	write_place(n, label->function, label->module, &c, columns, out);
}

void watch_names_write_row(struct watch_names *n, uint32_t row, size_t columns, struct out *out)
{
	if (read_row(n, row))
		write_user(n, columns, out);
}

void watch_names_write_group(struct watch_names *n, uint32_t label, uint32_t row, size_t columns, struct out *out)
{
	const struct label *have = &n->labels.list[label];

	if (n->group == GROUP_FUNCTION && label != n->waiting) {
		watch_names_write_row(n, row, columns, out);
	} else if (have->function) {
		columns_path(have->function, columns, out);
	} else {
		if (n->group == GROUP_FILE)
			out_text(out, have->module ? "? in " : "?");
		else if (!have->module)
			out_text(out, "(code in no file)");
		if (have->module)
			columns_path(have->module, columns > 5 ? columns - 5 : columns, out);
	}
}

/* Writes a call of a frame: " 3 [0x55bf82ed523b] main +0x39 at grow.c:14". */
static void write_call(struct watch_names *n, unsigned frame, const struct frame *f, const struct frame_call *c,
		       size_t columns, struct out *out)
{
	struct out whole = out_memory(NULL, 0);
	size_t head;

	out_u64_wide(out, frame, 2);
	out_text(out, " [");
	if (c->inlined)
		out_repeat(out, ' ', 14);
	else
		out_hex_wide(out, f->pc, 14);
	out_text(out, "] ");
	head = out_length(out);
	frame_write_place(f, c, c->function, out_name, &whole);
	frame_write_rest(c, &whole);
	if (!c->function || head + out_length(&whole) <= columns) {
		frame_write_place(f, c, c->function, out_name, out);
		frame_write_rest(c, out);
	} else {
		write_place(n, c->function, f->module, c, columns > head ? columns - head : 1, out);
	}
}

void watch_names_stack(struct watch_names *n, uint32_t row, size_t columns, void (*line)(void *context, const char *text),
		       void *context)
{
	static char text[FRAME_BYTES];

	if (!read_row(n, row))
		return;
	if (n->work->row.overflow)
		line(context, "(table full: all allocations without a row of their own)");
	for (unsigned i = 0; i < n->work->stack.count; i++) {
		struct frame f = model_frame(&n->work->stack, i);

		for (unsigned k = 0; k < f.call_count; k++) {
			struct frame_call c = frame_call(&f, k);
			struct out out = out_memory(text, sizeof(text));

			write_call(n, i, &f, &c, columns, &out);
			line(context, text);
		}
	}
}
