/* SPDX-License-Identifier: GPL-2.0-only */
/* See hash_index.h. */
#include "hash_index.h"

#define FIRST_SIZE	2048u	/* slots; a power of two */

struct hash_index_slot {
	uint32_t hash;
	uint32_t number;	/* + 1; 0: a free slot */
};

static bool grow(struct hash_index *x, struct arena *arena)
{
	uint32_t size = x->size ? 2 * x->size : FIRST_SIZE;
	struct hash_index_slot *slots;

	if (x->size > UINT32_MAX / 4)
		return false;
	slots = arena_alloc_plenty(arena, size * sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < x->size; i++) {
		uint32_t at = x->slots[i].hash;

		if (!x->slots[i].number)
			continue;
		while (slots[at & (size - 1)].number)
			at++;
		slots[at & (size - 1)] = x->slots[i];
	}
	x->slots = slots;
	x->size = size;
	return true;
}

bool hash_index_find(struct hash_index *x, struct arena *arena, uint64_t hash64, hash_index_same *same, const void *context,
		     const void *wanted, uint32_t next, uint32_t *number, bool *is_new)
{
	uint32_t hash = (uint32_t)(hash64 ^ hash64 >> 32), at = hash;
	struct hash_index_slot *s;

	if (2 * (x->used + 1) > x->size && !grow(x, arena))
		return false;
	for (;; at++) {
		s = &x->slots[at & (x->size - 1)];
		if (!s->number || (s->hash == hash && same(context, s->number - 1, wanted)))
			break;
	}
	*is_new = !s->number;
	if (*is_new && next == HASH_INDEX_NONE) {
		*number = HASH_INDEX_NONE;
		return true;
	}
	if (*is_new) {
		*s = (struct hash_index_slot){ hash, next + 1 };
		x->used++;
	}
	*number = s->number - 1;
	return true;
}
