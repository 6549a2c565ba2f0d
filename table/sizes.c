/* SPDX-License-Identifier: GPL-2.0-only */
/* See sizes.h. */
#include "sizes.h"

#include "base/check.h"
#include "layout.h"

static uint32_t hash_of(uint32_t key)
{
	return key * 0x9e3779b1u >> (32 - TABLE_SIZE_HEADS_LOG2);
}

__attribute__((cold)) bool sizes_start(struct table *t, bool blocks_known)
{
	struct table_header *h = t->head;

	if (!layout_grow(t, TABLE_SIZE_HEADS))
		return false;
	while (h->size_limit < SIZES_BUCKETS) {
		if (!layout_grow(t, TABLE_SIZES))
			return false;
	}
	for (unsigned i = 0; i < SIZES_BUCKETS; i++)
		t->sizes[i].key = ROW_OVERFLOW << SIZES_BUCKET_BITS | i;
	h->sizes_used = SIZES_BUCKETS;
	store_release(&h->sizes, SIZES_KEPT | (blocks_known ? SIZES_BLOCKS_KNOWN : 0));
	return true;
}

/* The entry with this key in a chain; 0: there is none. */
static uint32_t search(const struct table *t, uint32_t id, uint32_t key)
{
	while (id && t->sizes[id].key != key)
		id = t->sizes[id].next;
	return id;
}

/* Takes the number of an entry that nobody has. 0: there is no space. */
static uint32_t take_number(struct table *t)
{
	struct table_header *h = t->head;
	uint32_t id;

	if (load_relaxed(&h->sizes) & SIZES_FULL)
		return 0;
	id = add_relaxed(&h->sizes_used, 1);
	while (id >= load_acquire(&h->size_limit)) {
		if (!layout_grow(t, TABLE_SIZES)) {
			or_acq_rel(&h->sizes, SIZES_FULL);
			return 0;
		}
	}
	return id;
}

/* Makes the entry with this key. An entry that another thread makes at the same moment is taken instead; then the
 * number stays unused, with a key that is 0. Returns 0 when there is no space. */
static uint32_t __attribute__((cold, noinline)) make(struct table *t, uint32_t *head, uint32_t key)
{
	uint32_t id = take_number(t), first = load_acquire(head), found;

	if (!id)
		return 0;
	do {
		found = search(t, first, key);
		if (found) {
			t->sizes[id].key = 0;
			return found;
		}
		t->sizes[id].key = key;
		t->sizes[id].next = first;
	} while (!cas_acq_rel(head, &first, id));
	return id;
}

static struct size_entry *entry_of(struct table *t, uint32_t row, uint64_t size_bytes, bool may_make)
{
	unsigned bucket = sizes_bucket(size_bytes);
	uint32_t key = row << SIZES_BUCKET_BITS | bucket, *head = &t->size_heads[hash_of(key)], id;

	if (unlikely(row == ROW_OVERFLOW))
		return &t->sizes[bucket];
	id = search(t, load_acquire(head), key);
	if (unlikely(!id) && may_make)
		id = make(t, head, key);
	return &t->sizes[id ? id : bucket];
}

/* Adds to a counter. alone: no other thread does, but a signal handler may. */
static inline void add_u64(uint64_t *to, uint64_t v, bool alone)
{
	if (alone)
		add_own_u64(to, v);
	else
		add_relaxed(to, v);
}

void sizes_change(struct table *t, uint32_t row, uint64_t size_bytes, uint64_t block_bytes, enum sizes_change change,
		  uint32_t blocks, bool alone)
{
	struct size_entry *e = entry_of(t, row, size_bytes, change != SIZES_GONE);
	uint32_t least = load_relaxed(&e->least_bytes), count = load_relaxed(&e->live_count);
	uint64_t rest = block_bytes ? block_bytes - size_bytes : 0;

	if (unlikely(!block_bytes) && count)
		rest = (uint64_t)(load_relaxed(&e->live_rest) / (int64_t)count);
	if (unlikely(block_bytes - 1 < (uint64_t)least - 1))
		store_relaxed(&e->least_bytes, block_bytes < UINT32_MAX ? (uint32_t)block_bytes : UINT32_MAX);
	if (change == SIZES_CALL)
		add_u64(&e->calls, blocks, alone);
	size_bytes *= blocks;
	rest *= blocks;
	if (change == SIZES_GONE) {
		size_bytes = -size_bytes;
		rest = -rest;
		blocks = -blocks;
	}
	if (alone)
		add_own_u32(&e->live_count, blocks);
	else
		add_relaxed(&e->live_count, blocks);
	add_u64((uint64_t *)&e->live_size, size_bytes, alone);
	add_u64((uint64_t *)&e->live_rest, rest, alone);
}
