/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for the tracer itself. It comes from mmap() and never from malloc(), because the callers run
 * below the program's malloc() or in a signal handler. Every function here is async-signal-safe and keeps
 * errno. An arena has no lock, so only one thread may use it at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tracer's memory lies in one area of the address space into which neither the kernel nor, usually, a
 * program puts anything. So a mapping can grow in place although nothing reserves the space behind
 * the mapping, and an address alone tells whether it belongs to the tracer or to the program. Nothing in
 * the area is mapped before it is needed, so the area counts for no resource limit.
 *
 * Returns the start of size_bytes of addresses in the area, which no other caller gets. The caller maps
 * memory there with MAP_FIXED_NOREPLACE, because a program may have mapped something there after all.
 * Returns NULL if the area is used up; then the kernel has to choose the addresses. Async-signal-safe.
 */
char *arena_place(size_t size_bytes);

/* Whether the address is in the area. */
bool arena_is_place(uintptr_t address);

/* The area's first address, and the one behind its last. Async-signal-safe. */
void arena_area(uint64_t *start, uint64_t *end);

/*
 * Maps size_bytes of zeroed memory (rounded up to pages) that costs nothing until touched.
 * Returns NULL when the kernel refuses (RLIMIT_AS, overcommit).
 */
void *arena_map(size_t size_bytes);

/* As arena_map(), but at a page boundary within what arena_place() has returned. Returns false if the kernel
 * refuses or if something is mapped there already. */
bool arena_map_at(char *place, size_t size_bytes);

/* As arena_map(), but read-only, so that the memory does not count as data (RLIMIT_DATA). */
void *arena_map_zeros(size_t size_bytes);

/* Replaces whole pages of what arena_map_zeros() has returned by zeroed memory that can be written. A thread
 * that reads there at the same time reads zeros. Returns false if the kernel refuses. */
bool arena_replace(void *at, size_t size_bytes);

/* Is called before the program's mlockall(MCL_FUTURE), so that what the tracer maps afterwards is not locked
 * with the program's memory. Async-signal-safe, but two threads must not call it at once. */
void arena_avoid_locks(void);

/* Gives back what arena_map() returned, with the same size. NULL is ignored. */
void arena_unmap(void *mem, size_t size_bytes);

struct arena_chunk;

/*
 * Chunks that arenas have released, and that the next arenas take over, so that these do not map, fault in and unmap
 * other pages. A zeroed struct has none. Like an arena it may be used by one thread at a time.
 */
struct arena_spares {
	struct arena_chunk *chunk;	/* linked to the others */
};

/*
 * A bump allocator over a list of mapped chunks, for objects that are all freed together, such as those of
 * one dump. A zeroed struct is an empty arena.
 *
 * Invariant: chunk == NULL  or  used_bytes <= chunk's size.
 */
struct arena {
	struct arena_chunk *chunk;	/* newest, linked to the older ones */
	size_t used_bytes;		/* of the newest chunk, its header included */
	bool refused;			/* something was asked for that there was no memory for. arena_release() keeps
					 * it */
	struct arena_spares *spares;	/* where chunks come from and go to; NULL: the kernel. arena_release() keeps
					 * it */
};

/*
 * Returns zeroed memory aligned to 16 bytes, or NULL when the kernel gives no more. A
 * size of 0 returns a valid pointer. Lives until arena_release().
 */
void *arena_alloc(struct arena *a, size_t size_bytes);

/*
 * As arena_alloc(), for large objects that the caller can do without or can make smaller when memory is
 * short. Returns NULL as soon as the kernel refuses, without falling back on the reserve (reserve.h).
 */
void *arena_alloc_plenty(struct arena *a, size_t size_bytes);

/* As arena_alloc(), but the memory's contents are undefined: for buffers that are written before they are read. */
void *arena_alloc_buffer(struct arena *a, size_t size_bytes);

/* A NUL-terminated copy of len bytes of text, or NULL. */
char *arena_copy(struct arena *a, const char *text, size_t len);

/* Unmaps all chunks, or makes them spare ones; the arena is empty and usable again. */
void arena_release(struct arena *a);

/* Unmaps the spare chunks; the struct is empty and usable again. */
void arena_spares_release(struct arena_spares *s);

#endif
