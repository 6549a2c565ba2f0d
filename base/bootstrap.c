/* SPDX-License-Identifier: GPL-2.0-only */
/* See bootstrap.h. */
#include "bootstrap.h"

struct bootstrap_pool bootstrap_pool;

void *bootstrap_alloc(struct bootstrap_pool *pool, size_t size)
{
	size_t at = load_relaxed(&pool->used), need;

	/* The size is checked before anything is added, so that the sum can neither wrap nor pass the pool's end. */
	if (size > BOOTSTRAP_BYTES - BOOTSTRAP_ALIGN)
		return NULL;
	need = BOOTSTRAP_ALIGN + ((size + BOOTSTRAP_ALIGN - 1) & ~(size_t)(BOOTSTRAP_ALIGN - 1));
	do {
		if (need > BOOTSTRAP_BYTES - at)
			return NULL;
	} while (!cas_relaxed(&pool->used, &at, at + need));
	*(size_t *)(void *)(pool->bytes + at) = size;
	return pool->bytes + at + BOOTSTRAP_ALIGN;
}

size_t bootstrap_size(const void *block)
{
	return *(const size_t *)(const void *)((const char *)block - BOOTSTRAP_ALIGN);
}
