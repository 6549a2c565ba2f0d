/* SPDX-License-Identifier: GPL-2.0-only */
/* See blocks.h. */
#include "blocks.h"

#include "base/arena.h"

#define REGION_BYTES(b) \
	(((((size_t)1 << BLOCKS_REGION_BITS) >> (b)->granule_log2) + SLOTS_MOST - 1) * sizeof(uint32_t))

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
	if (cas_acq_rel(&b->regions[region], &other, slots))
		return slots;
	arena_unmap(slots, REGION_BYTES(b));	/* another thread was faster */
	return other;
}

void blocks_evict(uint32_t *region, size_t index, unsigned count, struct stale_blocks *stale)
{
	for (size_t i = index; i < index + count; i++) {
		size_t start = i;
		struct block block;

		while (i - start < SLOTS_MOST - 1 && start > 0 &&
		       (region[start] & ((1u << SLOT_SIZE_BITS) - 1)) == SLOT_MORE)
			start--;
		block = slot_take(&region[start]);
		if (block.row != ROW_NONE)
			stale->block[stale->count++] = block;
		store_relaxed(&region[i], 0);
	}
}
