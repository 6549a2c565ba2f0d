/* SPDX-License-Identifier: GPL-2.0-only */
/* See allocator.h. */
#include "allocator.h"

#include "elf/heap.h"
#include "base/mappings.h"

#include <string.h>
#include <sys/auxv.h>

/* These are SIZE_SZ, MALLOC_ALIGNMENT, MINSIZE and DEFAULT_MMAP_THRESHOLD of glibc's malloc/malloc.c. The traced
 * program has the same word size as this one, because tables of the other size are refused. */
#define WORD		((uint64_t)sizeof(void *))
#define ALIGNMENT	((uint64_t)16)
#define CHUNK_LEAST	(WORD == 8 ? (uint64_t)32 : (uint64_t)16)
#define LARGE		((uint64_t)131072)
#define PAGE_BYTES	((uint64_t)getauxval(AT_PAGESZ))

/* The size of a block after rounding up to a multiple of unit. one_size: all blocks of the row have this size, which
 * is likely where the row's size can be divided by their count. Otherwise rounding adds half a unit on average. */
static uint64_t rounded(uint64_t each, bool one_size, uint64_t unit)
{
	return one_size ? (each + unit - 1) / unit * unit : each + unit / 2;
}

/* Adds the chunks of a row with live blocks. In a chunk that is a mapping of its own malloc uses one word more than
 * in others (sysmalloc_mmap()). */
static void add_row(struct allocator_blocks *b, uint64_t size, uint64_t count)
{
	bool one_size = size % count == 0;
	uint64_t each = rounded(size / count + WORD, one_size, ALIGNMENT);

	if (each < CHUNK_LEAST)
		each = CHUNK_LEAST;
	b->live_bytes += size;
	b->live_count += count;
	b->chunks_bytes += each * count;
	if (size / count < LARGE)
		return;
	b->large_bytes += each * count;
	b->large_count += count;
	b->pages_bytes += rounded(each + WORD, one_size, PAGE_BYTES) * count;
}

struct allocator_blocks allocator_blocks(const struct view *v)
{
	struct allocator_blocks b = { .chunks_bytes = 0 };

	for (uint32_t i = 0; i < v->count; i++) {
		const struct counters *c = &v->rows[i].counters;

		if (c->live_count)
			add_row(&b, c->live_size, c->live_count);
	}
	if (v->outside.count)		/* of these the single rows are not known */
		add_row(&b, v->outside.size, v->outside.count);
	return b;
}

/* Why virtual_bytes is not known. is_other: the program uses another malloc than libc's. */
static const char *why_unknown(const struct model_request *q, bool is_other)
{
	if (is_other)
		return "malloc is not glibc's";
	if (!q->table->head->heap.arena)
		return "not found in this libc";
	if (q->foreign && !q->runs_as)
		return "the process has ended";
	return "its memory may not be read";
}

/*
 * The bytes of chunks that are mappings of their own: mallinfo2() does not count these as handed out. The large
 * blocks are assumed to be the mapped ones. If more blocks are mapped than there are large blocks, rounding up to
 * pages adds half a page to each further mapping on average. If exactly the large blocks are mapped, their sizes
 * are better than those of the mappings, which for an aligned block (memalign()) have room for its alignment, too.
 */
static uint64_t mapped_chunks(const struct allocator_blocks *b, const struct heap_figures *f)
{
	uint64_t rounding = b->pages_bytes - b->large_bytes, others, bytes;

	if (!f->mapped_known || (f->mapped_count == b->large_count && f->mapped_bytes >= b->pages_bytes))
		return b->large_bytes;
	if (f->mapped_count > b->large_count) {
		others = f->mapped_count - b->large_count;
		return f->mapped_bytes - rounding - others * PAGE_BYTES / 2;
	}
	bytes = f->mapped_bytes -
		(uint64_t)((double)rounding * (double)f->mapped_count / (double)b->large_count);
	return bytes < b->large_bytes ? bytes : b->large_bytes;
}

