/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the table knows about a frame together with all frames outward of it, handed through
 * by who captures stacks: the same outer frames need not be looked at again.
 */
#ifndef BASE_MARK_H
#define BASE_MARK_H

#include <stdint.h>

struct mark {
	uint64_t hash;		/* of the frames from this one outward */
	uint32_t node;		/* where they are stored */
};

#endif
