/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A filter in front of the block map, for frees while not each block is recorded: then hardly any block is known, and a
 * free passes without a look at the block's slot, which would most often be a cache miss.
 *
 * It is a counting filter with one hash function. Each 4 KB of addresses have a byte, which others 256 MB away share:
 *
 *	255		no block that is known to the map, and no backing of a pool (pools.h), begins there
 *	255 - n		n of them do
 *	0		nobody knows; this never changes again, until the filter is started anew
 *
 * A block is counted before the program gets it, and until it has left the map. Counts may be too high, where a block's
 * free was not seen, or a hook was left in the middle: then a free looks at the slot in vain. They are never too low.
 *
 * The program's bytes are all 0 until the filter is started, by a process that begins with another mode than
 * CONTROL_EXACT (control.h), and become 0 before the mode becomes CONTROL_EXACT. So a process that records each block
 * neither asks the filter, nor counts in it, nor has memory for it, and its blocks are not missed when the mode
 * changes: a thread that records one without counting it has seen CONTROL_EXACT, and thus zeros; another thread can
 * only free the block after it has got the address from that one, so it sees the zeros, too, whichever mode it sees.
 * For the same reason it sees the count of a block that was counted. Accesses therefore need no order besides that of
 * the program's own.
 *
 * Any thread, async-signal-safe, no lock, errno is kept.
 */
#ifndef PROCESS_FREE_FILTER_H
#define PROCESS_FREE_FILTER_H

#include "base/atomics.h"

#include <stdbool.h>
#include <stdint.h>

#define FREE_FILTER_BYTES	0x10000u
#define FREE_FILTER_NONE	0xffu

extern uint8_t free_filter[FREE_FILTER_BYTES] HIDDEN;

static inline uint8_t *free_filter_at(const void *p)
{
	return &free_filter[(uintptr_t)p >> 12 & (FREE_FILTER_BYTES - 1)];
}

/* Whether certainly no block is known at p, which the caller is about to free. */
static inline bool free_filter_lacks(const void *p)
{
	return load_relaxed(free_filter_at(p)) == FREE_FILTER_NONE;
}

/* Counts a block, or counts one as gone that was counted. p NULL: does nothing. */
void free_filter_add(const void *p);
void free_filter_remove(const void *p);

/* No block is known, but those of the bootstrap pool. Before the mode gets another value than CONTROL_EXACT for the
 * first time. */
void free_filter_start(void);

/* Nobody knows any more which blocks there are. Before the mode becomes CONTROL_EXACT. */
void free_filter_stop(void);

#endif
