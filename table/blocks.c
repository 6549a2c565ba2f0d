/* SPDX-License-Identifier: GPL-2.0-only */
/* See blocks.h. */
#include "blocks.h"

#include "base/arena.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* Spare slots before and behind those of a region, because the code below may look a few slots beyond its ends. They
 * stay empty, except that the size of the last block may lie behind the end. */
#define MARGIN		(SLOTS_MOST - 1)
#define REGION_BYTES(b) \
	(((((size_t)1 << BLOCKS_REGION_BITS) >> (b)->granule_log2) + 2 * MARGIN) * sizeof(uint32_t))

/*
 * An entry for a large block. A thread gets the entry by changing its address from LARGE_FREE or LARGE_LEFT by
 * compare-and-swap, and owns it until another thread gets the block. An entry that has been used never becomes
 * LARGE_FREE again, so a search may end at one that is LARGE_FREE.
 */
struct large_block {
	uintptr_t address;
	size_t size_bytes;
	uint32_t row, number;
};
#define LARGE_FREE	0u
#define LARGE_LEFT	1u	/* its block has been taken */
#define LARGE_LOG2	14	/* entries: 384 KB in all, touched as they are used */
#define LARGE_TRIES	64u	/* entries side by side where a block can be */
#define LARGE_ENTRIES	((size_t)1 << LARGE_LOG2)

static uint32_t last_number;		/* of large blocks, in all maps */

static struct large_block *large_entry(const struct blocks *b, uintptr_t address, unsigned try)
{
	uint64_t hash = (address >> 4) * 0x9e3779b97f4a7c15u;

	return &b->large[((hash >> (64 - LARGE_LOG2)) + try) & (LARGE_ENTRIES - 1)];
}

static struct large_block *find_large(const struct blocks *b, uintptr_t address)
{
	for (unsigned i = 0; b->large && i < LARGE_TRIES; i++) {
		struct large_block *entry = large_entry(b, address, i);
		uintptr_t seen = load_acquire(&entry->address);

		if (seen == address)
			return entry;
		if (seen == LARGE_FREE)
			break;
	}
	return NULL;
}

/* Counts a block that has come into the table (by: 1) or has left it (-1). What has once become 255 stays it, since
 * nobody knows how many blocks that stood for. */
static void count_large(struct blocks *b, uintptr_t address, int by)
{
	uint8_t *page = blocks_large_page(b, address), count = load_relaxed(page);

	while (count != UINT8_MAX && !cas_relaxed(page, &count, (uint8_t)(count + by)))
		;
}

/* Gets a new entry for the block at this address. */
static struct large_block *claim_large(struct blocks *b, uintptr_t address)
{
	for (unsigned i = 0; b->large && i < LARGE_TRIES; i++) {
		struct large_block *entry = large_entry(b, address, i);
		uintptr_t seen = load_relaxed(&entry->address);

		if (seen <= LARGE_LEFT && cas_acq_rel(&entry->address, &seen, address))
			return entry;
	}
	return NULL;
}

uint32_t blocks_put_large(struct blocks *b, const void *p, struct block block, struct block *stale)
{
	uintptr_t address = blocks_address(p);
	struct large_block *entry = find_large(b, address);
	uint32_t number;

	*stale = entry ? (struct block){ entry->row, entry->number, entry->size_bytes } : NO_BLOCK;
	if (!entry) {
		entry = claim_large(b, address);
		if (!entry)
			return 0;
		count_large(b, address, 1);
	}
	do {
		number = add_relaxed(&last_number, 1) + 1;
	} while (!number);
	store_relaxed(&entry->row, block.row);
	store_relaxed(&entry->number, number);
	store_relaxed(&entry->size_bytes, (size_t)block.size_bytes);
	return number;
}

bool blocks_has_large(const struct blocks *b, const void *p)
{
	return find_large(b, blocks_address(p));
}

struct block blocks_take_large(struct blocks *b, const void *p)
{
	struct large_block *entry = find_large(b, blocks_address(p));
	struct block block = NO_BLOCK;

	if (entry) {
		block = (struct block){ entry->row, entry->number, entry->size_bytes };
		store_release(&entry->address, (uintptr_t)LARGE_LEFT);
		count_large(b, blocks_address(p), -1);
	}
	return block;
}

/*
 * The directory is mapped read-only, so that it does not count as data (RLIMIT_DATA). Only the pages that have an
 * entry can be written. struct blocks notes the state of each page, in pages of the smallest size.
 */
#define ENTRIES		((size_t)1 << (BLOCKS_ADDRESS_BITS - BLOCKS_REGION_BITS))
#define LEAST_PAGE	((size_t)4096)
#define WRITE_TRIES	100000	/* yields, of about a microsecond each if nobody else is to run */
enum { READ_ONLY, CHANGING, WRITABLE };
#define DIRECTORY_PAGES	(ENTRIES * sizeof(uint32_t *) / LEAST_PAGE + 1)

