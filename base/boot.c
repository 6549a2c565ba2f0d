/* SPDX-License-Identifier: GPL-2.0-only */
/* See boot.h. */
#include "boot.h"

#include "atomics.h"

void *boot_alloc(struct boot_pool *pool, size_t size)
{
	size_t at = load_relaxed(&pool->used), need;

	/* Looked at before anything is added: the sum can neither wrap nor end past the pool. */
	if (size > BOOT_BYTES - BOOT_ALIGN)
		return NULL;
	need = BOOT_ALIGN + ((size + BOOT_ALIGN - 1) & ~(size_t)(BOOT_ALIGN - 1));
	do {
		if (need > BOOT_BYTES - at)
			return NULL;
	} while (!cas_relaxed(&pool->used, &at, at + need));
	*(size_t *)(void *)(pool->bytes + at) = size;
	return pool->bytes + at + BOOT_ALIGN;
}

size_t boot_size(const void *block)
{
	return *(const size_t *)(const void *)((const char *)block - BOOT_ALIGN);
}
