/* SPDX-License-Identifier: GPL-2.0-only */
/* See heap.h. Names of glibc's are those of its malloc/malloc.c and arena.c, 2.28 to 2.41. */
#include "heap.h"

#include "headers.h"
#include "base/probe.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <sys/uio.h>

#define WORD		((uint64_t)sizeof(uintptr_t))
#define BINS		127u			/* NBINS - 1: there is no bin 0 */
#define BINS_BYTES	(2 * BINS * WORD)
#define BINMAP_BYTES	16u
#define HEAD_BYTES	(WORD == 8 ? 16u : 12u)	/* mutex, flags, have_fastchunks */
#define FASTBINS_MAX	16u			/* 10, in programs of 32 bits 11 */
#define ARENAS_MAX	8192u			/* glibc makes 8 for each processor */
#define PAGE_BITS	((uint64_t)4095)
#define HEAP_LOG2		(WORD == 8 ? 26 : 20)	/* HEAP_MAX_SIZE's: a later arena's heaps are aligned to it */
#define NONCONTIGUOUS		2u			/* in `flags`: main_arena is more than what sbrk() gives */
#define CHUNK_FLAGS	((uint64_t)7)		/* the low bits of a chunk's size are flags */
#define CHUNK_LEAST	(4 * WORD)		/* MINSIZE */
#define NEAR_BYTES		16384u
#define MMAPS_USUAL		65536u			/* DEFAULT_MMAP_MAX */
#define THRESHOLD_MOST		((uint64_t)1 << 40)	/* mmap_threshold: less than any address of 64 bits */
#define BYTES_MOST	((uint64_t)1 << 52)	/* more than any process can have */

/* ---- Reading memory ---- */

static bool is_in(const struct heap_range *range, uint64_t address)
{
	return address >= range->start && address < range->end;
}

static bool own_word(struct heap_reader *self, uint64_t address, uint64_t *to)
{
	if (address % WORD || address != (uintptr_t)address)
		return false;
	if (!is_in(&self->sure[0], address) && !is_in(&self->sure[1], address) &&
	    self->page != (address | PAGE_BITS)) {
		if (!probe_readable((uintptr_t)address))
			return false;
		self->page = address | PAGE_BITS;
	}
	*to = *(volatile uintptr_t *)(uintptr_t)address;
	return true;
}

struct heap_reader heap_own_reader(void)
{
	return (struct heap_reader){ .word = own_word };
}

static bool foreign_word(struct heap_reader *self, uint64_t address, uint64_t *to)
{
	uintptr_t word = 0;
	struct iovec here = { &word, sizeof(word) };
	struct iovec there = { (void *)(uintptr_t)address, sizeof(word) };

	if (process_vm_readv((pid_t)self->pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof(word))
		return false;
	*to = word;
	return true;
}

struct heap_reader heap_foreign_reader(uint32_t pid)
{
	return (struct heap_reader){ .word = foreign_word, .pid = pid };
}

/* Four of a word's bytes. */
static uint64_t part_of(uint64_t word, uint64_t address)
{
	unsigned shift = 8 * (unsigned)(address % WORD);

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ && WORD == 8)
		shift = 32 - shift;
	return word >> shift & 0xffffffff;
}

/* ---- Free chunks ---- */

struct count {
	const struct heap_places *places;
	struct heap_reader *reader;
	uint64_t limit;		/* of the arena: no chunk is larger */
	unsigned left;		/* chunks that may still be visited */
	uint64_t bytes;
};

/* Adds a chunk (prev_size, size, fd, bk: a word each). False: it is none, or there have been too many. */
static bool count_chunk(struct count *c, uint64_t chunk)
{
	uint64_t size;

	if (!c->left || chunk % (2 * WORD) || !c->reader->word(c->reader, chunk + WORD, &size))
		return false;
	c->left--;
	size &= ~CHUNK_FLAGS;
	if (size < CHUNK_LEAST || size > c->limit)
		return false;
	c->bytes += size;
	return true;
}

