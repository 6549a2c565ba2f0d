/* SPDX-License-Identifier: GPL-2.0-only */
/* See stacks.h. */
#include "stacks.h"

#include "base/sort.h"

const char *stacks_special_text(enum stacks_special which)
{
	switch (which) {
	case STACKS_TABLE_FULL:	return MODEL_TABLE_FULL;
	case STACKS_HIDDEN:	return MODEL_ALL_HIDDEN;
	default:		return MODEL_NO_ROWS;
	}
}

enum stacks_special stacks_special_of(const struct catalog *c, uint32_t n, const struct model_row *row)
{
	return row->overflow ? STACKS_TABLE_FULL : c->rows[n] ? STACKS_SPECIALS : STACKS_HIDDEN;
}

bool stacks_rest(const struct model *m, bool rows_written, uint64_t values[SORT_KEYS])
{
	const struct model_totals *t = &m->totals;
	uint64_t sums[SORT_KEYS] = { 0 };
	bool any = false;

	for (unsigned key = 0; key < SORT_KEYS; key++)
		values[key] = 0;
	values[SORT_SIZE] = t->size;
	if (!t->partial) {
		values[SORT_COUNT] = t->count;
		values[SORT_HEAP_PEAK] = t->heap_peak;
		values[SORT_TOTAL_SIZE] = t->total_size;
		values[SORT_TOTAL_COUNT] = t->total_count;
		values[SORT_TEMPORARY] = t->temporary;
	}
	for (uint32_t n = 0; rows_written && n < m->all.count; n++)
		model_add_values(sums, model_row(m, &m->all, n).values);
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		values[key] = values[key] > sums[key] ? values[key] - sums[key] : 0;
		if (t->partial && key == m->sections[0].key && values[key] < t->left_weight)
			values[key] = t->left_weight;
		any |= values[key] != 0;
	}
	return any;
}

bool stacks_number(struct stacks_things *things, const struct catalog *c, stacks_key *key, struct arena *arena)
{
	size_t room = (size_t)c->place_count + 1;
	struct sort_entry *entries = arena_alloc_plenty(arena, room * sizeof(*entries));
	uint32_t *address_of = arena_alloc_plenty(arena, room * sizeof(*address_of));

	things->count = 0;
	things->of_place = arena_alloc_plenty(arena, room * sizeof(*things->of_place));
	things->place = arena_alloc_plenty(arena, room * sizeof(*things->place));
	things->address = arena_alloc_plenty(arena, room * sizeof(*things->address));
	if (!entries || !address_of || !things->of_place || !things->place || !things->address)
		return false;
	for (uint32_t a = 0; a < c->address_count; a++) {
		for (uint32_t i = 0; i < c->addresses[a].place_count; i++) {
			uint32_t place = c->addresses[a].first_place + i;

			address_of[place] = a;
			entries[place] = (struct sort_entry){ key(c, a, place), place };
		}
	}
	sort_largest(entries, c->place_count, c->place_count);
	for (uint32_t i = 0; i < c->place_count; i++) {
		uint32_t place = entries[i].index;

		if (!i || entries[i].key != entries[i - 1].key) {
			things->place[things->count] = place;
			things->address[things->count++] = address_of[place];
		}
		things->of_place[place] = things->count - 1;
	}
	return true;
}