static uint64_t estimate(const struct allocator_blocks *b, const struct heap_figures *f)
{
	uint64_t mapped = mapped_chunks(b, f), most = f->arena_bytes - f->free_bytes;
	uint64_t handed = b->chunks_bytes > mapped ? b->chunks_bytes - mapped : 0;

	return f->arenas_known && handed > most ? most : handed;
}

/* A library before libc that has a malloc is an allocator, or calls libc's malloc itself, as another tracer does.
 * Only in the second case does libc's malloc have room for all live blocks. */
static bool serves_all(const struct heap_figures *f, const struct allocator_blocks *b)
{
	return f->arenas_known && f->mapped_known && f->arena_bytes + f->mapped_bytes >= b->live_bytes;
}

/* Where another allocator takes the calls of libc's malloc, as valgrind's does, libc's malloc has no memory at all. */
static bool serves_none(const struct heap_figures *f, const struct allocator_blocks *b)
{
	return f->arenas_known && f->mapped_known && !f->arena_bytes && !f->mapped_bytes && b->live_bytes;
}

/* ---- From the mappings of a process whose memory may not be read ---- */

/*
 * The bytes of a mapping if it is a heap of malloc's, else 0. Heaps are mappings of these two kinds:
 * "55d0c8a4c000-55d0c8a6d000 rw-p 00000000 00:00 0                          [heap]"
 * "7f5a64000000-7f5a64021000 rw-p 00000000 00:00 0 "
 */
static uint64_t heap_of_mapping(const struct mapping *m)
{
	if (m->end < m->start || strncmp(m->access, "rw-p", 4) || m->offset || m->inode)
		return 0;
	if (strcmp(m->path, "[heap]") && (m->path[0] || m->start % HEAP_ALIGN_BYTES))
		return 0;
	return m->end - m->start;
}

/* The bytes of all heaps that malloc has in a process. 0: it has none, or the mappings may not be read. */
static uint64_t heaps_by_maps(uint32_t pid)
{
	struct mappings list;
	struct mapping m;
	uint64_t bytes = 0;

	if (!mappings_open(&list, pid))
		return 0;
	while (mappings_next(&list, &m))
		bytes += heap_of_mapping(&m);
	mappings_close(&list);
	return bytes;
}

struct model_allocator allocator_read(const struct model_request *q, const struct allocator_blocks *b)
{
	const struct heap_places *places = &q->table->head->heap;
	struct heap_reader reader = q->foreign ? heap_foreign_reader(q->runs_as) : heap_own_reader();
	struct model_allocator a = { .virtual_known = false };
	struct heap_figures f = { .arena_bytes = 0 };
	bool is_other;

	if (!q->foreign || q->runs_as)
		heap_read(places, &reader, q->heap_still && !q->foreign, &f);
	is_other = (places->other_malloc && !serves_all(&f, b)) || serves_none(&f, b);
	a.virtual_known = f.arenas_known && f.mapped_known && !is_other;
	a.virtual_bytes = f.arena_bytes + f.mapped_bytes;
	a.parts_known = a.virtual_known;
	a.arenas_bytes = f.arena_bytes;
	a.mapped_bytes = f.mapped_bytes;
	a.mapped_count = f.mapped_count;
	a.chunks_bytes = is_other ? b->chunks_bytes : estimate(b, &f);
	a.unknown = why_unknown(q, is_other);
	if (!a.virtual_known && !is_other && places->arena && q->foreign && q->runs_as) {
		a.virtual_bytes = heaps_by_maps(q->runs_as) + b->pages_bytes;
		a.virtual_known = a.virtual_estimated = a.virtual_bytes > 0;
	}
	a.estimated = is_other || !f.free_known;
	a.handed_bytes = a.estimated ? a.chunks_bytes : f.arena_bytes - f.free_bytes;
	return a;
}
