/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks of pools: memory that the program hands out itself, and reports by the functions of include/heaptrace.h. A
 * block of a pool is recorded as one of malloc's is, in a row whose frame 0 is the pool's name (table/special.h).
 *
 * A pool makes its blocks of others, most often of malloc's. They lie inside these, often at the same address, so they
 * have a block map of their own, which is made when the first one is recorded. Blocks nearer to each other than 8 bytes
 * cannot be told apart there.
 *
 * A backing is such a block of which a pool makes its own. When the program declares one, the block leaves the map that
 * it was in, and its row, because each byte would be counted twice. A third map keeps its size and its pool, and the
 * table has the sums of each pool (struct pool_backing). It is a backing until it is freed, by whatever function.
 *
 * The functions may be called in any thread, inside the guard. They take no lock, are async-signal-safe and keep errno.
 */
#ifndef PROCESS_POOLS_H
#define PROCESS_POOLS_H

#include "base/atomics.h"
#include "capture/capture.h"

#include <stdbool.h>
#include <stdint.h>

extern uint32_t pools_backings HIDDEN;		/* how many there are; relaxed */

/* A new block of the pool with this number. The caller has made sure that it is to be recorded. */
void pools_alloc(uint32_t pool, void *p, size_t size, const struct capture_point *from);

/* A block of the pool is freed, whether the pool has made it or it is a backing. False: no such block is known. */
bool pools_free(uint32_t pool, void *p);

/* All blocks of the pool that begin in these `bytes` bytes are freed, those that are backings of other pools, too;
 * bytes 0: all that there are. Takes time for the address space from the first of them to the last (blocks_between()).
 * No other thread may use the pool meanwhile. */
void pools_clear(uint32_t pool, void *start, size_t bytes);

/* The block at p becomes a backing of the pool. bytes: its size, which counts; 0: that of the block as it was recorded.
 * False: the size is not known, or there is no memory to note the backing. */
bool pools_back(uint32_t pool, void *p, size_t bytes);

/* The backing of the pool at p, which is no block of another pool, is one no more, as that one was freed in a way that
 * nobody sees. False: it was none. */
bool pools_backing_ended(uint32_t pool, void *p);

/* The block at p is one no more, and the pool's blocks in it are gone. False: it was none. nested: as in
 * record_free(). */
bool pools_backing_freed_slow(void *p, bool nested);

static inline bool pools_backing_freed(void *p, bool nested)
{
	return unlikely(load_relaxed(&pools_backings)) && pools_backing_freed_slow(p, nested);
}

/* Whether the block at p is a backing. */
bool pools_have_backing_slow(const void *p);

static inline bool pools_have_backing(const void *p)
{
	return unlikely(load_relaxed(&pools_backings)) && pools_have_backing_slow(p);
}

/* In a child after fork. */
void pools_forked(void);

/* The table goes away: no block of a pool and no backing is known any more. Nobody may be inside the guard but the
 * caller. */
void pools_forget(void);

#endif
