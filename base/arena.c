/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See arena.h. An arena is a list of chunks, the newest one first. Memory is taken from the newest chunk:
 *
 *	arena.chunk -> [ header | used ........ | free ] -> [ header | used ... ] -> NULL
 *	                        ^ used_bytes
 *
 * A request that does not fit gets a new chunk, and the rest of the old chunk is wasted. Requests larger
 * than a chunk get a chunk of their own size. A chunk that was used before has to be zeroed again, but only as far as
 * it was in use, because the pages behind have never been touched.
 */
#include "arena.h"

#include "atomics.h"
#include "kernel_map.h"
#include "reserve.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES	((size_t)256 << 10)
#define ALIGN_BYTES	((size_t)16)
#define HUGE_BYTES	((size_t)2 << 20)	/* a transparent huge page, x86_64 and aarch64 */
#define POPULATED_BYTES	((size_t)64 << 10)	/* of a chunk that will be handed on */

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000	/* Linux 4.17; older kernels take the address as a hint */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14; older kernels refuse it */
#endif

struct arena_chunk {
	struct arena_chunk *older;
	size_t size_bytes;
	/* The bytes from here on are zeros. In the newest chunk of an arena they were, when it became that: what the
	 * arena has handed out since is not noted here before the next chunk is added, or the arena is released. */
	size_t dirty_bytes;
};

/* ---- The area of addresses ---- */

#define PLACE_BYTES	((uintptr_t)64 << 10)	/* places begin at a multiple of the largest page of any machine */
#define PLACE_RATIO	8	/* the area is one eighth of the half of the address space in which it lies */

static uintptr_t area_start;	/* 0: not chosen yet */
static uintptr_t area_used;	/* bytes that have been handed out; can become larger than the area */

#if UINTPTR_MAX > 0xffffffff
/* The largest power of two below the stack. The kernel has put the bytes of AT_RANDOM at the stack's upper end. */
static uintptr_t half_of_addresses(void)
{
	return (uintptr_t)1 << (63 - __builtin_clzll(getauxval(AT_RANDOM) | 1u << 30));
}

static uintptr_t area_bytes(void)
{
	return half_of_addresses() / PLACE_RATIO;
}

/* The kernel places programs at two thirds of the address space or at its beginning, and everything else
 * downward from the stack, so the addresses a little above the half stay free. The area begins at a random
 * address there, so that nobody can foresee where it is. */
static uintptr_t choose_area(void)
{
	struct timespec now;
	uint64_t mixed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	mixed = ((uint64_t)now.tv_nsec ^ (uintptr_t)&now ^ (uint64_t)getpid() << 32) * 0x9e3779b97f4a7c15u;
	return half_of_addresses() + ((uintptr_t)(mixed >> 16) % area_bytes() & ~((uintptr_t)HUGE_BYTES - 1));
}
#else
/* The area lies below the lowest address of programs (i386: System V ABI, supplement, figure 3-25). */
static uintptr_t area_bytes(void)
{
	return (uintptr_t)0x07000000;
}

static uintptr_t choose_area(void)
{
	return (uintptr_t)0x00800000;
}
#endif

static uintptr_t area(void)
{
	uintptr_t start = load_relaxed(&area_start), none = 0;

	if (!start) {
		start = choose_area();
		if (!cas_relaxed(&area_start, &none, start))
			start = none;
	}
	return start;
}

char *arena_place(size_t size_bytes)
{
	uintptr_t bytes = (size_bytes + PLACE_BYTES - 1) & ~(PLACE_BYTES - 1), start = area(), at;

	/* No address is handed out twice, because a mapping that grows in place needs those behind it. */
	if (bytes < size_bytes || bytes > area_bytes() || load_relaxed(&area_used) > area_bytes() - bytes)
		return NULL;
	at = add_relaxed(&area_used, bytes);
	return at > area_bytes() - bytes ? NULL : (char *)start + at;
}

bool arena_is_place(uintptr_t address)
{
	return address - area() < area_bytes();
}

