/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block map: address of a live block -> {row, size}, as a shadow of the address space.
 *
 *	address:  | 47 ........ 26 | 25 ............. 5 | 4 .. 0 |	(64-bit, glibc's malloc)
 *	              directory         slot in region    granule
 *
 * The directory's entry points to the region's slots, mapped when the first block in those
 * 64 MB is recorded and touched page by page. A slot has 8 bytes: the row in the low 24 bits
 * (0: no live block), the size above them. A granule is the smallest distance of two live
 * blocks: 4 words for glibc's malloc (MINSIZE in malloc.c), 8 bytes for any other.
 *
 * A size of 2^40 - 1 or more does not fit: the slot says so and the next slot, which lies
 * inside the block and so belongs to no other, holds it whole.
 *
 * No lock, and no atomic read-modify-write: a block belongs to one thread at a time, its
 * slot is cleared before the real free (after which the address may be another thread's)
 * and set after the real malloc. Async-signal-safe. errno is kept.
 */
#ifndef TABLE_BLOCKS_H
#define TABLE_BLOCKS_H

#include "base/atomics.h"
#include "table.h"

#if UINTPTR_MAX > 0xffffffff
#define BLOCKS_ADDRESS_BITS	48	/* user space with 4-level page tables, x86_64, aarch64 */
#define BLOCKS_REGION_BITS	26
#else
#define BLOCKS_ADDRESS_BITS	32
#define BLOCKS_REGION_BITS	22
#endif
#define BLOCKS_HUGE		(((uint64_t)1 << 40) - 1)

struct blocks {
	uint64_t **regions;		/* the directory */
	unsigned granule_log2;
};

/* What is known about a block; row is ROW_NONE when nothing is. */
struct block {
	uint32_t row;
	uint64_t size_bytes;
};

/*
 * glibc_spacing: whether all blocks come from glibc's malloc. False when there is no memory
 * for the directory. Call once, before threads.
 */
bool blocks_create(struct blocks *b, bool glibc_spacing);

/* Maps a region that is missing; NULL when the kernel refuses. For blocks_put() only. */
uint64_t *blocks_map_region(struct blocks *b, size_t region);

/* The slot's place: pointer tags (the upper bits: memory tagging) are not part of it. */
static inline uintptr_t blocks_address(const void *p)
{
#if UINTPTR_MAX > 0xffffffff
	return (uintptr_t)p & (((uintptr_t)1 << BLOCKS_ADDRESS_BITS) - 1);
#else
	return (uintptr_t)p;
#endif
}

static inline uint64_t *blocks_slot(const struct blocks *b, uint64_t *region, uintptr_t address)
{
	return region + ((address & (((uintptr_t)1 << BLOCKS_REGION_BITS) - 1)) >> b->granule_log2);
}

/* The slot of the next granule; it may lie in the next region. NULL: no such region. */
static inline uint64_t *blocks_next_slot(const struct blocks *b, uintptr_t address)
{
	uint64_t *region;

	address += (uintptr_t)1 << b->granule_log2;
	region = load_acquire(&b->regions[address >> BLOCKS_REGION_BITS]);
	return region ? blocks_slot(b, region, address) : NULL;
}

/* Says that the block's slot will be wanted: it is seldom in the cache. */
static inline void blocks_prefetch(const struct blocks *b, const void *p)
{
	uintptr_t address = blocks_address(p);
	uint64_t *region = load_relaxed(&b->regions[address >> BLOCKS_REGION_BITS]);

	if (likely(region != NULL))
		__builtin_prefetch(blocks_slot(b, region, address), 1);
}

/* Forgets the block at p and returns what was known about it. */
static inline struct block blocks_take(struct blocks *b, const void *p)
{
	uintptr_t address = blocks_address(p);
	uint64_t *region = load_acquire(&b->regions[address >> BLOCKS_REGION_BITS]);
	struct block block = { ROW_NONE, 0 };
	uint64_t *slot, v;

	if (unlikely(!region))
		return block;
	slot = blocks_slot(b, region, address);
	v = load_relaxed(slot);
	if (!v)
		return block;
	store_relaxed(slot, 0);
	block.row = (uint32_t)v & ((1u << ROW_ID_BITS) - 1);
	block.size_bytes = v >> ROW_ID_BITS;
	if (unlikely(block.size_bytes == BLOCKS_HUGE)) {
		slot = blocks_next_slot(b, address);
		if (slot) {
			block.size_bytes = load_relaxed(slot);
			store_relaxed(slot, 0);
		}
	}
	return block;
}

/*
 * Records the block at p. Returns false, and records nothing, when there is no memory for
 * its region. *stale gets the block that was known at this address before: its free was
 * not seen.
 */
static inline bool blocks_put(struct blocks *b, const void *p, struct block block,
			      struct block *stale)
{
	uintptr_t address = blocks_address(p);
	uint64_t *region = load_acquire(&b->regions[address >> BLOCKS_REGION_BITS]);
	uint64_t *slot;

	stale->row = ROW_NONE;
	if (unlikely(!region)) {
		region = blocks_map_region(b, address >> BLOCKS_REGION_BITS);
		if (!region)
			return false;
	}
	slot = blocks_slot(b, region, address);
	if (unlikely(load_relaxed(slot)))
		*stale = blocks_take(b, p);
	if (unlikely(block.size_bytes >= BLOCKS_HUGE)) {
		uintptr_t next = address + ((uintptr_t)1 << b->granule_log2);

		region = load_acquire(&b->regions[next >> BLOCKS_REGION_BITS]);
		if (!region)
			region = blocks_map_region(b, next >> BLOCKS_REGION_BITS);
		if (!region)
			return false;
		store_relaxed(blocks_slot(b, region, next), block.size_bytes);
		block.size_bytes = BLOCKS_HUGE;
	}
	store_relaxed(slot, block.size_bytes << ROW_ID_BITS | block.row);
	return true;
}

#endif
