/* SPDX-License-Identifier: GPL-2.0-only */
/* Arrays that grow, in the memory of malloc(3): for those that become too large to keep their old copies in an arena
 * (base/room.h). */
#ifndef WRAPPER_MALLOC_ROOM_H
#define WRAPPER_MALLOC_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Makes room for `wanted` elements of element_bytes each, and some more, in an array that has room for *room. array: a
 * pointer to the caller's pointer, which is NULL while *room is 0. What is in new elements is not defined. False: there
 * is no memory, and nothing is changed.
 */
static inline bool malloc_room_make(void *array, size_t element_bytes, uint32_t *room, uint32_t wanted)
{
	void *old, *more;

	if (wanted <= *room)
		return true;
	wanted += wanted / 4 + 1024;
	memcpy(&old, array, sizeof(old));	/* the caller's pointer is one to elements of any type */
	more = realloc(old, wanted * element_bytes);
	if (!more)
		return false;
	memcpy(array, &more, sizeof(more));
	*room = wanted;
	return true;
}

#endif