void arena_area(uint64_t *start, uint64_t *end)
{
	*start = area();
	*end = *start + area_bytes();
}

/* ---- Memory ---- */

/*
 * While mlockall(MCL_FUTURE) is in force, the kernel fills each new mapping with pages and counts it for
 * RLIMIT_MEMLOCK. It does neither when an older mapping, which has been excluded with munlock(), is made
 * longer. So arena_avoid_locks() maps one page, the seed, with free addresses behind it. Later mappings
 * begin at the seed, which mremap() makes longer, and their last page becomes the new seed.
 */
#define SEED_PART	64	/* the seed's room is this part of the area: 128 GB of 8 TB */
#define SEED_TRIES	10000	/* calls of sched_yield() */
static uintptr_t seed, seed_end;	/* 0: there is no seed */

void arena_avoid_locks(void)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);
	uintptr_t room = area_bytes() / SEED_PART & ~(uintptr_t)(PLACE_BYTES - 1);
	char *at = load_acquire(&seed) ? NULL : arena_place(room);
	int saved = errno;

	if (at && kernel_mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		       MAP_FIXED_NOREPLACE, -1, 0) == at) {
		madvise(at, page, MADV_NOHUGEPAGE);
		madvise(at, page, MADV_DONTDUMP);
		munlock(at, page);	/* if MCL_FUTURE was in force already */
		seed_end = (uintptr_t)at + room;
		store_release(&seed, (uintptr_t)at);
	}
	errno = saved;
}

/* NULL: the kernel refuses. */
static void *map_from_seed(size_t size_bytes)
{
	size_t page = (size_t)getauxval(AT_PAGESZ), bytes = (size_bytes + page - 1) & ~(page - 1);
	uintptr_t at = load_acquire(&seed);

	while (bytes && bytes < seed_end - at - page) {
		bool mapped;

		if (kernel_mremap((void *)at, page, page + bytes, 0, NULL) == (void *)at) {
			store_release(&seed, at + bytes);
			return (void *)at;
		}
		/* If something is mapped there, another thread was faster and will store the new seed soon. */
		mapped = !madvise((void *)(at + page), page, MADV_DONTDUMP);
		for (unsigned tries = 0; load_acquire(&seed) == at; tries++) {
			if (!mapped || tries == SEED_TRIES)
				return NULL;
			sched_yield();
		}
		at = load_acquire(&seed);
	}
	return NULL;
}

