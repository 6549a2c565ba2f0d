/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays that grow, in an arena:
 *
 *	if (!room_make(arena, &list, sizeof(*list), &list_room, list_count + 1))
 *		return false;
 *	list[list_count++] = thing;
 */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include "arena.h"

/*
 * Makes room for `wanted` elements of element_bytes each in an array that has room for *room. A larger array is a copy
 * with at least twice the room, in which the new elements are 0; the old memory stays the arena's. array: a pointer to
 * the caller's pointer, which is NULL while *room is 0. False: there is no memory (as for arena_alloc_plenty()), and
 * nothing is changed. Async-signal-safe.
 */
bool room_make(struct arena *arena, void *array, size_t element_bytes, uint32_t *room, uint32_t wanted);

#endif
