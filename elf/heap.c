/* SPDX-License-Identifier: GPL-2.0-only */
/* See heap.h. The names of glibc's types, fields and macros are those of its malloc/malloc.c and malloc/arena.c,
 * versions 2.28 to 2.41. */
#include "heap.h"

#include "headers.h"
#include "loaded.h"
#include "base/probe.h"

#include <limits.h>
#include <link.h>
#include <sys/uio.h>
#include <unistd.h>

#define WORD		((uint64_t)sizeof(uintptr_t))
#define BINS		127u			/* NBINS - 1: bin 0 does not exist */
#define BINS_BYTES	(2 * BINS * WORD)
#define BINMAP_BYTES	16u
#define HEAD_BYTES	(WORD == 8 ? 16u : 12u)	/* mutex, flags, have_fastchunks */
#define FASTBINS_MAX	16u			/* glibc has 10, and 11 in programs of 32 bits */
#define ARENAS_MAX	8192u			/* glibc makes 8 for each processor */
#define PAGE_BITS	((uint64_t)4095)
#define NONCONTIGUOUS	2u			/* in `flags`: sbrk() did not give all of main_arena's memory */
#define CHUNK_FLAGS	((uint64_t)7)		/* the low bits of a chunk's size are flags */
#define CHUNK_MIN	(4 * WORD)		/* MINSIZE */
#define CHUNK_LINKS	(6 * WORD)		/* struct malloc_chunk: sizes and links */
#define CHUNK_MAPPED	((uint64_t)2)		/* the flag of a chunk that is a mapping of its own */
#define MAPPED_SHIFT	(WORD == 8 ? (uint64_t)0 : (uint64_t)8)	/* where such a chunk begins in its mapping */
#define LARGE_BIN	63u			/* the first bin whose chunks are of 1024 (512) bytes and more */
#define NEAR_BYTES	16384u			/* mp_ is at most so far from main_arena */
#define MMAPS_DEFAULT	65536u			/* DEFAULT_MMAP_MAX */
#define THRESHOLD_MAX	((uint64_t)1 << 40)	/* an mmap_threshold is less, and an address of 64 bits is not */
#define BYTES_MAX	((uint64_t)1 << 52)	/* more than any process can have */

/* ---- Reading memory ---- */

static bool is_in(const struct heap_range *range, uint64_t address)
{
	return address >= range->start && address < range->end;
}