/* A list of small chunks, which are linked by fd; since glibc 2.32 by REVEAL_PTR() of that. */
static bool count_fastbin(struct count *c, uint64_t head)
{
	uint64_t chunk, at = head, link;

	for (bool first = true; ; first = false, at = chunk + 2 * WORD) {
		if (!c->reader->word(c->reader, at, &link))
			return false;
		chunk = !first && c->places->hidden_links ? at >> 12 ^ link : link;
		if (!chunk)
			return true;
		if (!count_chunk(c, chunk))
			return false;
	}
}

/* A ring of chunks, linked by bk, that begins and ends at what looks like one more of them. */
static bool count_bin(struct count *c, uint64_t ring)
{
	uint64_t chunk;

	if (!c->reader->word(c->reader, ring + 3 * WORD, &chunk))
		return false;
	while (chunk != ring) {
		if (!count_chunk(c, chunk) || !c->reader->word(c->reader, chunk + 3 * WORD, &chunk))
			return false;
	}
	return true;
}

/*
 * A system call for each page of each chunk would take longer than the rest. So one is spared for what is
 * known to be mapped as a whole: the struct itself, and an arena's only heap from its start to its end, where
 * the top chunk ends. That is what sbrk() has given for main_arena (but when something else had to serve for
 * it), and for the other arenas what follows the struct.
 */
static void note_sure(struct count *c, uint64_t arena, uint64_t top, uint64_t top_bytes)
{
	uint64_t end = top + top_bytes, flags, word, last = arena + c->places->next + 4 * WORD;
	bool is_main = arena == c->places->arena;
	struct heap_range heap = { is_main ? end - c->limit : arena, end };

	c->reader->sure[0] = c->reader->sure[1] = (struct heap_range){ 0, 0 };
	if (!c->reader->word(c->reader, arena, &flags) || !c->reader->word(c->reader, last, &word))
		return;
	c->reader->sure[0] = (struct heap_range){ arena, last };
	if (top < arena + c->places->top || end & PAGE_BITS || top_bytes > c->limit ||
	    (is_main ? part_of(flags, arena + 4) & NONCONTIGUOUS : (arena ^ top) >> HEAP_LOG2))
		return;
	if (c->reader->word(c->reader, heap.start / WORD * WORD, &word) &&
	    c->reader->word(c->reader, end - WORD, &word))
		c->reader->sure[1] = heap;
}

/* All of an arena, as int_mallinfo() has them. False: not all. */
static bool count_arena(struct count *c, uint64_t arena)
{
	const struct heap_places *p = c->places;
	uint64_t top, size;

	/* Before the first allocation top is what looks like a chunk, in the arena itself. */
	if (!c->reader->word(c->reader, arena + p->top, &top) ||
	    !c->reader->word(c->reader, top + WORD, &size))
		return false;
	if (top != arena + p->top) {
		c->bytes += size & ~CHUNK_FLAGS;
		note_sure(c, arena, top, size & ~CHUNK_FLAGS);
	}
	for (uint64_t at = arena + p->fastbins; at < arena + p->top; at += WORD) {
		if (!count_fastbin(c, at))
			return false;
	}
	for (unsigned i = 0; i < BINS; i++) {
		if (!count_bin(c, arena + p->bins + 2 * i * WORD - 2 * WORD))
			return false;
	}
	return true;
}

/* ---- The figures ---- */

static void read_mapped(const struct heap_places *p, struct heap_reader *r, struct heap_figures *to)
{
	uint64_t bytes, count;

	if (!p->mapped || !r->word(r, p->mapped, &bytes) ||
	    !r->word(r, p->mapped_count / WORD * WORD, &count))
		return;
	count = part_of(count, p->mapped_count);
	if (bytes & PAGE_BITS || bytes > BYTES_MOST || !bytes != !count || bytes >> 12 < count)
		return;		/* changed between the two looks, or it is not what we take it for */
	to->mapped_bytes = bytes;
	to->mapped_count = count;
	to->mapped_known = true;
}