static void *map_memory(void *at, size_t size_bytes, int protection, int flags)
{
	int saved = errno;
	void *mem = kernel_mmap(at, size_bytes, protection,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (mem == MAP_FAILED) {
		mem = NULL;
	} else if (size_bytes >= HUGE_BYTES) {
		/* Large mappings are sparse: a touched byte must not cost 2 MB, nor a hole space in a core file. */
		madvise(mem, size_bytes, MADV_NOHUGEPAGE);
		madvise(mem, size_bytes, MADV_DONTDUMP);
	}
	errno = saved;
	return mem;
}

void *arena_map(size_t size_bytes)
{
	if (unlikely(load_relaxed(&seed))) {
		int saved = errno;
		void *mem = map_from_seed(size_bytes);

		errno = saved;
		if (mem)
			return mem;
	}
	return map_memory(arena_place(size_bytes), size_bytes, PROT_READ | PROT_WRITE, 0);
}

void *arena_map_zeros(size_t size_bytes)
{
	return map_memory(arena_place(size_bytes), size_bytes, PROT_READ, 0);
}

bool arena_replace(void *at, size_t size_bytes)
{
	/* Only with a seed, because doc/limits.md lists the system calls that are made without mlockall(). */
	if (load_relaxed(&seed) && !mprotect(at, size_bytes, PROT_READ | PROT_WRITE))
		return true;
	return map_memory(at, size_bytes, PROT_READ | PROT_WRITE, MAP_FIXED) == at;
}

bool arena_map_at(char *place, size_t size_bytes)
{
	char *mem = map_memory(place, size_bytes, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);

	if (mem && mem != place)
		arena_unmap(mem, size_bytes);
	return mem == place;
}

void arena_unmap(void *mem, size_t size_bytes)
{
	int saved = errno;

	if (mem)
		kernel_munmap(mem, size_bytes);
	errno = saved;
}

static __attribute__((cold)) void populate(struct arena_chunk *c)
{
	int saved = errno;

	madvise(c, POPULATED_BYTES, MADV_POPULATE_WRITE);
	errno = saved;
}

/* Takes a spare chunk with room for `least` bytes. NULL: there is none. */
static struct arena_chunk *take_spare(const struct arena *a, size_t least)
{
	struct arena_chunk *c = a->spares ? a->spares->chunk : NULL;

	if (!c || c->size_bytes < least)
		return NULL;
	a->spares->chunk = c->older;
	return c;
}

/* Notes how much of the newest chunk has been used, before it is not the newest one any more. */
static void note_use(struct arena *a)
{
	if (a->chunk && a->chunk->dirty_bytes < a->used_bytes)
		a->chunk->dirty_bytes = a->used_bytes;
}

/* Adds a chunk with room for need_bytes: a spare one, or from the kernel or, if the kernel refuses, from the
 * reserve. */
static bool add_chunk(struct arena *a, size_t need_bytes, bool from_reserve)
{
	size_t least = sizeof(struct arena_chunk) + ALIGN_BYTES + need_bytes;
	size_t size = least < CHUNK_BYTES ? CHUNK_BYTES : least;
	struct arena_chunk *c;

	if (least < need_bytes)
		return false;
	c = take_spare(a, least);
	if (!c) {
		c = arena_map(size);
		if (!c && from_reserve) {
			size = (least + RESERVE_BLOCK - 1) / RESERVE_BLOCK * RESERVE_BLOCK;
			c = reserve_take(size);
		}
		if (!c)
			return false;
		/* Page by page, the kernel would take more than twice the time. */
		if (a->spares && size == CHUNK_BYTES)
			populate(c);
		c->size_bytes = size;
	}
	note_use(a);
	c->older = a->chunk;
	a->chunk = c;
	a->used_bytes = (sizeof(*c) + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1);
	return true;
}

static void *allocate(struct arena *a, size_t size_bytes, bool from_reserve, bool zeroed)
{
	size_t need = (size_bytes + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1);
	void *mem;

	if (need < size_bytes)
		return NULL;
	if (!a->chunk || a->chunk->size_bytes - a->used_bytes < need) {
		if (!add_chunk(a, need, from_reserve)) {
			a->refused = true;
			return NULL;
		}
	}
	mem = (char *)a->chunk + a->used_bytes;
	if (zeroed && unlikely(a->chunk->dirty_bytes > a->used_bytes)) {
		size_t dirty = a->chunk->dirty_bytes - a->used_bytes;

		memset(mem, 0, dirty < need ? dirty : need);
	}
	a->used_bytes += need;
	return mem;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	return allocate(a, size_bytes, true, true);
}

void *arena_alloc_plenty(struct arena *a, size_t size_bytes)
{
	return allocate(a, size_bytes, false, true);
}

void *arena_alloc_buffer(struct arena *a, size_t size_bytes)
{
	return allocate(a, size_bytes, true, false);
}

char *arena_copy(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

static void release_chunks(struct arena_chunk **first, struct arena_spares *spares)
{
	while (*first) {
		struct arena_chunk *c = *first;

		*first = c->older;
		if (spares && c->size_bytes == CHUNK_BYTES) {
			c->older = spares->chunk;
			spares->chunk = c;
		} else if (!reserve_give(c, c->size_bytes)) {
			arena_unmap(c, c->size_bytes);
		}
	}
}

void arena_release(struct arena *a)
{
	note_use(a);
	release_chunks(&a->chunk, a->spares);
	a->used_bytes = 0;
}

void arena_spares_release(struct arena_spares *s)
{
	release_chunks(&s->chunk, NULL);
}
