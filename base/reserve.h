/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reserve: address space that is mapped at the start for the dumps of a process that gets no more memory
 * from the kernel (RLIMIT_AS, RLIMIT_DATA, a system that does not overcommit). The reserve occupies no memory
 * except while it is used.
 *
 * Async-signal-safe, without a lock, for any number of threads; errno is kept. Arenas (base/arena.h) fall
 * back on the reserve by themselves, so other code takes from it only what is not part of an arena.
 */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#define RESERVE_BYTES	((size_t)2 << 20)
#define RESERVE_BLOCK	((size_t)32 << 10)	/* the reserve is taken in multiples of this */

/* Maps the reserve; is called at the start; a second call does no harm. If the kernel refuses, there is no reserve. */
void reserve_start(void);

/* Returns zeroed memory of at least size_bytes, in whole blocks, or NULL if the reserve has no such piece. */
void *reserve_take(size_t size_bytes);

/* Gives back what reserve_take() has returned, with the same size. Returns false, and does nothing, if the
 * memory does not belong to the reserve. */
bool reserve_give(void *mem, size_t size_bytes);

/* Returns how many bytes are left, perhaps in several pieces. */
size_t reserve_left(void);

/* Is called in the child after a fork. The child has none of the parent's other threads, so the whole reserve is
 * free; the calling thread must not be using any of it. */
void reserve_forked(void);

#endif
