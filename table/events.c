/* SPDX-License-Identifier: GPL-2.0-only */
/* See events.h. */
#include "events.h"

#include <string.h>

/* The last bytes of a full list are for events that begin a window: marks may not displace them. */
#define MARKS_MOST	(EVENTS_MOST - 32)

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

bool events_add(struct table *t, enum event_kind kind, uint64_t ns, uint32_t first, const char *text)
{
	struct table_header *h = t->head;
	struct table_event *e;
	uint32_t at;

	if (load_relaxed(&h->event_count) >= (first ? EVENTS_MOST : MARKS_MOST))
		return false;
	at = add_relaxed(&h->event_count, 1);
	if (at >= EVENTS_MOST)
		return false;
	e = &h->events[at];
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

bool events_sampled(const struct table *t)
{
	for (uint32_t i = events_count(t); i-- > 0; ) {
		if (load_acquire(&t->head->events[i].kind) && t->head->events[i].first && t->head->events[i].sample_bytes)
			return true;
	}
	return false;
}
