/* SPDX-License-Identifier: GPL-2.0-only */
/* See joined.h. */
#include "joined.h"

#include "events.h"

#include <string.h>

bool joiner_init(struct joiner *j, const struct table *t, uint32_t rows, struct arena *arena)
{
	uint32_t slots = 16;

	while (slots < 2 * (uint64_t)rows)
		slots *= 2;
	*j = (struct joiner){ .t = t, .mask = slots - 1 };
	j->slots = arena_alloc_plenty(arena, slots * sizeof(*j->slots));
	j->codes = arena_alloc_plenty(arena, 2 * TABLE_FRAMES_MAX * sizeof(*j->codes));
	return j->slots && j->codes;
}

uint32_t joiner_first(struct joiner *j, uint32_t row)
{
	uint32_t *codes = j->codes, *others = j->codes + TABLE_FRAMES_MAX, other;
	unsigned count = table_frames(j->t, row, codes);
	uint32_t at = (uint32_t)table_row_hash(j->t, row) & j->mask;

	if (!count)
		return row;
	for (; (other = j->slots[at]); at = (at + 1) & j->mask) {
		if (table_frames(j->t, other, others) == count && !memcmp(codes, others, count * sizeof(*codes)))
			return other;
	}
	j->slots[at] = row;
	return row;
}

uint32_t *joined_rows(const struct table *t, struct row_range range, struct arena *arena)
{
	uint32_t end = table_row_end(t), *joined = NULL;
	struct joiner j;

	if (events_several(t, range))
		joined = arena_alloc_plenty(arena, end * sizeof(*joined));
	if (!joined || !joiner_init(&j, t, end, arena))
		return NULL;
	for (uint32_t row = 0; row < end; row++) {
		bool inside = row >= range.first && row < range.end && row >= ROW_FIRST;

		joined[row] = inside && table_was_called(t, row) ? joiner_first(&j, row) : row;
	}
	return joined;
}
