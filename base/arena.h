/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for the tracer itself, straight from mmap: never malloc, because the callers run
 * below the program's malloc or inside a signal handler. Everything here is
 * async-signal-safe and keeps errno; an arena belongs to one user at a time (no locking).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tracer's memory lies in one area of the address space, where neither programs nor the kernel put
 * anything by themselves. So a mapping can grow where it is without its space being reserved, and an
 * address tells whether the tracer's memory or the program's is there. Nothing in the area is mapped until
 * it is asked for, so the area counts for no limit.
 *
 * Returns size_bytes of addresses in the area, which are given to no other caller. The caller maps
 * memory there, with MAP_FIXED_NOREPLACE, since a program can have put something there after all. NULL:
 * the area is used up, and the kernel has to choose. Async-signal-safe.
 */
char *arena_place(size_t size_bytes);

/* Whether the address is in the area. */
bool arena_is_place(uintptr_t address);

/*
 * Maps size_bytes of zeroed memory (rounded up to pages) that costs nothing until touched.
 * Returns NULL when the kernel refuses (RLIMIT_AS, overcommit).
 */
void *arena_map(size_t size_bytes);

/* As arena_map(), at the start of a page of what arena_place() has given. False: the kernel refuses, or
 * something lies there. */
bool arena_map_at(char *place, size_t size_bytes);

/* As arena_map(), but the memory can only be read, so that it does not count as data (RLIMIT_DATA). */
void *arena_map_zeros(size_t size_bytes);

/* Replaces whole pages of what arena_map_zeros() has returned by zeroed memory that can be written. Whoever
 * reads there meanwhile reads zeros. False: the kernel refuses. */
bool arena_replace(void *at, size_t size_bytes);

/* To be called before mlockall(MCL_FUTURE): what is mapped from then on is not locked with the program's memory.
 * Async-signal-safe; not for two threads at once. */
void arena_avoid_locks(void);

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
 * As arena_alloc(), for what may be large and has a smaller form where memory is short: NULL as soon as the
 * kernel refuses. The reserve (reserve.h), which arena_alloc() falls back on, is not touched.
 */
void *arena_alloc_plenty(struct arena *a, size_t size_bytes);

/* A NUL-terminated copy of len bytes of text, or NULL. */
char *arena_copy(struct arena *a, const char *text, size_t len);

/* Unmaps all chunks; the arena is empty and usable again. */
void arena_release(struct arena *a);

#endif
