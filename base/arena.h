/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for the tracer itself, straight from mmap: never malloc, because the callers run
 * below the program's malloc or inside a signal handler. Everything here is
 * async-signal-safe and keeps errno; an arena belongs to one user at a time (no locking).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/*
 * Maps size_bytes of zeroed memory (rounded up to pages) that costs nothing until touched.
 * Returns NULL when the kernel refuses (RLIMIT_AS, overcommit).
 */
void *arena_map(size_t size_bytes);

/* Gives back what arena_map() returned, with the same size. NULL is ignored. */
void arena_unmap(void *mem, size_t size_bytes);

struct arena_chunk;

/*
 * A bump allocator over a list of mapped chunks, for work whose pieces all die together
 * (one dump). A zeroed struct is an empty arena.
 *
 * Invariant: chunk == NULL  or  used_bytes <= chunk's size.
 */
struct arena {
	struct arena_chunk *chunk;	/* newest, linked to the older ones */
	size_t used_bytes;		/* of the newest chunk, its header included */
};

/*
 * Returns zeroed memory aligned to 16 bytes, or NULL when the kernel gives no more. A
 * size of 0 returns a valid pointer. Lives until arena_release().
 */
void *arena_alloc(struct arena *a, size_t size_bytes);

/*
 * The same for what may be large, and has a smaller form where memory is short: NULL as soon as the kernel
 * refuses, without a look at the reserve (reserve.h), which arena_alloc() then falls back on.
 */
void *arena_alloc_plenty(struct arena *a, size_t size_bytes);

/* A NUL-terminated copy of len bytes of text, or NULL. */
char *arena_copy(struct arena *a, const char *text, size_t len);

/* Unmaps all chunks; the arena is empty and usable again. */
void arena_release(struct arena *a);

#endif
