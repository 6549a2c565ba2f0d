/* SPDX-License-Identifier: GPL-2.0-only */
/* See blocks.h. */
#include "blocks.h"

#include "base/arena.h"

/* A region's slots, between those that a look beyond its ends may meet: they stay empty, but for
 * sizes noted behind its last block. */
#define MARGIN		(SLOTS_MOST - 1)
#define REGION_BYTES(b) \
	(((((size_t)1 << BLOCKS_REGION_BITS) >> (b)->granule_log2) + 2 * MARGIN) * sizeof(uint32_t))

bool blocks_create(struct blocks *b, bool glibc_spacing)
{
	size_t entries = (size_t)1 << (BLOCKS_ADDRESS_BITS - BLOCKS_REGION_BITS);

	b->granule_log2 = glibc_spacing ? (sizeof(void *) == 8 ? 5 : 4) : 3;
	b->regions = arena_map(entries * sizeof(*b->regions));
	return b->regions != NULL;
}

uint32_t *blocks_map_region(struct blocks *b, size_t region)
{
	uint32_t *slots = arena_map(REGION_BYTES(b)), *other = NULL;

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

/* Forgets what is known in this slot: a block, or a size, whose block begins a little before. */
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

unsigned slot_put_otherwise(uint32_t *slot, struct block block, struct block stale[SLOTS_MOST])
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
