/* SPDX-License-Identifier: GPL-2.0-only */
/* How the table's frames are read: words of one or two units (table.h), of which links lead on to older ones. */
#ifndef TABLE_FRAMES_H
#define TABLE_FRAMES_H

#include "table.h"

/* The word at a node: a code's number, or FRAME_LINK and a node. *next: the one after it. */
static inline uint32_t frame_word(const uint16_t *frames, uint32_t node, uint32_t *next)
{
	uint32_t first = frames[node];

	*next = node + 1;
	if (likely(first < FRAME_SHORT))
		return first;
	*next = node + 2;
	return (first & ~FRAME_SHORT) << 16 | frames[node + 1];
}

/* The node that lies here or, where a link lies, the one to which the link leads; 0: none. */
static inline uint32_t frame_follow(const uint16_t *frames, uint32_t at)
{
	uint32_t after;

	return frames[at] < (FRAME_SHORT | FRAME_LINK >> 16) ? at : frame_word(frames, at, &after) & ~FRAME_LINK;
}

/* The code of a node, and in *out the node outward of it; 0: none. */
static inline uint32_t frame_code(const uint16_t *frames, uint32_t node, uint32_t *out)
{
	uint32_t next, code = frame_word(frames, node, &next);

	*out = frame_follow(frames, next);
	return code;
}

#endif
