/* SPDX-License-Identifier: GPL-2.0-only */
/* See deltas.h. */
#include "deltas.h"

#include "layout.h"

#include <sched.h>
#include <string.h>

#define WAIT_TRIES	1000	/* yields: a thread that is stopped in a flush is not waited for, */
#define WAIT_NS		1000000000u	/* nor several of them, each of which a busy machine makes slow */

/* How many bytes may stay untold, where `bytes` are at most at stake. */
static inline int64_t delta_quantum(uint64_t bytes, unsigned part_log2, int64_t most)
{
	int64_t part = (int64_t)(bytes >> part_log2);

	return part < DELTA_LEAST ? 0 : part < most ? part : most;
}

static uint32_t known(const struct table *t)
{
	return layout_count(t->head, TABLE_DELTAS);
}

/* Rows that a thread moves differences to, by their numbers' lowest bits. Not part of the table:
 * nobody else needs it. */
static uint32_t row_locks[1024];

void delta_finish_move(struct table *t, struct deltas *d)
{
	struct delta *slot = d->moving && d->moving <= DELTA_SLOTS ? &d->slots[d->moving - 1] : NULL;
	struct row_upper *u;
	struct row *r;

	d->moving = 0;
	if (!slot || !slot->row || slot->row >= table_row_end(t))
		return;
	r = &t->rows[slot->row];
	r->live_count = d->moved.live_count;
	r->live_size = d->moved.live_size;
	r->total_count = d->moved.total_count;
	r->total_size = d->moved.total_size;
	t->infos[slot->row].temporary = d->moved.temporary;
	u = d->moved.upper ? row_upper(t, slot->row) : NULL;
	if (u) {
		u->live_size = d->moved.upper_live_size;
		raise_u32(&u->total_size, d->moved.upper_total_size);
	}
	*slot = (struct delta){ .row = slot->row };
}

struct deltas *deltas_take(struct table *t)
{
	for (;;) {
		uint32_t n = known(t);

		for (uint32_t i = 0; i < n; i++) {
			uint32_t no = 0;

			if (!load_relaxed(&t->deltas[i].taken) && cas_acq_rel(&t->deltas[i].taken, &no, 1))
				return &t->deltas[i];
		}
		if (n == load_acquire(&t->head->deltas_limit) && !layout_grow(t, TABLE_DELTAS))
			return NULL;
		add_relaxed(&t->head->deltas_used, 1);	/* one more; whoever comes first has it */
	}
}

void deltas_forked(struct table *t, struct deltas *own)
{
	store_relaxed(&t->head->frozen, 0);
	memset(row_locks, 0, sizeof(row_locks));
	for (uint32_t i = 0; i < known(t); i++) {
		struct deltas *d = &t->deltas[i];

		if (d == own)
			continue;
		store_relaxed(&d->flushing, 0);
		delta_finish_move(t, d);
		store_relaxed(&d->taken, 0);
	}
}

static void tell_heap(struct table *t, struct deltas *d)
{
	if (d->heap_size > 0)
		totals_grow(&t->head->totals, (uint64_t)d->heap_size);
	else
		add_relaxed(&t->head->totals.live_size, (uint64_t)d->heap_size);
	store_relaxed(&d->heap_size, 0);
}

/* The heap's live size is told in larger steps: all threads write it. */
static void add_to_heap(struct table *t, struct deltas *d, int64_t size_bytes)
{
	int64_t large = delta_quantum(load_relaxed(&t->head->totals.peak_size), DELTA_HEAP_PART_LOG2,
				      DELTA_HEAP_BYTES);

	store_relaxed(&d->heap_size, d->heap_size + size_bytes);
	if (d->heap_size >= large || d->heap_size <= -large)
		tell_heap(t, d);
}

static uint32_t *row_lock(uint32_t row)
{
	return &row_locks[row % (sizeof(row_locks) / sizeof(row_locks[0]))];
}

