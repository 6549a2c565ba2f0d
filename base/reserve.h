/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is set aside at the start, for the dumps of a process that gets no more from the kernel
 * (RLIMIT_AS, RLIMIT_DATA, a system that does not overcommit). It is address space until it is used, and
 * again after that.
 *
 * Async-signal-safe, without a lock, for any number of threads; errno is kept. base/arena.c falls back
 * on it: others need it only for what is not an arena.
 */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

#define RESERVE_BYTES	((size_t)2 << 20)
#define RESERVE_BLOCK	((size_t)32 << 10)	/* what is taken is a multiple of this */

/* At the start. Where this is refused, there is no reserve. */
void reserve_start(void);

/* Zeroed memory of at least size_bytes, in whole blocks; NULL: not so much of it is left. */
void *reserve_take(size_t size_bytes);

/* Gives back what reserve_take() returned, with the same size. False: it is not of the reserve. */
bool reserve_give(void *mem, size_t size_bytes);

/* How much is left, in bytes; not all of it need be in one piece. */
size_t reserve_left(void);

/* In a child after fork: what the parent's other threads had taken is free here. The caller uses nothing of it. */
void reserve_forked(void);

#endif
