/* SPDX-License-Identifier: GPL-2.0-only */
/* See events.h. */
#include "events.h"

#include "options/options.h"

#include <string.h>

/* Copies as much of the text as there is room for, whole characters of UTF-8 only. */
static void copy_text(char *to, const char *text)
{
	size_t bytes = strnlen(text, EVENT_TEXT_BYTES);

	if (bytes == EVENT_TEXT_BYTES) {
		bytes--;
		while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80)
			bytes--;
	}
	memcpy(to, text, bytes);
}

static bool begins(enum event_kind kind)
{
	return kind == EVENT_ON || kind == EVENT_ATTACH;
}

static bool ends(enum event_kind kind)
{
	return kind == EVENT_OFF || kind == EVENT_DETACH;
}

/* A window for which the list has no room is a part of the one before, which therefore has not ended. */
static void reopen_last(struct table *t)
{
	struct table_event *e = &t->head->events[events_count(t)];

	while (e-- > t->head->events && !begins((enum event_kind)load_relaxed(&e->kind))) {
		if (ends((enum event_kind)load_relaxed(&e->kind)))
			store_relaxed(&e->kind, EVENT_NONE);
	}
}

/* The place of a new event; NULL: there is none. The last place is for the end of the last window, which may come again. */
static struct table_event *find_place(struct table *t, enum event_kind kind)
{
	uint32_t count = events_count(t), at;

	if (count >= EVENTS_BEGIN_MOST && begins(kind))
		reopen_last(t);
	if (count == EVENTS_MOST && ends(kind))
		return &t->head->events[EVENTS_MOST - 1];
	if (count >= (kind == EVENT_MARK ? EVENTS_MARKS_MOST : ends(kind) ? EVENTS_MOST : EVENTS_BEGIN_MOST))
		return NULL;
	at = add_relaxed(&t->head->event_count, 1);
	return at < EVENTS_MOST ? &t->head->events[at] : NULL;
}

bool events_add(struct table *t, enum event_kind kind, uint64_t ns, uint32_t first, const char *text)
{
	struct table_header *h = t->head;
	struct table_event *e = find_place(t, kind);

	if (!e)
		return false;
	e->ns = ns > h->begun_precise_ns ? ns - h->begun_precise_ns : 0;
	e->sample_bytes = load_relaxed(&h->sample_bytes);
	e->live_size = load_relaxed(&h->totals.live_size);
	e->first = first;
	if (text)
		copy_text(e->text, text);
	store_release(&e->kind, (uint32_t)kind);
	return true;
}

uint64_t events_sample_bytes(const struct table *t, uint32_t row)
{
	for (uint32_t i = events_count(t); i-- > 0; ) {
		const struct table_event *e = &t->head->events[i];

		if (load_acquire(&e->kind) && e->first && e->first <= row)
			return e->sample_bytes;
	}
	return 0;
}

uint64_t events_rate(const struct table *t)
{
	for (uint32_t i = events_count(t); i-- > 0; ) {
		const struct table_event *e = &t->head->events[i];

		if (load_acquire(&e->kind) && e->first && e->sample_bytes)
			return e->sample_bytes;
	}
	return 0;
}

bool events_attached(const struct table *t)
{
	for (uint32_t i = events_count(t); i-- > 0; ) {
		if (load_acquire(&t->head->events[i].kind) == EVENT_ATTACH)
			return true;
	}
	return false;
}

bool events_detached(const struct table *t)
{
	uint32_t count = events_count(t);

	return count && load_acquire(&t->head->events[count - 1].kind) == EVENT_DETACH;
}

/* ---- Windows ---- */

/* Whether blocks were recorded from the start on. */
static bool begins_recording(const struct table *t)
{
	for (uint32_t i = 0; i < events_count(t); i++) {
		enum event_kind kind = (enum event_kind)load_acquire(&t->head->events[i].kind);

		if (begins(kind) || ends(kind))
			return ends(kind);
	}
	return control_mode(&t->head->control.mode) < CONTROL_OFF;
}

/* The rows of the window that begins with event `from` (or, if that is `count`, with the table) end before this one. */
static uint32_t window_end(const struct table *t, uint32_t from, uint32_t count)
{
	for (uint32_t i = from; i < count; i++) {
		if (load_acquire(&t->head->events[i].kind) && t->head->events[i].first)
			return t->head->events[i].first;
	}
	return table_row_end(t);
}

uint32_t events_windows(const struct table *t, uint32_t number, struct events_window *found)
{
	uint32_t count = events_count(t), windows = 0;
	bool open = begins_recording(t);

	if (open && ++windows == number)
		*found = (struct events_window){ .number = 1, .first = ROW_FIRST, .end = window_end(t, 0, count) };
	for (uint32_t i = 0; i < count; i++) {
		const struct table_event *e = &t->head->events[i];
		enum event_kind kind = (enum event_kind)load_acquire(&e->kind);

		if (kind == EVENT_NONE || (!begins(kind) && !(open && (ends(kind) || e->first))))
			continue;
		/* The rate of the start is an event of the first moment, which ends no window. */
		if (open && windows == 1 && e->first == ROW_FIRST)
			windows = 0;
		else if (open && windows == number && !found->ended_ns)
			found->ended_ns = e->ns;
		open = !ends(kind);
		if (open && ++windows == number)
			*found = (struct events_window){
				.number = windows, .first = e->first ? e->first : ROW_FIRST,
				.end = window_end(t, i + 1, count),
				.kind = kind, .begun_ns = e->ns, .sample_bytes = e->sample_bytes,
			};
	}
	return windows;
}

bool events_chosen(const struct table *t, uint64_t window, uint32_t *from, uint32_t *to)
{
	uint32_t count = events_windows(t, 0, NULL);

	*from = (uint32_t)(window >> 32);
	*to = (uint32_t)window;
	if (window == OPTIONS_WINDOW_LAST)
		*from = *to = count;
	return *from && *from <= *to && *to <= count;
}

struct row_range events_rows(const struct table *t, uint64_t window)
{
	struct row_range range = { load_relaxed(&t->head->figures_row), UINT32_MAX };
	/* Where a window is gone meanwhile: all rows. */
	struct events_window first = { .end = UINT32_MAX }, last = first;
	uint32_t from, to;

	if (!window || !events_chosen(t, window, &from, &to))
		return range;
	events_windows(t, from, &first);
	events_windows(t, to, &last);
	return (struct row_range){ first.first, last.end };
}

static bool begins_inside(uint32_t first, struct row_range range)
{
	return first > range.first && first > ROW_FIRST && first < range.end;
}

bool events_several(const struct table *t, struct row_range range)
{
	if (begins_inside(load_relaxed(&t->head->window_row), range))
		return true;	/* the list of events may have had no room for it */
	for (uint32_t i = events_count(t); i-- > 0; ) {
		if (load_acquire(&t->head->events[i].kind) && begins_inside(t->head->events[i].first, range))
			return true;
	}
	return false;
}
