/* SPDX-License-Identifier: GPL-2.0-only */
/* See pools.h. */
#include "pools.h"

#include "free_filter.h"
#include "record.h"
#include "table/special.h"

#include <string.h>

#define MAKE_TRIES	1000	/* of 1 ms */

enum { NOT_MADE, MAKING, MADE };

uint32_t pools_backings;

static struct blocks pool_blocks;	/* of all pools */
static struct blocks backings;
static uint32_t state;			/* of both maps */

/*
 * What a backing has in place of a row: its pool's number plus 1, and above it the number plus 1 of the pool whose block it
 * is; 0: of none. Such a block may lie at the address of a backing of that pool, so its place in the map is that of an
 * address a bit further on.
 */
#define SOURCE_SHIFT	11
#define INNER_BYTES	((uintptr_t)8 * SLOTS_MOST)

_Static_assert(SPECIAL_NAMES + 1 <= 1u << (SOURCE_SHIFT - 1) && 2 * (SOURCE_SHIFT - 1) <= ROW_ID_BITS,
	       "both fit into a slot");

/* The pool that has made a backing of this block. */
static uint32_t pool_of(struct block b)
{
	return (b.row & ((1u << SOURCE_SHIFT) - 1)) - 1;
}

static bool is_inner(uint32_t row)
{
	return row >> SOURCE_SHIFT;
}

/* The addresses between which all blocks of a pool begin, by the pool's number. */
static struct span {
	uintptr_t first, last;		/* 0: there is none */
} spans[SPECIAL_NAMES];

/* Makes the maps if they are not there. False: there is no memory for them. */
static bool have_maps(void)
{
	uint32_t expected = NOT_MADE;
	bool made;

	for (unsigned tries = 0; load_acquire(&state) != MADE; tries++, expected = NOT_MADE) {
		if (tries == MAKE_TRIES)
			return false;
		if (!cas_acq_rel(&state, &expected, MAKING)) {
			threads_sleep(1000);
			continue;
		}
		made = (pool_blocks.regions || blocks_create_fine(&pool_blocks)) && blocks_create_fine(&backings);
		if (made)
			store_release(&recorder.blocks.next, &pool_blocks);
		store_release(&state, (uint32_t)(made ? MADE : NOT_MADE));
		return made;
	}
	return true;
}

static bool are_there(void)
{
	return load_acquire(&state) == MADE;
}

void pools_forked(void)
{
	if (state == MAKING)	/* by another thread of the parent */
		state = NOT_MADE;
	if (!are_there())
		return;
	blocks_forked(&pool_blocks);
	blocks_forked(&backings);
}

__attribute__((cold)) void pools_forget(void)
{
	if (!are_there())
		return;
	blocks_forget(&pool_blocks);
	blocks_forget(&backings);
	memset(spans, 0, sizeof(spans));
	store_relaxed(&pools_backings, 0);
}

static void widen(struct span *s, uintptr_t address)
{
	uintptr_t first = load_relaxed(&s->first), last = load_relaxed(&s->last);

	while ((!first || address < first) && !cas_relaxed(&s->first, &first, address))
		;
	while (address > last && !cas_relaxed(&s->last, &last, address))
		;
}

void pools_alloc(uint32_t pool, void *p, size_t size, const struct capture_point *from)
{
	if (!have_maps()) {
		add_relaxed(&recorder.table.head->totals.lost_blocks, 1);
		return;
	}
	record_alloc_in(&pool_blocks, p, special_frame(SPECIAL_POOL, pool), from, size);
	widen(&spans[pool], blocks_address(p));
}

/* Whether the slot holds a block of this pool. */
static bool is_of_pool(const uint32_t *slot, uint32_t pool)
{
	uint32_t row = slot_row(load_relaxed(slot));

	return row != ROW_NONE && special_of_row(&recorder.table, row) == special_frame(SPECIAL_POOL, pool);
}

struct clearing {
	uint32_t pool;
	bool nested;
};

static void clear_block(void *context, uintptr_t address, uint32_t *slot)
{
	const struct clearing *c = context;
	struct block b = is_of_pool(slot, c->pool) ? slot_take(slot) : NO_BLOCK;

	(void)address;
	if (b.row != ROW_NONE)
		record_freed_in_pool(NULL, b, c->nested);
}

static void clear_inner(void *context, uintptr_t place, uint32_t *slot);

/* The pool's blocks that begin in this range are gone, and so are the backings that other pools have made of them. */
static void clear(struct clearing c, uintptr_t from, uintptr_t to)
{
	const struct span *s = &spans[c.pool];
	uintptr_t first = load_relaxed(&s->first), last = load_relaxed(&s->last);

	if (from < first)
		from = first;
	if (to > last)
		to = last + 1;
	if (!first)
		return;
	blocks_between(&pool_blocks, from, to, clear_block, &c);
	if (load_relaxed(&pools_backings))
		blocks_between(&backings, from + INNER_BYTES, to + INNER_BYTES, clear_inner, &c);
}