#define OTHER_LOG2	3u	/* of the granule where blocks do not come from glibc's malloc */

bool blocks_create_fine(struct blocks *b)
{
	b->granule_log2 = OTHER_LOG2;
	b->regions = arena_map_zeros(ENTRIES * sizeof(*b->regions));
	b->directory_pages = arena_map(DIRECTORY_PAGES);	/* zeros: READ_ONLY */
	return b->regions && b->directory_pages;
}

static uint8_t no_pages[LARGE_PAGES];	/* of a map without memory for large blocks */

bool blocks_create(struct blocks *b, bool glibc_spacing)
{
	bool made = blocks_create_fine(b);

	if (glibc_spacing)
		b->granule_log2 = sizeof(void *) == 8 ? 5 : 4;
	b->large = arena_map(LARGE_ENTRIES * sizeof(*b->large) + LARGE_PAGES);
	b->large_pages = b->large ? (uint8_t *)&b->large[LARGE_ENTRIES] : no_pages;
	return made;
}

/* Replaces the entry's page by a writable page of zeros. Other threads that read there meanwhile read zeros. */
static bool make_writable(uint32_t **entry, struct blocks *b)
{
	size_t page = (size_t)getauxval(AT_PAGESZ), at = (size_t)((char *)entry - (char *)b->regions) & ~(page - 1);
	uint8_t *state = &b->directory_pages[at / LEAST_PAGE], as = READ_ONLY;
	bool done;

	for (unsigned tries = 0; !cas_acq_rel(state, &as, (uint8_t)CHANGING); tries++, as = READ_ONLY) {
		if (as == WRITABLE)
			return true;
		if (tries == WRITE_TRIES)
			return false;	/* the thread that replaces the page has been stopped */
		sched_yield();
	}
	done = arena_replace((char *)b->regions + at, page);
	store_release(state, (uint8_t)(done ? WRITABLE : READ_ONLY));
	return done;
}

/* Gives the memory back, which reads as zeros from then on. The kernel does not take back pages that are locked. */
static void empty(void *memory, size_t bytes)
{
	int saved = errno;

	if (memory && madvise(memory, bytes, MADV_DONTNEED))
		memset(memory, 0, bytes);
	errno = saved;
}

void blocks_forget(struct blocks *b)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (b->directory_pages[i * sizeof(*b->regions) / LEAST_PAGE] != READ_ONLY && b->regions[i])
			empty(b->regions[i] - MARGIN, REGION_BYTES(b));
	}
	empty(b->large, LARGE_ENTRIES * sizeof(*b->large) + LARGE_PAGES);
}

/* No entry has been stored yet in a page that is just being replaced, so it may be replaced once more. */
void blocks_forked(struct blocks *b)
{
	for (size_t i = 0; b->directory_pages && i < DIRECTORY_PAGES; i++) {
		if (b->directory_pages[i] == CHANGING)
			b->directory_pages[i] = READ_ONLY;
	}
}

__attribute__((cold)) uint32_t *blocks_map_region(struct blocks *b, size_t region)
{
	uint32_t *slots = arena_map(REGION_BYTES(b)), *other = NULL;

	if (slots && !make_writable(&b->regions[region], b)) {
		arena_unmap(slots, REGION_BYTES(b));
		slots = NULL;
	}
	if (!slots)
		return load_acquire(&b->regions[region]);
	if (cas_acq_rel(&b->regions[region], &other, slots + MARGIN))
		return slots + MARGIN;
	arena_unmap(slots, REGION_BYTES(b));	/* another thread was faster */
	return other;
}

static bool holds_size(const uint32_t *slot)
{
	return (load_relaxed(slot) & ((1u << SLOT_SIZE_BITS) - 1)) == SLOT_MORE;
}

/* Removes from the map what is in this slot: a block, or a part of a size, whose block begins a few slots before. */
static unsigned evict(uint32_t *slot, struct block *stale)
{
	uint32_t *first = slot;

	while (slot - first < (int)MARGIN && holds_size(first))
		first--;
	*stale = slot_take(first);
	slot_clear(slot, load_relaxed(slot));
	return stale->row != ROW_NONE;
}

static void put_size(uint32_t *slot, uint64_t bits)
{
	store_relaxed(slot, (uint32_t)(bits & SLOT_UPPER) << SLOT_SIZE_BITS | SLOT_MORE);
}

unsigned slot_put_slow(uint32_t *slot, struct block block, struct block stale[SLOTS_MOST])
{
	unsigned more = block.size_bytes < SLOT_MORE ? 0 : block.size_bytes < SLOT_UPPER ? 1 : MARGIN;
	uint32_t size = more ? SLOT_OUTSIDE : (uint32_t)block.size_bytes;
	unsigned count = 0;

	for (unsigned i = 0; i <= more; i++) {
		if (unlikely(!slot_is_free(&slot[i])))
			count += evict(&slot[i], &stale[count]);
	}
	if (more > 1) {
		put_size(&slot[1], SLOT_UPPER);
		put_size(&slot[2], block.size_bytes);
		put_size(&slot[3], block.size_bytes >> 24);
	} else if (more) {
		put_size(&slot[1], block.size_bytes);
	}
	slot_put(slot, block.row, size);
	return count;
}

