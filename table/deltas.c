/* SPDX-License-Identifier: GPL-2.0-only */
/* See deltas.h. */
#include "deltas.h"

#include "layout.h"

#include <sched.h>
#include <string.h>

#define WAIT_TRIES	1000	/* yields: a thread that is stopped in a flush is not waited for, */
#define WAIT_NS		1000000000u	/* nor several of them, each of which a busy machine makes slow */

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
	struct row *r;

	d->moving = 0;
	if (!slot || !slot->row || slot->row >= table_row_end(t))
		return;
	r = &t->rows[slot->row];
	r->live_count = d->moved.live_count;
	r->live_size = d->moved.live_size;
	r->total_count = d->moved.total_count;
	r->total_size = d->moved.total_size;
	r->temporary_low = d->moved.temporary_low;
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

/* What the row is going to be. The compiler keeps the order; that suffices for whoever looks at
 * what a killed thread has left. */
static void note_move(struct deltas *d, const struct delta *slot, const struct row *r)
{
	store_relaxed(&d->moved.live_count, load_relaxed(&r->live_count) + (uint32_t)slot->live_count);
	store_relaxed(&d->moved.live_size, load_relaxed(&r->live_size) + (uint64_t)slot->live_size);
	store_relaxed(&d->moved.total_count, load_relaxed(&r->total_count) + slot->total_count);
	store_relaxed(&d->moved.total_size, load_relaxed(&r->total_size) + slot->total_size);
	store_relaxed(&d->moved.temporary_low, load_relaxed(&r->temporary_low) + slot->temporary);
	store_release(&d->moving, (uint32_t)(slot - d->slots) + 1);
	signal_fence();
}

static void move_live(struct table *t, struct deltas *d, struct delta *slot, struct row *r)
{
	uint32_t count;
	uint64_t size;

	row_save_peak(t, r);
	count = add_relaxed(&r->live_count, (uint32_t)slot->live_count) + (uint32_t)slot->live_count;
	size = add_relaxed(&r->live_size, (uint64_t)slot->live_size) + (uint64_t)slot->live_size;
	/* What other threads have yet to tell can make these negative for a while. */
	if ((int32_t)count > 0)
		raise_u32(&r->peak_count, count);
	if ((int64_t)size > 0)
		raise_u64(&r->peak_size, size);
	add_to_heap(t, d, slot->live_size);
	store_relaxed(&slot->live_count, 0);
	store_relaxed(&slot->live_size, 0);
}

static void move_totals(struct table *t, struct delta *slot, struct row *r)
{
	if (slot->total_count) {
		add_relaxed(&r->total_count, slot->total_count);
		add_relaxed(&r->total_size, slot->total_size);
		store_relaxed(&slot->total_count, 0);
		store_relaxed(&slot->total_size, 0);
	}
	if (slot->temporary) {
		if (add_relaxed(&r->temporary_low, slot->temporary) > UINT32_MAX - slot->temporary)
			table_count_wrap(t, slot->row);
		store_relaxed(&slot->temporary, 0);
	}
}

bool delta_flush(struct table *t, struct deltas *d, struct delta *slot)
{
	struct row *r = &t->rows[slot->row];
	uint32_t *lock = row_lock(slot->row), nobody = 0;
	bool moves;

	exchange_acq_rel(&d->flushing, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	moves = !load_acquire(&t->head->frozen) && cas_acq_rel(lock, &nobody, 1);
	if (likely(moves)) {
		note_move(d, slot, r);
		if (slot->live_count || slot->live_size)
			move_live(t, d, slot, r);
		move_totals(t, slot, r);
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