void heap_read(const struct heap_places *p, struct heap_reader *r, bool count_free, struct heap_figures *to)
{
	struct count c = { .places = p, .reader = r, .left = HEAP_CHUNKS_MAX };
	uint64_t arena = p->arena, bytes;
	unsigned arenas = 0;
	bool all = count_free;

	*to = (struct heap_figures){ .arena_bytes = 0 };
	if (!p->arena)
		return;
	read_mapped(p, r, to);
	do {
		if (arenas++ == ARENAS_MAX || !r->word(r, arena + p->next + 3 * WORD, &bytes) || bytes > BYTES_MOST)
			return;
		to->arena_bytes += bytes;
		c.limit = bytes;
		all = all && count_arena(&c, arena);
		if (!r->word(r, arena + p->next, &arena))
			return;
	} while (arena != p->arena);
	to->arenas_known = true;
	to->free_bytes = c.bytes < to->arena_bytes ? c.bytes : to->arena_bytes;
	to->free_known = all && c.bytes <= to->arena_bytes;
}

/* ---- Where they are ---- */

/* Data of libc that can be written. */
struct data {
	uintptr_t start, end;
};

static bool find_data(const void *in_libc, struct data *d)
{
	const ElfW(Phdr) *segment;
	unsigned count;
	Dl_info info;

	if (!dladdr(in_libc, &info) || !info.dli_fbase)
		return false;
	segment = headers_at((uintptr_t)info.dli_fbase, &count);
	for (unsigned i = 0; i < count; i++) {
		if (segment[i].p_type == PT_LOAD && segment[i].p_flags & PF_W) {
			d->start = ((uintptr_t)info.dli_fbase + segment[i].p_vaddr + WORD - 1) & ~(uintptr_t)(WORD - 1);
			d->end = (uintptr_t)info.dli_fbase + segment[i].p_vaddr + segment[i].p_memsz;
			return d->end > d->start;
		}
	}
	return false;
}

static uint64_t word_at(uint64_t address)
{
	return *(const volatile uintptr_t *)(uintptr_t)address;
}

/* Whether a pair of words is the head of an empty ring: both point to where a chunk would begin that had them
 * as its fd and bk. */
static bool is_empty_bin(uint64_t pair)
{
	return word_at(pair) == pair - 2 * WORD && word_at(pair + WORD) == pair - 2 * WORD;
}

/* 127 of these side by side are bins, if most are empty still, as they are at the start. The last one, of the largest
 * chunks, is; what follows it is none. */
static bool are_bins(uint64_t bins)
{
	unsigned empty = 0;

	if (!is_empty_bin(bins + BINS_BYTES - 2 * WORD) || is_empty_bin(bins + BINS_BYTES))
		return false;
	for (unsigned i = 0; i < BINS; i++)
		empty += is_empty_bin(bins + 2 * i * WORD);
	return empty > BINS / 2;
}

/* Whether an arena whose `bins` are there begins at `arena`: its figures are those that are known. */
static bool try_arena(struct heap_places *p, uint64_t arena, uint64_t bins, const struct heap_known *known)
{
	struct heap_reader r = heap_own_reader();
	struct heap_figures f;

	p->arena = arena;
	p->fastbins = HEAD_BYTES;
	p->bins = (uint32_t)(bins - arena);
	p->top = (uint32_t)(p->bins - 2 * WORD);
	p->next = (uint32_t)(p->bins + BINS_BYTES + BINMAP_BYTES);
	heap_read(p, &r, true, &f);
	return f.free_known && f.arena_bytes == known->arena && f.free_bytes == known->fordblks &&
	       f.arena_bytes - f.free_bytes == known->uordblks;
}