/*
 * The upper parts of the row that the differences change themselves, or NULL. They are made before,
 * and so is a row wide that is to be. What goes across a quarter of a sum is no reason: that may be
 * noted late.
 */
static struct row_upper *upper_of_move(struct table *t, const struct delta *slot, const struct row *r)
{
	int64_t live = load_relaxed(&r->live_size) + slot->live_size;

	if (unlikely(load_relaxed(&r->epoch) & ROW_WIDE || live >= ROW_QUARTER || live < -(int64_t)ROW_QUARTER))
		return row_widen(t, slot->row);
	return unlikely(slot->total_size >= ROW_QUARTER) ? row_make_upper(t, slot->row) : NULL;
}

/* What the row is going to be. The compiler keeps the order; that suffices for whoever looks at
 * what a killed thread has left. */
static void note_move(struct table *t, struct deltas *d, const struct delta *slot, const struct row *r,
		      const struct row_upper *u)
{
	bool wide = u && load_relaxed(&r->epoch) & ROW_WIDE;
	uint32_t size = load_relaxed(&r->total_size);

	store_relaxed(&d->moved.live_count, load_relaxed(&r->live_count) + (uint32_t)slot->live_count);
	store_relaxed(&d->moved.live_size, (int32_t)(load_relaxed(&r->live_size) + (wide ? 0 : slot->live_size)));
	store_relaxed(&d->moved.total_count, load_relaxed(&r->total_count) + slot->total_count);
	store_relaxed(&d->moved.total_size, size + (uint32_t)slot->total_size);
	store_relaxed(&d->moved.temporary, load_relaxed(&t->infos[slot->row].temporary) + slot->temporary);
	store_relaxed(&d->moved.upper, u != NULL);
	if (unlikely(u != NULL)) {
		store_relaxed(&d->moved.upper_live_size, load_relaxed(&u->live_size) + (wide ? slot->live_size : 0));
		store_relaxed(&d->moved.upper_total_size,
			      (uint32_t)((row_sum(load_relaxed(&u->total_size), size) + slot->total_size) / ROW_QUARTER));
	}
	store_release(&d->moving, (uint32_t)(slot - d->slots) + 1);
	signal_fence();
}

static void move_live(struct table *t, struct deltas *d, struct delta *slot, struct row *r)
{
	uint32_t count = add_relaxed(&r->live_count, (uint32_t)slot->live_count) + (uint32_t)slot->live_count;

	/* What other threads have yet to tell can make it negative for a while. */
	if ((int32_t)count > 0)
		raise_u32(&r->peak_count, count);
	if (slot->live_size)
		row_change_live(t, slot->row, slot->live_size);
	add_to_heap(t, d, slot->live_size);
	store_relaxed(&slot->live_count, 0);
	store_relaxed(&slot->live_size, 0);
}

static void move_totals(struct table *t, struct delta *slot)
{
	if (slot->total_count || slot->temporary)
		row_called(t, slot->row, slot->total_count, slot->total_size, slot->temporary);
	store_relaxed(&slot->total_count, 0);
	store_relaxed(&slot->total_size, 0);
	store_relaxed(&slot->temporary, 0);
}

