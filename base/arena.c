/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See arena.h. Chunks are linked newest first; the newest is bumped:
 *
 *	arena.chunk -> [ header | used ........ | free ] -> [ header | used ... ] -> NULL
 *	                        ^ used_bytes
 *
 * A request that does not fit gets a new chunk and the old rest is wasted: at most half of
 * a chunk, because larger requests get a chunk of their own size.
 */
#include "arena.h"

#include "reserve.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK_BYTES	((size_t)256 << 10)
#define ALIGN_BYTES	((size_t)16)
#define HUGE_BYTES	((size_t)2 << 20)	/* a transparent huge page, x86_64 and aarch64 */

struct arena_chunk {
	struct arena_chunk *older;
	size_t size_bytes;
};

void *arena_map(size_t size_bytes)
{
	int saved = errno;
	void *mem = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED) {
		mem = NULL;
	} else if (size_bytes >= HUGE_BYTES) {	/* sparse: one touched byte must not cost 2 MB, */
		madvise(mem, size_bytes, MADV_NOHUGEPAGE);
		madvise(mem, size_bytes, MADV_DONTDUMP);	/* nor a core of the program its holes */
	}
	errno = saved;
	return mem;
}

void arena_unmap(void *mem, size_t size_bytes)
{
	int saved = errno;

	if (mem)
		munmap(mem, size_bytes);
	errno = saved;
}

/* A chunk with room for need_bytes: from the kernel or, where that refuses, from the reserve. */
static bool add_chunk(struct arena *a, size_t need_bytes, bool from_reserve)
{
	size_t least = sizeof(struct arena_chunk) + ALIGN_BYTES + need_bytes;
	size_t size = least < CHUNK_BYTES ? CHUNK_BYTES : least;
	struct arena_chunk *c;

	if (least < need_bytes)
		return false;
	c = arena_map(size);
	if (!c && from_reserve) {
		size = (least + RESERVE_BLOCK - 1) / RESERVE_BLOCK * RESERVE_BLOCK;
		c = reserve_take(size);
	}
	if (!c)
		return false;
	c->size_bytes = size;
	c->older = a->chunk;
	a->chunk = c;
	a->used_bytes = (sizeof(*c) + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1);
	return true;
}

static void *allocate(struct arena *a, size_t size_bytes, bool from_reserve)
{
	size_t need = (size_bytes + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1);
	void *mem;

	if (need < size_bytes)
		return NULL;
	if (!a->chunk || a->chunk->size_bytes - a->used_bytes < need) {
		if (!add_chunk(a, need, from_reserve))
			return NULL;
	}
	mem = (char *)a->chunk + a->used_bytes;
	a->used_bytes += need;
	return mem;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	return allocate(a, size_bytes, true);
}

void *arena_alloc_plenty(struct arena *a, size_t size_bytes)
{
	return allocate(a, size_bytes, false);
}

char *arena_copy(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

void arena_release(struct arena *a)
{
	while (a->chunk) {
		struct arena_chunk *older = a->chunk->older;

		if (!reserve_give(a->chunk, a->chunk->size_bytes))
			arena_unmap(a->chunk, a->chunk->size_bytes);
		a->chunk = older;
	}
	a->used_bytes = 0;
}
