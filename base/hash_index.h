/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An index of things that have numbers, such as their places in an array: it finds the number of a thing by a hash of
 * what the thing is. A hash table with open addressing, at most half full, in an arena; an index that is all 0 is
 * empty.
 *
 *	if (!room_make(arena, &list, sizeof(*list), &room, count + 1) ||
 *	    !hash_index_find(&index, arena, hash, is_same, context, &thing, count, &number, &is_new))
 *		return false;
 *	if (is_new)
 *		list[count++] = thing;
 */
#ifndef BASE_HASH_INDEX_H
#define BASE_HASH_INDEX_H

#include "arena.h"

struct hash_index {
	struct hash_index_slot *slots;
	uint32_t size, used;		/* slots, and how many of them are taken */
};

/* Whether thing `number` is the wanted one. context: the caller's. */
typedef bool hash_index_same(const void *context, uint32_t number, const void *wanted);

#define HASH_INDEX_NONE	UINT32_MAX

/*
 * Finds the number of the wanted thing. If the index lacks it, it gets the number `next`, and *is_new is set; next:
 * HASH_INDEX_NONE: it does not get one, and *number is that. False: there is no memory, and nothing is changed.
 * Async-signal-safe.
 */
bool hash_index_find(struct hash_index *x, struct arena *arena, uint64_t hash, hash_index_same *same,
		     const void *context, const void *wanted, uint32_t next, uint32_t *number, bool *is_new);

#endif