static bool own_word(struct heap_reader *self, uint64_t address, uint64_t *to)
{
	if (address % WORD || address != (uintptr_t)address)
		return false;
	if (!is_in(&self->readable[0], address) && !is_in(&self->readable[1], address) &&
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

static bool file_word(struct heap_reader *self, uint64_t address, uint64_t *to)
{
	uintptr_t word = 0;

	if (pread64(self->fd, &word, sizeof(word), (off64_t)address) != (ssize_t)sizeof(word))
		return false;
	*to = word;
	return true;
}

struct heap_reader heap_file_reader(int fd)
{
	return (struct heap_reader){ .word = file_word, .fd = fd };
}

/* The field of 4 bytes at an address, from the word that contains the field. */
static uint64_t half_of(uint64_t word, uint64_t address)
{
	unsigned shift = 8 * (unsigned)(address % WORD);

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ && WORD == 8)
		shift = 32 - shift;
	return word >> shift & 0xffffffff;
}

/* ---- Free chunks ---- */

/* The sum of the free chunks' sizes. */
struct free_sum {
	const struct heap_places *places;
	struct heap_reader *reader;
	uint64_t limit;		/* the arena's size: a larger number is not the size of a chunk */
	unsigned left;		/* how many chunks may still be visited */
	uint64_t bytes;
	struct heap_visitor *visitor;	/* NULL, or who is told of each chunk */
};

/* Adds the chunk at an address (prev_size, size, fd, bk: a word each). False: there is no chunk, or HEAP_CHUNKS_MAX
 * chunks have been visited. */
static bool count_chunk(struct free_sum *c, uint64_t chunk)
{
	uint64_t size;

	if (!c->left || chunk % (2 * WORD) || !c->reader->word(c->reader, chunk + WORD, &size))
		return false;
	c->left--;
	size &= ~CHUNK_FLAGS;
	if (size < CHUNK_MIN || size > c->limit)
		return false;
	c->bytes += size;
	if (c->visitor)
		c->visitor->part(c->visitor, chunk + CHUNK_LINKS, chunk + size, true);
	return true;
}

/* Adds a list of small chunks, linked by fd. Since glibc 2.32 fd is combined with its own address (PROTECT_PTR()). */
static bool count_fastbin(struct free_sum *c, uint64_t head)
{
	uint64_t chunk, at = head, link;

	for (bool first = true; ; first = false, at = chunk + 2 * WORD) {
		if (!c->reader->word(c->reader, at, &link))
			return false;
		chunk = !first && c->places->safe_links ? at >> 12 ^ link : link;
		if (!chunk)
			return true;
		if (!count_chunk(c, chunk))
			return false;
	}
}

/* Adds a ring of chunks, which are linked by bk. Its head is a pair of words in the arena, which is read as the fd
 * and bk of one more chunk: `ring` is that chunk's address. */
static bool count_bin(struct free_sum *c, uint64_t ring)
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
 * Notes two ranges that are readable as a whole, because probe_readable() makes a system call, and one call for
 * each page of each chunk would take longer than everything else: the arena's struct, and the arena's only heap
 * from its start to its end, which is the end of the top chunk. main_arena's heap is the memory that sbrk() gave,
 * unless something else had to replace sbrk(). Another arena's heap contains the
 * struct, and the range begins there.
 */
static void note_readable(struct free_sum *c, uint64_t arena, uint64_t top, uint64_t top_bytes)
{
	uint64_t end = top + top_bytes, flags, word, last = arena + c->places->next + 4 * WORD;
	bool is_main = arena == c->places->arena;
	struct heap_range heap = { is_main ? end - c->limit : arena, end };

	c->reader->readable[0] = c->reader->readable[1] = (struct heap_range){ 0, 0 };
	if (!c->reader->word(c->reader, arena, &flags) || !c->reader->word(c->reader, last, &word))
		return;
	c->reader->readable[0] = (struct heap_range){ arena, last };
	if (top < arena + c->places->top || end & PAGE_BITS || top_bytes > c->limit ||
	    (is_main ? half_of(flags, arena + 4) & NONCONTIGUOUS : (arena ^ top) / HEAP_ALIGN_BYTES))
		return;
	if (c->reader->word(c->reader, heap.start / WORD * WORD, &word) &&
	    c->reader->word(c->reader, end - WORD, &word))
		c->reader->readable[1] = heap;
}

/* Adds the free chunks of an arena, as int_mallinfo() does. False: some are not added. */
static bool count_arena(struct free_sum *c, uint64_t arena)
{
	const struct heap_places *p = c->places;
	uint64_t top, size;

	/* Before the first allocation, top points into the arena's own struct, where no chunk is (initial_top()). */
	if (!c->reader->word(c->reader, arena + p->top, &top) ||
	    !c->reader->word(c->reader, top + WORD, &size))
		return false;
	if (top != arena + p->top) {
		c->bytes += size & ~CHUNK_FLAGS;
		note_readable(c, arena, top, size & ~CHUNK_FLAGS);
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
	count = half_of(count, p->mapped_count);
	if (bytes & PAGE_BITS || bytes > BYTES_MAX || !bytes != !count || bytes >> 12 < count)
		return;		/* they changed between the reads, or heap_find() was wrong */
	to->mapped_bytes = bytes;
	to->mapped_count = count;
	to->mapped_known = true;
}

void heap_read(const struct heap_places *p, struct heap_reader *r, bool count_free, struct heap_figures *to)
{
	struct free_sum c = { .places = p, .reader = r, .left = HEAP_CHUNKS_MAX };
	uint64_t arena = p->arena, bytes;
	unsigned arenas = 0;
	bool all = count_free;

	*to = (struct heap_figures){ .arena_bytes = 0 };
	if (!p->arena)
		return;
	read_mapped(p, r, to);
	do {
		if (arenas++ == ARENAS_MAX || !r->word(r, arena + p->next + 3 * WORD, &bytes) || bytes > BYTES_MAX)
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

/* ---- Memory by addresses ---- */

/* Visits the free memory of an arena. */
static void visit_arena(struct free_sum *c, uint64_t arena)
{
	const struct heap_places *p = c->places;
	uint64_t top, size, ring = arena + p->bins - 2 * WORD;
	bool is_main = arena == p->arena;

	/* malloc_trim() makes main_arena's heap shorter, and no other. It leaves a whole chunk at its end. */
	if (c->reader->word(c->reader, arena + p->top, &top) && top != arena + p->top &&
	    c->reader->word(c->reader, top + WORD, &size) && (size &= ~CHUNK_FLAGS) <= c->limit) {
		c->visitor->part(c->visitor, top + CHUNK_MIN, top + size, is_main);
		note_readable(c, arena, top, size);
	}
	for (unsigned i = BINS - 1; i >= LARGE_BIN; i--)
		count_bin(c, ring + 2 * i * WORD);
	count_bin(c, ring);		/* what was freed last, of any size */
}

void heap_visit_free(const struct heap_places *p, struct heap_reader *r, unsigned chunks,
		     struct heap_visitor *visitor)
{
	struct free_sum c = { .places = p, .reader = r, .left = chunks, .visitor = visitor };
	uint64_t arena = p->arena;
	unsigned arenas = 0;

	do {
		if (!arena || arenas++ == ARENAS_MAX || !r->word(r, arena + p->next + 3 * WORD, &c.limit))
			return;
		visit_arena(&c, arena);
	} while (r->word(r, arena + p->next, &arena) && arena != p->arena);
}

/* The bytes of a heap that begins with a struct heap_info: its arena, the heap before it, its size, and how much of
 * it can be used. The first heap of an arena also contains the arena. */
static uint64_t heap_at(struct heap_reader *r, uint64_t at)
{
	uint64_t arena, previous, size, usable, others;

	if (at % HEAP_ALIGN_BYTES || !r->word(r, at, &arena) || !r->word(r, at + WORD, &previous) ||
	    !r->word(r, at + 2 * WORD, &size) || !r->word(r, at + 3 * WORD, &usable) || !arena || arena % WORD)
		return 0;
	if (previous ? previous % HEAP_ALIGN_BYTES || !r->word(r, previous, &others) || others != arena :
	    arena - at > 16 * WORD)
		return 0;
	return size <= usable && usable <= HEAP_ALIGN_BYTES && !(usable & PAGE_BITS) ? usable : 0;
}

uint64_t heap_mapped_at(struct heap_reader *r, uint64_t at, bool *heap)
{
	uint64_t bytes = heap_at(r, at), before;

	*heap = bytes != 0;
	if (bytes)
		return bytes;
	/* The word before the size says how far the chunk is from the beginning (sysmalloc_mmap()). A block with an
	 * alignment of its own lies farther away, but its first header is still there (_int_memalign()). */
	if (!r->word(r, at + MAPPED_SHIFT, &before) || before != MAPPED_SHIFT ||
	    !r->word(r, at + MAPPED_SHIFT + WORD, &bytes) || (bytes & CHUNK_FLAGS) != CHUNK_MAPPED)
		return 0;
	bytes = (bytes & ~CHUNK_FLAGS) + MAPPED_SHIFT;
	return bytes && !(bytes & PAGE_BITS) && bytes <= BYTES_MAX ? bytes : 0;
}

/* ---- The search for the places ---- */

/* The writable data of libc. */
struct data {
	uintptr_t start, end;
};

/*
 * What the loader makes read-only after relocation (PT_GNU_RELRO) is two thirds of libc's writable segment, and malloc's
 * variables are not in it. A few words before its end stay, because is_mapped_count() looks back as far.
 */
static bool find_data(const void *in_libc, struct data *d)
{
	const ElfW(Phdr) *segment;
	struct loaded_module m;
	uintptr_t fixed = 0;
	unsigned count;

	/* Not dladdr(), which compares the address with all symbols of libc. */
	if (loaded_find((uintptr_t)in_libc, &m) != LOADED_FOUND)
		return false;
	*d = (struct data){ 0, 0 };
	segment = headers_at(m.start, &count);
	for (unsigned i = 0; i < count; i++) {
		uintptr_t start = m.bias + segment[i].p_vaddr, end = start + segment[i].p_memsz;

		if (segment[i].p_type == PT_GNU_RELRO)
			fixed = end - 6 * WORD;
		else if (segment[i].p_type == PT_LOAD && segment[i].p_flags & PF_W && !d->end)
			*d = (struct data){ start, end };
	}
	if (fixed > d->start && fixed < d->end)
		d->start = fixed;
	d->start = (d->start + WORD - 1) & ~(uintptr_t)(WORD - 1);
	return d->end > d->start;
}

static uint64_t word_at(uint64_t address)
{
	return *(const volatile uintptr_t *)(uintptr_t)address;
}

/* Whether a pair of words is the head of an empty ring: both words are the address of the chunk that would have
 * them as its fd and bk. */
static bool is_empty_bin(uint64_t pair)
{
	return word_at(pair) == pair - 2 * WORD && word_at(pair + WORD) == pair - 2 * WORD;
}

/* Whether the 127 pairs of words from here on are an arena's bins. At the start of a process most bins are empty, also
 * the last one, for the largest chunks. The words behind the bins do not look like an empty bin. */
static bool are_bins(uint64_t bins)
{
	unsigned empty = 0;

	if (!is_empty_bin(bins + BINS_BYTES - 2 * WORD) || is_empty_bin(bins + BINS_BYTES))
		return false;
	for (unsigned i = 0; i < BINS; i++)
		empty += is_empty_bin(bins + 2 * i * WORD);
	return empty > BINS / 2;
}

/* Whether an arena begins at `arena` and has its bins at `bins`: its figures must be those of mallinfo2(). Sets *p. */
static bool try_arena(struct heap_places *p, uint64_t arena, uint64_t bins, const struct heap_mallinfo *known)
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

static bool find_arena(struct heap_places *p, const struct data *d, const struct heap_mallinfo *known)
{
	for (uint64_t bins = d->start; bins + BINS_BYTES + BINMAP_BYTES + 5 * WORD <= d->end; bins += WORD) {
		for (unsigned i = 0; i <= FASTBINS_MAX && are_bins(bins); i++) {
			uint64_t arena = bins - (2 + i) * WORD - HEAD_BYTES;
			uint64_t next = word_at(bins + BINS_BYTES + BINMAP_BYTES);

			/* The only arena is its own next one; any other arena lies outside of libc. */
			if (arena >= d->start && (next == arena || next < d->start || next >= d->end) &&
			    try_arena(p, arena, bins, known))
				return true;
		}
	}
	return false;
}

/*
 * The value of n_mmaps_max: the built-in one, another one, or 0. heap_find() tries them in this order, because hardly
 * any other word has the built-in value, and many are 0. Code of glibc that changes n_mmaps_max also sets
 * no_dyn_threshold (do_set_mmaps_max()).
 */
enum mmaps_limit { LIMIT_DEFAULT, LIMIT_TUNED, LIMIT_ZERO, LIMITS };

static enum mmaps_limit limit_of(uint32_t n_mmaps_max)
{
	return n_mmaps_max == MMAPS_DEFAULT ? LIMIT_DEFAULT : n_mmaps_max ? LIMIT_TUNED : LIMIT_ZERO;
}

/* Whether mmap_threshold, arena_test and arena_max are the three words at `at`. */
static bool is_threshold(uint64_t at)
{
	uint64_t test = word_at(at + WORD), most = word_at(at + 2 * WORD);

	return word_at(at) && word_at(at) < THRESHOLD_MAX && test && test <= ARENAS_MAX && most <= 16 * ARENAS_MAX;
}

/*
 * Whether n_mmaps is at `at`, followed by n_mmaps_max, max_n_mmaps and no_dyn_threshold, and mmapped_mem is at
 * `bytes`, followed by max_mmapped_mem and sbrk_base. The word before n_mmaps is arena_max (`early`); since
 * glibc 2.35 thp_pagesize and hp_pagesize, a word each, and hp_flags, 4 bytes, lie in between (`late`).
 */
static bool is_mapped_count(uint64_t at, uint64_t bytes, const struct heap_mallinfo *known, enum mmaps_limit limit)
{
	const uint32_t *n = (const uint32_t *)(uintptr_t)at;
	bool early = at % WORD == 0, late = WORD == 4 || !early;

	if (n[0] != known->hblks || n[1] > INT_MAX || limit_of(n[1]) != limit || n[2] < n[0] || n[3] > 1 ||
	    (limit != LIMIT_DEFAULT && !n[3]))
		return false;
	if (word_at(bytes) != known->hblkhd || word_at(bytes + WORD) < known->hblkhd ||
	    !word_at(bytes + WORD) != !n[2] || word_at(bytes + 2 * WORD) & PAGE_BITS)
		return false;
	return (early && is_threshold(at - 3 * WORD)) || (late && is_threshold(at - sizeof(uint32_t) - 5 * WORD));
}

/* Finds mp_ near main_arena: both are initialized data of one source file. Sets p->mapped and p->mapped_count; false:
 * there is no such place, or there are several. */
static bool find_mapped(struct heap_places *p, const struct data *d, const struct heap_mallinfo *known,
			enum mmaps_limit limit)
{
	uint64_t first = d->start + 6 * WORD, last = d->end - 16 - 4 * WORD;
	unsigned count = 0;

	if (p->arena > first + NEAR_BYTES)
		first = p->arena - NEAR_BYTES;
	if (last > p->arena + NEAR_BYTES)
		last = p->arena + NEAR_BYTES;
	for (uint64_t at = first; at <= last; at += sizeof(uint32_t)) {
		uint64_t bytes = (at + 16 + WORD - 1) / WORD * WORD;

		if (!is_mapped_count(at, bytes, known, limit))
			continue;
		p->mapped_count = at;
		p->mapped = bytes;
		count++;
	}
	if (count != 1)
		p->mapped = p->mapped_count = 0;
	return count == 1;
}

bool heap_find(struct heap_places *p, const void *in_libc, const struct heap_mallinfo *known)
{
	struct data d;

	*p = (struct heap_places){ .arena = 0 };
	if (!find_data(in_libc, &d))
		return false;
	for (uint32_t plain = 0; plain < 2; plain++) {
		p->safe_links = !plain;
		if (find_arena(p, &d, known)) {
			for (enum mmaps_limit limit = 0; limit < LIMITS && !find_mapped(p, &d, known, limit); limit++)
				;
			return true;
		}
	}
	*p = (struct heap_places){ .arena = 0 };
	return false;
}
