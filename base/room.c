/* SPDX-License-Identifier: GPL-2.0-only */
/* See room.h. */
#include "room.h"

#include <string.h>

#define FIRST_ROOM	1024u	/* elements */

bool room_make(struct arena *arena, void *array, size_t element_bytes, uint32_t *room, uint32_t wanted)
{
	uint32_t more = *room;
	size_t bytes;
	void *from, *to;

	if (wanted <= *room)
		return true;
	do {
		if (more > UINT32_MAX / 2)
			return false;
		more = more ? 2 * more : FIRST_ROOM;
	} while (more < wanted);
	if (__builtin_mul_overflow((size_t)more, element_bytes, &bytes))
		return false;
	to = arena_alloc_plenty(arena, bytes);
	if (!to)
		return false;
	memcpy(&from, array, sizeof(from));	/* the caller's pointer is one to elements of any type */
	if (from)
		memcpy(to, from, *room * element_bytes);
	memcpy(array, &to, sizeof(to));
	*room = more;
	return true;
}