static bool find_arena(struct heap_places *p, const struct data *d, const struct heap_known *known)
{
	for (uint64_t bins = d->start; bins + BINS_BYTES + BINMAP_BYTES + 5 * WORD <= d->end; bins += WORD) {
		for (unsigned i = 0; i <= FASTBINS_MAX && are_bins(bins); i++) {
			uint64_t arena = bins - (2 + i) * WORD - HEAD_BYTES;
			uint64_t next = word_at(bins + BINS_BYTES + BINMAP_BYTES);

			/* It is the next one itself, or that is elsewhere than in libc. */
			if (arena >= d->start && (next == arena || next < d->start || next >= d->end) &&
			    try_arena(p, arena, bins, known))
				return true;
		}
	}
	return false;
}

/* n_mmaps_max: as built in, another, or 0; who changes it sets no_dyn_threshold, too (do_set_mmaps_max()). */
enum most { MOST_USUAL, MOST_TUNED, MOST_NONE, MOSTS };

static enum most kind_of_most(uint32_t n_mmaps_max)
{
	return n_mmaps_max == MMAPS_USUAL ? MOST_USUAL : n_mmaps_max ? MOST_TUNED : MOST_NONE;
}

/* Whether mmap_threshold, arena_test and arena_max are the three words from here on. */
static bool is_threshold(uint64_t at)
{
	uint64_t test = word_at(at + WORD), most = word_at(at + 2 * WORD);

	return word_at(at) && word_at(at) < THRESHOLD_MOST && test && test <= ARENAS_MAX && most <= 16 * ARENAS_MAX;
}

/*
 * Whether n_mmaps is at `at`, n_mmaps_max, max_n_mmaps and no_dyn_threshold after it, and mmapped_mem, max_mmapped_mem
 * and sbrk_base at `bytes`. arena_max is the word before it; since glibc 2.35 thp_pagesize, hp_pagesize and
 * hp_flags, of 4 bytes, lie in between.
 */
static bool is_mapped_count(uint64_t at, uint64_t bytes, const struct heap_known *known, enum most most)
{
	const uint32_t *n = (const uint32_t *)(uintptr_t)at;
	bool early = at % WORD == 0, late = WORD == 4 || !early;

	if (n[0] != known->hblks || n[1] > INT_MAX || kind_of_most(n[1]) != most || n[2] < n[0] || n[3] > 1 ||
	    (most != MOST_USUAL && !n[3]))
		return false;
	if (word_at(bytes) != known->hblkhd || word_at(bytes + WORD) < known->hblkhd ||
	    !word_at(bytes + WORD) != !n[2] || word_at(bytes + 2 * WORD) & PAGE_BITS)
		return false;
	return (early && is_threshold(at - 3 * WORD)) || (late && is_threshold(at - sizeof(uint32_t) - 5 * WORD));
}

/* mp_ lies near main_arena: both have values from the start. */
static bool find_mapped(struct heap_places *p, const struct data *d, const struct heap_known *known, enum most most)
{
	uint64_t first = d->start + 6 * WORD, last = d->end - 16 - 4 * WORD;
	unsigned count = 0;

	if (p->arena > first + NEAR_BYTES)
		first = p->arena - NEAR_BYTES;
	if (last > p->arena + NEAR_BYTES)
		last = p->arena + NEAR_BYTES;
	for (uint64_t at = first; at <= last; at += sizeof(uint32_t)) {
		uint64_t bytes = (at + 16 + WORD - 1) / WORD * WORD;

		if (!is_mapped_count(at, bytes, known, most))
			continue;
		p->mapped_count = at;
		p->mapped = bytes;
		count++;
	}
	if (count != 1)
		p->mapped = p->mapped_count = 0;
	return count == 1;
}

bool heap_find(struct heap_places *p, const void *in_libc, const struct heap_known *known)
{
	struct data d;

	*p = (struct heap_places){ .arena = 0 };
	if (!find_data(in_libc, &d))
		return false;
	for (uint32_t hidden = 0; hidden < 2; hidden++) {
		p->hidden_links = !hidden;
		if (find_arena(p, &d, known)) {
			for (enum most most = 0; most < MOSTS && !find_mapped(p, &d, known, most); most++)
				;
			return true;
		}
	}
	*p = (struct heap_places){ .arena = 0 };
	return false;
}