bool delta_flush(struct table *t, struct deltas *d, struct delta *slot)
{
	struct row *r = &t->rows[slot->row];
	uint32_t *lock = row_lock(slot->row), nobody = 0;
	bool moves;

	store_relaxed(&d->flushing, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* before `frozen` is looked at */
	moves = !load_acquire(&t->head->frozen) && cas_acq_rel(lock, &nobody, 1);
	if (likely(moves)) {
		note_move(t, d, slot, r, upper_of_move(t, slot, r));
		if (slot->live_count || slot->live_size)
			move_live(t, d, slot, r);
		move_totals(t, slot);
		signal_fence();
		store_release(&d->moving, 0);
		store_release(lock, 0);
	}
	store_release(&d->flushing, 0);
	return moves;
}

void deltas_flush(struct table *t, struct deltas *d)
{
	for (unsigned i = 0; i < DELTA_SLOTS; i++) {
		if (d->slots[i].row)
			delta_flush(t, d, &d->slots[i]);
	}
	if (d->heap_size)
		tell_heap(t, d);
}

void deltas_freeze(struct table *t)
{
	uint64_t begun = now_ns();

	exchange_acq_rel(&t->head->frozen, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < known(t); i++) {
		for (int tries = 0; load_acquire(&t->deltas[i].flushing) && tries < WAIT_TRIES &&
		     now_ns() - begun < WAIT_NS; tries++)
			sched_yield();
	}
}

void deltas_thaw(struct table *t)
{
	store_release(&t->head->frozen, 0);
}

/* ---- The hot path ---- */

/* The row's slot; NULL: none is to be had now. */
static inline struct delta *delta_of(struct table *t, struct deltas *d, uint32_t row)
{
	struct delta *slot = &d->slots[row % DELTA_SLOTS];

	if (likely(slot->row == row))
		return slot;
	if (slot->row && !delta_flush(t, d, slot))
		return NULL;
	store_relaxed(&slot->row, row);
	return slot;
}

static inline bool delta_is_large(const struct delta *slot, const struct row *r)
{
	int64_t bytes = delta_quantum((uint64_t)(int64_t)load_relaxed(&r->live_size), DELTA_PART_LOG2, DELTA_BYTES);

	return slot->live_count >= DELTA_BLOCKS || slot->live_count <= -DELTA_BLOCKS ||
	       slot->live_size >= bytes || slot->live_size <= -bytes ||
	       slot->total_count >= (uint32_t)1 << 30;
}

/* The row's live blocks as far as this thread can tell. */
static inline int64_t delta_live_count(const struct delta *slot, const struct row *r)
{
	return (int64_t)(int32_t)load_relaxed(&r->live_count) + slot->live_count;
}

HOT_CODE void delta_alloc(struct table *t, struct deltas *d, uint32_t row, uint64_t size_bytes)
{
	struct delta *slot = delta_of(t, d, row);
	struct row *r = &t->rows[row];
	int64_t before;

	if (unlikely(!slot)) {
		row_alloc(t, row, size_bytes);
		return;
	}
	before = delta_live_count(slot, r);
	store_relaxed(&slot->live_count, slot->live_count + 1);
	store_relaxed(&slot->live_size, slot->live_size + (int64_t)size_bytes);
	store_relaxed(&slot->total_count, slot->total_count + 1);
	store_relaxed(&slot->total_size, slot->total_size + size_bytes);
	if (unlikely(before <= 0))
		row_begins(&t->infos[row]);
	if (unlikely(before <= 0 || delta_is_large(slot, r)))
		delta_flush(t, d, slot);
}

HOT_CODE void delta_free(struct table *t, struct deltas *d, uint32_t row, uint64_t size_bytes, bool temporary)
{
	struct delta *slot = delta_of(t, d, row);
	struct row *r = &t->rows[row];

	if (unlikely(!slot)) {
		row_free(t, row, size_bytes, temporary);
		return;
	}
	store_relaxed(&slot->live_count, slot->live_count - 1);
	store_relaxed(&slot->live_size, slot->live_size - (int64_t)size_bytes);
	if (temporary)
		store_relaxed(&slot->temporary, slot->temporary + 1);
	if (unlikely(delta_live_count(slot, r) <= 0 || delta_is_large(slot, r)))
		delta_flush(t, d, slot);
}

void delta_resize(struct table *t, struct deltas *d, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct delta *slot = delta_of(t, d, row);
	struct row *r = &t->rows[row];

	if (unlikely(!slot)) {
		row_resize(t, row, old_bytes, new_bytes);
		return;
	}
	store_relaxed(&slot->live_size, slot->live_size + (int64_t)(new_bytes - old_bytes));
	store_relaxed(&slot->total_count, slot->total_count + 1);
	store_relaxed(&slot->total_size, slot->total_size + new_bytes);
	if (unlikely(delta_is_large(slot, r)))
		delta_flush(t, d, slot);
}
