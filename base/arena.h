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
 * All of it lies in one area of the address space, where neither programs nor the kernel's choice of
 * addresses come: so mappings can grow where they are without their space being reserved, and the
 * tracer's memory is known from the program's by its address. Nothing there is mapped until it is asked
 * for, so the area counts for no limit.
 *
 * Returns size_bytes of addresses in the area that nobody else gets, for a mapping of the caller's, which must not replace what is there all the same
 * (MAP_FIXED_NOREPLACE). NULL: the area is used up; then the kernel chooses. Async-signal-safe.
 */
char *arena_place(size_t size_bytes);

/* Whether the address is in the area. */
bool arena_is_place(uintptr_t address);

/*
 * Maps size_bytes of zeroed memory (rounded up to pages) that costs nothing until touched.
 * Returns NULL when the kernel refuses (RLIMIT_AS, overcommit).
 */
void *arena_map(size_t size_bytes);

/* The same at an address, of a page, that arena_place() has given. False: the kernel refuses, or something
 * lies there. */
bool arena_map_at(char *place, size_t size_bytes);

/* The same, but it can only be read, so it does not count as data (RLIMIT_DATA); and replaces a part of that, of
 * whole pages, by memory that can be written, at once for whoever reads there. False: the kernel refuses. */
void *arena_map_zeros(size_t size_bytes);
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
 * The same for what may be large, and has a smaller form where memory is short: NULL as soon as the kernel
 * refuses, without a look at the reserve (reserve.h), which arena_alloc() then falls back on.
 */
void *arena_alloc_plenty(struct arena *a, size_t size_bytes);

/* A NUL-terminated copy of len bytes of text, or NULL. */
char *arena_copy(struct arena *a, const char *text, size_t len);

/* Unmaps all chunks; the arena is empty and usable again. */
void arena_release(struct arena *a);

#endif