void pools_clear(uint32_t pool, void *start, size_t bytes)
{
	uintptr_t from = blocks_address(start);

	if (!are_there())
		return;
	clear((struct clearing){ pool, false }, bytes ? from : 0, bytes ? from + bytes : UINTPTR_MAX);
	if (bytes)
		return;
	store_relaxed(&spans[pool].first, 0);
	store_relaxed(&spans[pool].last, 0);
}

/* Whether a block begins in the slot. */
static bool holds_block(const uint32_t *slot)
{
	uint32_t v = load_relaxed(slot);

	return slot_row(v) && (uint8_t)v != SLOT_MORE;
}

static void count_backing(uint32_t pool, uint64_t bytes, int count)
{
	struct pool_backing *b = &recorder.table.head->backings[pool];

	add_relaxed(&b->bytes, count > 0 ? bytes : 0 - bytes);
	add_relaxed(&b->count, (uint32_t)count);
	add_relaxed(&pools_backings, (uint32_t)count);
}

/* Takes the block at p out of the map and the row that have it. Its row is then the number of the pool whose block it was, as
 * a backing has it; ROW_NONE: no block is known there. */
static struct block take_known(void *p, uint32_t *source)
{
	struct block b = record_take_old(p);
	uint32_t *slot = blocks_find(&pool_blocks, p);
	uint64_t frame;

	*source = 0;
	if (b.row != ROW_NONE) {
		record_uncount(b, false, false);
		free_filter_remove(p);
		return b;
	}
	b = slot ? slot_take(slot) : NO_BLOCK;
	if (b.row == ROW_NONE)
		return b;
	frame = special_of_row(&recorder.table, b.row);
	*source = frame ? special_number(frame) + 1 : 0;
	record_freed_in_pool(NULL, b, false);
	return b;
}

bool pools_back(uint32_t pool, void *p, size_t bytes)
{
	struct block b, stale[SLOTS_MOST];
	uint32_t *slot, source;
	unsigned count;

	if (!have_maps())
		return false;
	b = take_known(p, &source);
	if (b.row == ROW_NONE && !bytes)
		return false;
	slot = blocks_claim(&backings, (char *)p + (source ? INNER_BYTES : 0));
	if (!slot)
		return false;
	b = (struct block){ .row = source << SOURCE_SHIFT | (pool + 1), .size_bytes = bytes ? bytes : b.size_bytes };
	if (!source)
		free_filter_add(p);
	count = slot_put_slow(slot, b, stale);
	count_backing(pool, b.size_bytes, 1);
	while (count--)
		count_backing(pool_of(stale[count]), stale[count].size_bytes, -1);
	return true;
}

/* The slot of the backing at p, which is no pool's block; NULL: there is none. */
static uint32_t *find_outer(const void *p)
{
	uint32_t *slot = are_there() ? blocks_find(&backings, p) : NULL;

	return slot && holds_block(slot) && !is_inner(slot_row(load_relaxed(slot))) ? slot : NULL;
}

bool pools_have_backing_slow(const void *p)
{
	return find_outer(p);
}

/* The backing in this slot has been freed, and so have the pool's blocks in it. place: its address in the map. */
static void lose_backing(bool nested, uintptr_t place, uint32_t *slot)
{
	struct block b = slot_take(slot);
	uintptr_t from = is_inner(b.row) ? place - INNER_BYTES : place, to = from + b.size_bytes;

	count_backing(pool_of(b), b.size_bytes, -1);
	if (!is_inner(b.row))
		free_filter_remove((void *)from);
	clear((struct clearing){ pool_of(b), nested }, from, to);
}

static void clear_inner(void *context, uintptr_t place, uint32_t *slot)
{
	const struct clearing *c = context;

	if (slot_row(load_relaxed(slot)) >> SOURCE_SHIFT == c->pool + 1)
		lose_backing(c->nested, place, slot);
}

bool pools_backing_freed_slow(void *p, bool nested)
{
	uint32_t *slot = find_outer(p);

	if (slot)
		lose_backing(nested, blocks_address(p), slot);
	return slot;
}

/* Frees a block of the pool that is a backing. False: none is there. */
static bool free_inner(uint32_t pool, void *p)
{
	char *place = (char *)p + INNER_BYTES;
	uint32_t *slot = blocks_find(&backings, place);

	if (!slot || slot_row(load_relaxed(slot)) >> SOURCE_SHIFT != pool + 1 || !holds_block(slot))
		return false;
	lose_backing(false, blocks_address(place), slot);
	return true;
}

bool pools_free(uint32_t pool, void *p)
{
	uint32_t *slot = are_there() ? blocks_find(&pool_blocks, p) : NULL;
	struct block b = NO_BLOCK;

	/* The overflow row has blocks of all pools. */
	if (slot && (is_of_pool(slot, pool) || slot_row(load_relaxed(slot)) == ROW_OVERFLOW))
		b = slot_take(slot);
	if (b.row == ROW_NONE)
		return load_relaxed(&pools_backings) && free_inner(pool, p);
	record_freed_in_pool(p, b, false);
	return true;
}

bool pools_backing_ended(uint32_t pool, void *p)
{
	uint32_t *slot = find_outer(p);

	if (!slot || pool_of((struct block){ .row = slot_row(load_relaxed(slot)) }) != pool)
		return false;
	lose_backing(false, blocks_address(p), slot);
	return true;
}
