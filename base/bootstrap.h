/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small pool for the few blocks that are asked for while libc's malloc has not been found yet: by a
 * loader that allocates while it is asked, or by a signal's handler that interrupts the search. Such
 * blocks are never given back. Async-signal-safe, for any number of threads; keeps errno.
 */
#ifndef BASE_BOOTSTRAP_H
#define BASE_BOOTSTRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOTSTRAP_BYTES	16384u
#define BOOTSTRAP_ALIGN	16u	/* of the blocks, each of which has its size noted before it in as many bytes */

struct bootstrap_pool {
	size_t used;		/* bytes; at most BOOTSTRAP_BYTES */
	char bytes[BOOTSTRAP_BYTES] __attribute__((aligned(BOOTSTRAP_ALIGN)));
};

/* A zeroed block of at least so many bytes, aligned to BOOTSTRAP_ALIGN; NULL when the pool has no room. */
void *bootstrap_alloc(struct bootstrap_pool *pool, size_t size);

/* The size that a block of the pool was asked for with. */
size_t bootstrap_size(const void *block);

/* Whether p points into the pool. */
static inline bool bootstrap_owns(const struct bootstrap_pool *pool, const void *p)
{
	return (uintptr_t)p - (uintptr_t)pool->bytes < BOOTSTRAP_BYTES;
}

#endif
