/* SPDX-License-Identifier: GPL-2.0-only */
/* See blocks.h. */
#include "blocks.h"

#include "base/arena.h"

#define REGION_BYTES(b) \
	((((size_t)1 << BLOCKS_REGION_BITS) >> (b)->granule_log2) * sizeof(uint64_t))

bool blocks_create(struct blocks *b, bool glibc_spacing)
{
	/* One entry more: the slot after the last block's may be asked for. */
	size_t entries = ((size_t)1 << (BLOCKS_ADDRESS_BITS - BLOCKS_REGION_BITS)) + 1;

	b->granule_log2 = glibc_spacing ? (sizeof(void *) == 8 ? 5 : 4) : 3;
	b->regions = arena_map(entries * sizeof(*b->regions));
	return b->regions != NULL;
}

uint64_t *blocks_map_region(struct blocks *b, size_t region)
{
	uint64_t *slots = arena_map(REGION_BYTES(b)), *other = NULL;

	if (!slots)
		return load_acquire(&b->regions[region]);
	if (cas_acq_rel(&b->regions[region], &other, slots))
		return slots;
	arena_unmap(slots, REGION_BYTES(b));	/* another thread was faster */
	return other;
}
