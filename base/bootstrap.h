/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bootstrap pool: a small array for the few blocks that are requested before the library has found
 * libc's malloc(). Such requests come from a dynamic loader that allocates while the library looks up symbols,
 * or from a signal handler that interrupts this search. Blocks of the pool are never given back.
 * Async-signal-safe, for any number of threads; keeps errno.
 */
#ifndef BASE_BOOTSTRAP_H
#define BASE_BOOTSTRAP_H

#include "atomics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOTSTRAP_BYTES	16384u
#define BOOTSTRAP_ALIGN	16u	/* blocks are aligned to this, and a header of this size holds the block's size */

struct bootstrap_pool {
	size_t used;		/* in bytes, at most BOOTSTRAP_BYTES */
	char bytes[BOOTSTRAP_BYTES] __attribute__((aligned(BOOTSTRAP_ALIGN)));
};

/* That of the process. */
extern struct bootstrap_pool bootstrap_pool HIDDEN;

/* Returns a zeroed block of at least size bytes, aligned to BOOTSTRAP_ALIGN, or NULL if the pool is full. */
void *bootstrap_alloc(struct bootstrap_pool *pool, size_t size);

/* Returns the size with which a block of the pool was requested. */
size_t bootstrap_size(const void *block);

/* Whether p points into the pool. */
static inline bool bootstrap_owns(const struct bootstrap_pool *pool, const void *p)
{
	return (uintptr_t)p - (uintptr_t)pool->bytes < BOOTSTRAP_BYTES;
}

#endif
