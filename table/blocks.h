/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block map: address of a live block -> {row, size}, as a shadow of the address space.
 *
 *	address:  | 47 ........ 26 | 25 ............. 5 | 4 .. 0 |	(64-bit, glibc's malloc)
 *	              directory         slot in region    granule
 *
 * The directory's entry points to the region's slots, mapped when the first block in those
 * 64 MB is recorded and touched page by page. A granule is the smallest distance of two live
 * blocks: 4 words for glibc's malloc (MINSIZE in malloc.c), 8 bytes for any other.
 *
 * A slot has 4 bytes:
 *
 *	| 31, 30 |   29 .. 8   | 7 .. 0 |
 *	   turn       row         size		row and size are 0: no live block
 *
 * A block whose size does not fit into 8 bits covers several granules, so the slots that follow belong to no other
 * block. They hold the size, 24 bits each, and are marked as such (SLOT_MORE). A region has spare slots at its end for
 * that, so the slots of a block are always in one region.
 *
 *	size:	0 .. 253	in the slot itself
 *		.. 2^24 - 2	SLOT_OUTSIDE in the slot; the size in the next one
 *		larger		SLOT_OUTSIDE in the slot; SLOT_UPPER in the next one; the size's halves in two more
 *
 * The turn counts, modulo 4, the blocks that have left the slot. So a thread can tell its newest block from a block
 * that another thread has since got at the same address: the values of the slot differ. A process of one thread needs
 * no turns: there, record.h sets the slot to 0.
 *
 * The slots of a region take an eighth of its address space, whatever part of it is used, and that counts for limits.
 * In a region that has only large blocks, which the allocator maps one by one, nearly all slots would be empty. So the
 * slots are mapped when the first smaller block in the region is recorded. Until then the region's large blocks are
 * kept in a small hash table beside the map, where those that are there already stay.
 *
 * The map takes no lock, and only that hash table needs atomic read-modify-write operations: a block belongs to one
 * thread at a time, its slots are cleared before the real free() (after which the address may belong to another thread)
 * and set after the real malloc(). Async-signal-safe. errno is kept.
 */
#ifndef TABLE_BLOCKS_H
#define TABLE_BLOCKS_H

#include "base/atomics.h"
#include "base/check.h"
#include "table.h"

#if UINTPTR_MAX > 0xffffffff
#ifdef __x86_64__
#define BLOCKS_ADDRESS_BITS	47	/* user space with 4-level page tables */
#else
#define BLOCKS_ADDRESS_BITS	48	/* aarch64 */
#endif
#define BLOCKS_REGION_BITS	26
#else
#define BLOCKS_ADDRESS_BITS	32
#define BLOCKS_REGION_BITS	22
#endif

#define SLOT_SIZE_BITS		8
#define SLOT_TURN		((uint32_t)1 << 30)
#define SLOT_TURNS		(3 * SLOT_TURN)	/* the bits of the turn */
#define SLOT_MORE		254u	/* in place of a size: this slot has bits of the size of the block before */
#define SLOT_OUTSIDE		255u	/* in place of a size: the size is in the next slot */
#define SLOT_UPPER		0xffffffu /* in place of those bits: the size's halves are in the next two slots */
#define SLOTS_MOST		4u	/* slots that one block takes */

#define LARGE_PAGES		1024u	/* counts in blocks.large_pages */
#define LARGE_BYTES		((size_t)128 << 10)	/* M_MMAP_THRESHOLD of mallopt(3), at first */

struct large_block;

struct blocks {
	uint32_t **regions;		/* the directory */
	unsigned granule_log2;
	struct large_block *large;	/* NULL: there is no memory for that */
	uint8_t *directory_pages;	/* of each page of the directory, whether it can be written (blocks.c) */
	uint8_t *large_pages;		/* how many large blocks begin in pages of 4 KB whose numbers end alike; 255: or
					 * more */
	struct blocks *next;		/* another map, whose blocks are at other places of the same rows; or NULL */
};

/* A recorded block. row is ROW_NONE where none is recorded. */
struct block {
	uint32_t row;
	uint32_t slot;			/* of a block that was taken from the map: its slot's value, or what
					 * blocks_put_large() gave */
	uint64_t size_bytes;
};
#define NO_BLOCK ((struct block){ ROW_NONE, 0, 0 })

/*
 * glibc_spacing: whether all blocks come from glibc's malloc. False when there is no memory
 * for the directory. Call once, before threads.
 */
bool blocks_create(struct blocks *b, bool glibc_spacing);

/* Empties the map. Nobody may be recording a block; other threads may look blocks up meanwhile. */
__attribute__((cold)) void blocks_forget(struct blocks *b);

/*
 * From now on not all blocks come from glibc's malloc. False when there is no memory for a finer map; then the map is
 * as it was. At the start, before there are other threads, and with signals held back: the blocks move to another map,
 * and their slots get other values.
 */
bool blocks_refine(struct blocks *b);

/* Maps a region that is missing; NULL when the kernel refuses. For blocks_claim() only. */
uint32_t *blocks_map_region(struct blocks *b, size_t region);

/* The slot's place: pointer tags (the upper bits: memory tagging) are not part of it. */
static inline uintptr_t blocks_address(const void *p)
{
#if UINTPTR_MAX > 0xffffffff
	return (uintptr_t)p & (((uintptr_t)1 << BLOCKS_ADDRESS_BITS) - 1);
#else
	return (uintptr_t)p;
#endif
}

static inline size_t blocks_index(const struct blocks *b, uintptr_t address)
{
	return (address & (((uintptr_t)1 << BLOCKS_REGION_BITS) - 1)) >> b->granule_log2;
}

/* The slot of a block at p; NULL when the region has no slots. */
static inline uint32_t *blocks_find(const struct blocks *b, const void *p)
{
	uintptr_t address = blocks_address(p);
	uint32_t *region = load_acquire(&b->regions[address >> BLOCKS_REGION_BITS]);

	return likely(region != NULL) ? region + blocks_index(b, address) : NULL;
}

/* The same for a new block: maps the region's slots if they are missing. NULL when there is no memory for them. */
static inline uint32_t *blocks_claim(struct blocks *b, const void *p)
{
	uint32_t *slot = blocks_find(b, p);

	if (unlikely(!slot) && blocks_map_region(b, blocks_address(p) >> BLOCKS_REGION_BITS))
		slot = blocks_find(b, p);
	return slot;
}

/*
 * Records a block of LARGE_BYTES or more at p, whose region has no slots. Returns a number that stands for this block,
 * and not for another one that later lies at the same address; 0 when the table of large blocks has no room: then the
 * region needs slots. *stale gets the block that was still recorded at p, because its free was not seen; its row is
 * ROW_NONE when there was none.
 */
uint32_t blocks_put_large(struct blocks *b, const void *p, struct block block, struct block *stale);

/* In a child after fork, before the map is used: pages of the directory that another thread of the parent was replacing
 * can be replaced again. */
void blocks_forked(struct blocks *b);

/* Whether the table of large blocks has one at p. */
bool blocks_has_large(const struct blocks *b, const void *p);

/* Takes the block at p out of the table of large blocks. Its row is ROW_NONE when none is there. */
struct block blocks_take_large(struct blocks *b, const void *p);

/* Makes a map as blocks_create() does, whose blocks can be as near to each other as 8 bytes and are all kept in
 * slots. */
bool blocks_create_fine(struct blocks *b);

/* Calls `each` for the slots of blocks that begin at an address from `from` on, and below `to`. Address space where the
 * map has no slots costs nothing, the rest 4 bytes to be read for each granule. */
void blocks_between(const struct blocks *b, uintptr_t from, uintptr_t to,
		    void (*each)(void *context, uintptr_t address, uint32_t *slot), void *context);

/* Calls `each` for all blocks of the map, with their addresses. No thread may change the map meanwhile. */
void blocks_each(const struct blocks *b, void (*each)(void *context, uintptr_t address, struct block block),
		 void *context);

/* Reads the size from the slots behind the block's first one, and clears these. */
static inline uint64_t slot_take_size(uint32_t *slot)
{
	uint64_t size_bytes = load_relaxed(&slot[1]) >> SLOT_SIZE_BITS;

	store_relaxed(&slot[1], 0);
	if (unlikely(size_bytes == SLOT_UPPER)) {
		size_bytes = (uint64_t)(load_relaxed(&slot[3]) >> SLOT_SIZE_BITS) << 24 |
			     load_relaxed(&slot[2]) >> SLOT_SIZE_BITS;
		store_relaxed(&slot[2], 0);
		store_relaxed(&slot[3], 0);
	}
	return size_bytes;
}

/* The row in a slot's value. */
static inline uint32_t slot_row(uint32_t v)
{
	return (v & ~SLOT_TURNS) >> SLOT_SIZE_BITS;
}

static inline __attribute__((always_inline)) bool blocks_lack_slot(const struct blocks *b, const void *p)
{
	const uint32_t *slot = blocks_find(b, p);

	return !slot || likely(!slot_row(load_relaxed(slot)));
}

static inline uint8_t *blocks_large_page(const struct blocks *b, uintptr_t address)
{
	return &b->large_pages[address >> 12 & (LARGE_PAGES - 1)];
}

/* Whether the map has no block at p, for whoever is about to free it. */
static inline bool blocks_lack(const struct blocks *b, const void *p)
{
	return blocks_lack_slot(b, p) && !blocks_has_large(b, p);
}

/* The same; false also where that is not quickly seen. */
static inline __attribute__((always_inline)) bool blocks_lack_fast(const struct blocks *b, const void *p)
{
	return blocks_lack_slot(b, p) && likely(!load_relaxed(blocks_large_page(b, (uintptr_t)p)));
}

/* Whether this value of a slot is that of a block whose size is in the slot, and whose row is at least first_row (1 or
 * more). */
static inline bool slot_is_small(uint32_t v, uint32_t first_row)
{
	return slot_row(v) >= first_row && (uint8_t)v < SLOT_MORE;
}

/* Clears a slot whose value is v. The next block there will have another turn. */
static inline void slot_clear(uint32_t *slot, uint32_t v)
{
	store_relaxed(slot, (v & SLOT_TURNS) + SLOT_TURN);
}

/* Takes the block that begins in the slot out of the map. Its row is ROW_NONE when none begins there. */
static inline struct block slot_take(uint32_t *slot)
{
	struct block block = NO_BLOCK;
	uint32_t v = load_relaxed(slot), size = v & ((1u << SLOT_SIZE_BITS) - 1);

	if (unlikely(!(v & ~SLOT_TURNS)) || unlikely(size == SLOT_MORE))
		return block;
	slot_clear(slot, v);
	block.row = slot_row(v);
	block.slot = v;
	block.size_bytes = likely(size != SLOT_OUTSIDE) ? size : slot_take_size(slot);
	return block;
}

/*
 * Whether the slot is 0. The slot is also written, with the value that it has: memory that is read before it is
 * first written is mapped to the kernel's page of zeros, and the later write has to remove this mapping from the
 * TLBs of all processors that run threads of the program, by interrupting them.
 */
static inline bool slot_is_zero(uint32_t *slot)
{
#if defined(__x86_64__) || defined(__i386__)
	bool zero;

	__asm__ volatile("orl $0, %0" : "+m"(*slot), "=@ccz"(zero));
	return zero;
#else
	return !load_relaxed(slot);
#endif
}

/* Whether the slot holds neither a block nor a part of a size. */
static inline bool slot_is_free(uint32_t *slot)
{
	return slot_is_zero(slot) || !(load_relaxed(slot) & ~SLOT_TURNS);
}

/* Records a block of less than SLOT_MORE bytes in a slot that is free. Returns the slot's value. */
static inline uint32_t slot_put(uint32_t *slot, uint32_t row, uint64_t size_bytes)
{
	uint32_t v = load_relaxed(slot) | row << SLOT_SIZE_BITS | (uint32_t)size_bytes;

	check(row != ROW_NONE && row >> ROW_ID_BITS == 0, "a block's row fits into its slot");
	check(!(load_relaxed(slot) & ~SLOT_TURNS), "a slot that gets a block is free");
	store_relaxed(slot, v);
	return v;
}

/* The fast path: records a block if its size is less than SLOT_MORE and the slot is 0. Returns the slot's value, or 0
 * when nothing was recorded. */
static inline uint32_t slot_put_simple(uint32_t *slot, uint32_t row, uint64_t size_bytes)
{
	uint32_t v = row << SLOT_SIZE_BITS | (uint32_t)size_bytes;

	if (unlikely(size_bytes >= SLOT_MORE) || unlikely(!slot_is_zero(slot)))
		return 0;
	store_relaxed(slot, v);
	return v;
}

/*
 * The slow path: records any block. Blocks that were still recorded in its slots, because their frees were not seen,
 * are returned in `stale`; the result is their number.
 */
unsigned slot_put_slow(uint32_t *slot, struct block block, struct block stale[SLOTS_MOST]);

#endif