__attribute__((cold)) void blocks_between(const struct blocks *b, uintptr_t from, uintptr_t to,
					  void (*each)(void *context, uintptr_t address, uint32_t *slot), void *context)
{
	const uintptr_t region_bytes = (uintptr_t)1 << BLOCKS_REGION_BITS;

	while (from < to) {
		uint32_t *region = load_acquire(&b->regions[from >> BLOCKS_REGION_BITS]);
		uintptr_t end = (from & ~(region_bytes - 1)) + region_bytes;

		if (!end || end > to)
			end = to;
		for (size_t i = blocks_index(b, from); region && i <= blocks_index(b, end - 1); i++) {
			uint32_t v = load_relaxed(&region[i]);

			if (v & ~SLOT_TURNS && (uint8_t)v != SLOT_MORE)
				each(context, (from & ~(region_bytes - 1)) + (i << b->granule_log2), &region[i]);
		}
		from = end;
	}
}

/* ---- All blocks ---- */

/* The block that begins in a slot, which stays there. */
static struct block read_block(const uint32_t *slot)
{
	uint32_t copy[SLOTS_MOST];

	for (unsigned i = 0; i < SLOTS_MOST; i++)
		copy[i] = load_relaxed(&slot[i]);
	return slot_take(copy);
}

/* Whether the directory has no entry near this one. */
static bool is_empty(const struct blocks *b, size_t region)
{
	return b->directory_pages[region * sizeof(*b->regions) / (size_t)getauxval(AT_PAGESZ) *
				  ((size_t)getauxval(AT_PAGESZ) / LEAST_PAGE)] != WRITABLE;
}

static void each_in_region(const struct blocks *b, size_t region, void (*each)(void *context, uintptr_t address,
									       struct block block), void *context)
{
	const uint32_t *slots = load_acquire(&b->regions[region]);
	size_t count = ((size_t)1 << BLOCKS_REGION_BITS) >> b->granule_log2;

	for (size_t i = 0; slots && i < count; i++) {
		struct block block = slots[i] & ~SLOT_TURNS ? read_block(&slots[i]) : NO_BLOCK;

		if (block.row != ROW_NONE)
			each(context, (region << BLOCKS_REGION_BITS) + (i << b->granule_log2), block);
	}
}

void blocks_each(const struct blocks *b, void (*each)(void *context, uintptr_t address, struct block block),
		 void *context)
{
	for (size_t region = 0; region < ENTRIES; region++) {
		if (!is_empty(b, region))
			each_in_region(b, region, each, context);
	}
	for (size_t i = 0; b->large && i < LARGE_ENTRIES; i++) {
		const struct large_block *l = &b->large[i];

		if (l->address > LARGE_LEFT)
			each(context, l->address, (struct block){ l->row, l->number, l->size_bytes });
	}
}

struct finer {
	struct blocks map;
	bool failed;
};

static void move_block(void *context, uintptr_t address, struct block block)
{
	struct finer *f = context;
	uint32_t *slot = blocks_claim(&f->map, (const void *)address);
	struct block stale[SLOTS_MOST];

	if (slot)
		slot_put_slow(slot, block, stale);
	else
		f->failed = true;
}

static void unmap_regions(struct blocks *b)
{
	for (size_t region = 0; b->regions && b->directory_pages && region < ENTRIES; region++) {
		if (!is_empty(b, region) && b->regions[region])
			arena_unmap(b->regions[region] - MARGIN, REGION_BYTES(b));
	}
	arena_unmap(b->regions, ENTRIES * sizeof(*b->regions));
	arena_unmap(b->directory_pages, DIRECTORY_PAGES);
}

bool blocks_refine(struct blocks *b)
{
	struct finer f = { .map = *b };
	struct blocks old = *b;

	if (b->granule_log2 == OTHER_LOG2)
		return true;
	f.map.granule_log2 = OTHER_LOG2;
	f.map.regions = arena_map_zeros(ENTRIES * sizeof(*b->regions));
	f.map.directory_pages = arena_map(DIRECTORY_PAGES);
	f.failed = !f.map.regions || !f.map.directory_pages;
	for (size_t region = 0; !f.failed && region < ENTRIES; region++) {
		if (!is_empty(b, region))
			each_in_region(b, region, move_block, &f);
	}
	if (!f.failed)
		*b = f.map;		/* with the same table of large blocks */
	unmap_regions(f.failed ? &f.map : &old);
	return !f.failed;
}
