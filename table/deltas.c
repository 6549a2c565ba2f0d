/* SPDX-License-Identifier: GPL-2.0-only */
/* See deltas.h and delta_change.h. */
#include "delta_change.h"

#include "layout.h"
#include "thread_list.h"
#include "timeline.h"

#include <sched.h>
#include <string.h>

/* How long a view waits for threads that are flushing. The yields bound the wait for one thread, which may have been
 * stopped there; the time bounds the wait for all of them on a busy machine. */
#define WAIT_TRIES	1000
#define WAIT_NS		1000000000u

/* How many bytes may be pending in a thread for a row or a heap of `bytes`: a part of them, and less than most. */
static int64_t limit_for(int64_t bytes, unsigned part_log2, int64_t most)
{
	int64_t part = bytes >> part_log2;

	return part < DELTA_LEAST ? 0 : part < most ? part - 1 : most - 1;
}

static uint32_t thread_count(const struct table *t)
{
	return layout_count(t->head, TABLE_DELTAS);
}

/* Does one step of a flush that another thread has left, unless that thread had done the step: see deltas.h. */
static void finish_step(const struct deltas *d, enum delta_step step, uint32_t *figure, uint32_t change)
{
	if (d->step < step || (d->step == step && *figure == (uint32_t)d->before[step]))
		*figure += change;
}

/* The same of the live size, which may be in the upper parts. */
static void finish_live_size(struct table *t, const struct deltas *d, const struct delta *slot)
{
	struct row_upper *u = d->upper ? row_upper(t, slot->row) : NULL;

	if (!u)
		finish_step(d, DELTA_LIVE_SIZE, (uint32_t *)&t->rows[slot->row].live_size, (uint32_t)slot->live_size);
	else if (d->step < DELTA_LIVE_SIZE ||
		 (d->step == DELTA_LIVE_SIZE && u->live_size == (int64_t)d->before[DELTA_LIVE_SIZE]))
		u->live_size += slot->live_size;
}

void delta_finish_flush(struct table *t, struct deltas *d)
{
	struct delta *slot = d->flushed_slot && d->flushed_slot <= DELTA_SLOTS ? &d->slots[d->flushed_slot - 1] : NULL;
	struct row *r;

	d->flushed_slot = 0;
	if (!slot || !slot->row || slot->row >= table_row_end(t))
		return;
	r = &t->rows[slot->row];
	finish_step(d, DELTA_LIVE_COUNT, &r->live_count, (uint32_t)slot->live_count);
	finish_live_size(t, d, slot);
	finish_step(d, DELTA_TOTAL_COUNT, &r->total_count, slot->total_count);
	finish_step(d, DELTA_TOTAL_SIZE, &r->total_size, slot->total_size);
	finish_step(d, DELTA_TEMPORARY, &t->infos[slot->row].temporary, slot->temporary);
	*slot = (struct delta){ .row = slot->row };
}

bool deltas_take_over(struct table *t, struct deltas *d, uint32_t thread)
{
	if (unlikely(d->kept))
		deltas_flush(t, d);
	if (unlikely(d->kept)) {
		store_release(&d->taken, 0);
		return false;
	}
	store_relaxed(&d->thread, thread);
	return true;
}

__attribute__((cold)) struct deltas *deltas_take(struct table *t, uint32_t thread)
{
	for (;;) {
		uint32_t n = thread_count(t);

		for (uint32_t i = 0; i < n; i++) {
			uint32_t no = 0;

			if (!load_relaxed(&t->deltas[i].taken) && cas_acq_rel(&t->deltas[i].taken, &no, 1) &&
			    deltas_take_over(t, &t->deltas[i], thread))
				return &t->deltas[i];
		}
		if (n == load_acquire(&t->head->deltas_limit) && !layout_grow(t, TABLE_DELTAS))
			return NULL;
		add_relaxed(&t->head->deltas_used, 1);	/* the thread that finds these slots first takes them */
	}
}

/* Adds the thread's pending part of the heap's size to the totals. */
static void flush_heap_size(struct table *t, struct deltas *d)
{
	int64_t size = d->heap_size;

	store_relaxed(&d->heap_size, 0);
	totals_change(t, size);
	d->heap_limit = limit_for((int64_t)load_relaxed(&t->head->totals.peak_size), DELTA_HEAP_PART_LOG2,
			       DELTA_HEAP_BYTES);
}

/* The same, if that part exceeds its limit. */
static void flush_heap_size_if_due(struct table *t, struct deltas *d)
{
	if (delta_exceeds(d->heap_size, (uint64_t)d->heap_limit))
		flush_heap_size(t, d);
}

/* Whether the row and the slots of all threads together show no live block. */
static bool is_empty(const struct table *t, uint32_t row)
{
	int64_t count = row_count(load_relaxed(&t->rows[row].live_count));

	for (uint32_t i = 0; i < thread_count(t); i++) {
		const struct delta *slot = &t->deltas[i].slots[row % DELTA_SLOTS];

		if (load_relaxed(&slot->row) == row)
			count += load_relaxed(&slot->live_count);
	}
	return count <= 0;
}

void deltas_row_begins(struct table *t, uint32_t row, int64_t visible)
{
	uint64_t now;
	uint32_t ticks;

	if (visible > 0 && !delta_may_be_empty(t, row, visible))
		return;
	/* If the age has begun within this tick, it would not change, and the slots need not be read. */
	now = now_ns();
	ticks = (uint32_t)ticks_of(now);
	if (load_relaxed(&t->infos[row].since) != ticks && is_empty(t, row))
		store_relaxed(&t->infos[row].since, ticks);
	timeline_look(t, now, ticks);
}

/* ---- A flush ---- */

/* The row's upper parts if this flush has to add the live size to them, else NULL. A row that gets too large for 32
 * bits is made wide before the flush begins. */
static struct row_upper *upper_of_flush(struct table *t, const struct delta *slot, const struct row *r)
{
	int64_t live = (int64_t)load_relaxed(&r->live_size) + slot->live_size;

	if (unlikely(load_relaxed(&r->epoch) & ROW_WIDE || live >= ROW_QUARTER || live < -(int64_t)ROW_QUARTER))
		return row_widen(t, slot->row);
	return NULL;
}

/*
 * Notes that a step begins, and that its figure is `before`. Only the compiler has to keep the order of the stores:
 * whoever reads what a killed thread has left sees all its stores up to one instruction.
 */
static inline void begin_step(struct deltas *d, enum delta_step step, uint64_t before)
{
	store_relaxed(&d->before[step], before);
	signal_fence();
	store_relaxed(&d->step, step);
	signal_fence();
}

/* Does one step. Returns the figure after the change. */
static inline uint32_t change_figure(struct deltas *d, enum delta_step step, uint32_t *figure, uint32_t change)
{
	if (!change)
		return load_relaxed(figure);
	begin_step(d, step, load_relaxed(figure));
	return add_relaxed(figure, change) + change;
}

static void flush_live_size(struct table *t, struct deltas *d, const struct delta *slot, struct row *r,
			    struct row_upper *u)
{
	int32_t at_peak = delta_heap_peak(slot, load_relaxed(&t->head->totals.epoch));
	int64_t size;

	if (likely(!u)) {
		if (slot->live_size || at_peak)
			row_save_peak(t, r, at_peak);
		size = (int32_t)change_figure(d, DELTA_LIVE_SIZE, (uint32_t *)&r->live_size,
					      (uint32_t)slot->live_size);
		if (size > 0)
			raise_u32(&r->peak_size, (uint32_t)size);
		return;
	}
	row_save_upper_peak(t, u, at_peak);
	begin_step(d, DELTA_LIVE_SIZE, (uint64_t)load_relaxed(&u->live_size));
	size = add_relaxed(&u->live_size, (int64_t)slot->live_size) + slot->live_size + load_relaxed(&r->live_size);
	if (size > 0)
		raise_u64(&u->peak_size, (uint64_t)size);
}

static void flush_sums(struct table *t, struct deltas *d, const struct delta *slot, struct row *r)
{
	uint32_t *temporary = &t->infos[slot->row].temporary;
	uint32_t count = change_figure(d, DELTA_TOTAL_COUNT, &r->total_count, slot->total_count);
	uint32_t size = change_figure(d, DELTA_TOTAL_SIZE, &r->total_size, slot->total_size);
	uint32_t freed = change_figure(d, DELTA_TEMPORARY, temporary, slot->temporary);

	/* row_alloc_single() leaves it to the sizes to see that there have been many calls. */
	if (unlikely(row_sum_passed(count - slot->total_count, count) || row_sum_passed(size - slot->total_size, size) ||
		     row_sum_passed(freed - slot->temporary, freed) || (!slot->total_size && count >= ROW_QUARTER)))
		row_note_sums(t, slot->row);
}

static void empty_slot(struct table *t, struct delta *slot)
{
	if (slot->epoch & DELTA_FREES_COUNTED && slot->count_limit)
		sub_relaxed(delta_pending_frees(t, slot->row), slot->count_limit);
	store_relaxed(&slot->epoch, slot->epoch & ~DELTA_FREES_COUNTED);
	store_relaxed(&slot->live_count, 0);
	store_relaxed(&slot->live_size, 0);
	store_relaxed(&slot->heap_peak_size, 0);
	store_relaxed(&slot->total_count, 0);
	store_relaxed(&slot->total_size, 0);
	store_relaxed(&slot->temporary, 0);
}

/* Sets the limits of an empty slot. They are 0 where less than DELTA_LEAST bytes could be missing from a maximum. */
static void set_limits(struct delta *slot, const struct row *r)
{
	int64_t bytes = load_relaxed(&r->live_size), count = row_count(load_relaxed(&r->live_count)) >> DELTA_COUNT_LOG2;

	if (load_relaxed(&r->epoch) & ROW_WIDE)
		bytes = ROW_QUARTER;	/* the row has, or once had, at least as many */
	slot->size_limit = (uint16_t)limit_for(bytes, DELTA_PART_LOG2, DELTA_BYTES);
	slot->count_limit = (uint8_t)(slot->size_limit && count > 0 ? count < DELTA_BLOCKS ? count : DELTA_BLOCKS - 1 : 0);
}

static void flush_slot(struct table *t, struct deltas *d, struct delta *slot)
{
	struct row *r = &t->rows[slot->row];
	struct row_upper *u = upper_of_flush(t, slot, r);
	int64_t count;

	check(slot->row != ROW_NONE, "a slot that is flushed belongs to a row");
	check_below(slot->row, table_row_end(t), "a slot that is flushed belongs to a row in use");
	check_equal(slot->row % DELTA_SLOTS, (uint32_t)(slot - d->slots), "a slot is its row's");
	store_relaxed(&d->upper, u != NULL);
	begin_step(d, DELTA_NO_STEP, 0);
	store_relaxed(&d->flushed_slot, (uint32_t)(slot - d->slots) + 1);
	signal_fence();
	count = row_count(change_figure(d, DELTA_LIVE_COUNT, &r->live_count, (uint32_t)slot->live_count));
	if (count > 0)
		raise_u32(&r->peak_count, (uint32_t)count);
	flush_live_size(t, d, slot, r, u);
	flush_sums(t, d, slot, r);
	signal_fence();
	store_relaxed(&d->step, DELTA_STEPS);
	signal_fence();
	empty_slot(t, slot);
	signal_fence();
	store_release(&d->flushed_slot, 0);
	set_limits(slot, r);
}

/*
 * A lock for the rows with the same lowest bits of their numbers: one thread at a time flushes to a row, because
 * what a killed thread has left can only be finished if no other thread has changed the same figures meanwhile.
 * Only flushes take these locks, each for some stores. A thread that was stopped there is not waited for long.
 */
#define LOCK_TRIES	200	/* yields */

static uint32_t *row_lock(const struct table *t, uint32_t row)
{
	return &t->local->row_locks[row % TABLE_SLOTS][row / TABLE_SLOTS % TABLE_ROW_LOCKS];
}

static bool lock_row(const struct table *t, uint32_t row)
{
	uint32_t nobody = 0;

	for (int tries = 0; !cas_acq_rel(row_lock(t, row), &nobody, 1); tries++) {
		if (tries == LOCK_TRIES)
			return false;
		nobody = 0;
		sched_yield();
	}
	return true;
}

bool delta_flush(struct table *t, struct deltas *d, struct delta *slot)
{
	bool moves;

	store_relaxed(&d->flushing, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* `flushing` is stored before `frozen` is loaded */
	moves = !load_acquire(&t->head->frozen) && likely(lock_row(t, slot->row));
	if (likely(moves)) {
		if (slot->total_count)
			thread_list_note(t, slot->row, d->thread);
		flush_slot(t, d, slot);
		store_release(row_lock(t, slot->row), 0);
	}
	store_release(&d->flushing, 0);
	return moves;
}

void deltas_flush(struct table *t, struct deltas *d)
{
	store_relaxed(&d->kept, 0);
	for (unsigned i = 0; i < DELTA_SLOTS; i++) {
		if (d->slots[i].row && !delta_flush(t, d, &d->slots[i]))
			store_relaxed(&d->kept, 1);
	}
	if (d->heap_size)
		flush_heap_size(t, d);
}

__attribute__((cold)) void deltas_forked(struct table *t, struct deltas *own)
{
	struct table_header *h = t->head;

	store_relaxed(&h->frozen, 0);
	if (thread_count(t) > 1)	/* else nobody else can have taken one */
		memset(t->local->row_locks, 0, sizeof(t->local->row_locks));
	store_relaxed(&t->local->adds_point, 0);
	for (uint32_t i = 0; i < thread_count(t); i++) {
		struct deltas *d = &t->deltas[i];

		if (d == own)
			continue;
		store_relaxed(&d->flushing, 0);
		delta_finish_flush(t, d);
		/* A process of one thread uses no slots, so the rows and totals have to be complete. */
		deltas_flush(t, d);
		store_relaxed(&d->taken, 0);
	}
	/* The fork may have copied the other threads between any two stores, so the sums are made anew. */
	memset(h->pending_frees, 0, sizeof(h->pending_frees));
	for (unsigned i = 0; own && i < DELTA_SLOTS; i++)
		h->pending_frees[i] += own->slots[i].epoch & DELTA_FREES_COUNTED ? own->slots[i].count_limit : 0;
}

__attribute__((cold)) void deltas_freeze(struct table *t)
{
	uint64_t begun = now_ns();

	exchange_acq_rel(&t->head->frozen, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < thread_count(t); i++) {
		for (int tries = 0; load_acquire(&t->deltas[i].flushing) && tries < WAIT_TRIES &&
		     now_ns() - begun < WAIT_NS; tries++)
			sched_yield();
	}
}

void deltas_thaw(struct table *t)
{
	store_release(&t->head->frozen, 0);
}

/* ---- The slow path ---- */

static bool slot_is_large(const struct delta *slot)
{
	return delta_live_is_large(slot) || delta_calls_are_large(slot);
}

/* An operation that no slot can take goes to the row. */
static void __attribute__((cold)) change_row(struct table *t, const struct deltas *d, uint32_t row,
					     enum delta_kind kind, int64_t bytes, uint64_t call_bytes)
{
	if (call_bytes != ROW_NO_CALL)
		thread_list_note_slow(t, row, d->thread);
	row_change(t, row, delta_blocks(kind), bytes, call_bytes, kind == DELTA_FREE_TEMPORARY);
}

void delta_flush_if_due(struct table *t, struct deltas *d, struct delta *slot, enum delta_kind kind, int64_t bytes,
		uint64_t call_bytes)
{
	if (delta_frees_uncounted(slot)) {
		store_relaxed(&slot->epoch, slot->epoch | DELTA_FREES_COUNTED);
		if (slot->count_limit)	/* most rows of few blocks have 0, and their frees come here each time */
			add_relaxed(delta_pending_frees(t, slot->row), slot->count_limit);
	}
	/* A new maximum of the heap is noted while the slot has its part of the size. */
	flush_heap_size_if_due(t, d);
	if (!slot_is_large(slot) || delta_flush(t, d, slot))
		return;
	/* A view may collect for long. The slot gives back the operation that exceeds its limits, and the row gets it. */
	delta_save_peak(slot, load_relaxed(&t->head->totals.epoch));
	delta_change_slot(slot, -1, kind, bytes, call_bytes);
	change_row(t, d, slot->row, kind, bytes, call_bytes);
}

/* The row's slot. A slot that belongs to another row is flushed and taken; NULL when it cannot be flushed now. */
static struct delta *take_slot(struct table *t, struct deltas *d, uint32_t row)
{
	struct delta *slot = &d->slots[row % DELTA_SLOTS];

	if (slot->row == row)
		return slot;
	if (slot->row && !delta_flush(t, d, slot))
		return NULL;
	check(!slot->live_count && !slot->live_size && !slot->total_count && !slot->temporary,
	      "a slot that changes its row is empty");
	store_relaxed(&slot->row, row);
	set_limits(slot, &t->rows[row]);
	return slot;
}

void delta_change_any(struct table *t, struct deltas *d, uint32_t row, enum delta_kind kind, int64_t bytes,
		      uint64_t call_bytes)
{
	bool small = (uint64_t)bytes + DELTA_BLOCK_BYTES <= 2 * DELTA_BLOCK_BYTES &&
		     (call_bytes < DELTA_BLOCK_BYTES || call_bytes == ROW_NO_CALL);
	struct delta *slot = small ? take_slot(t, d, row) : NULL;

	if (!slot) {
		change_row(t, d, row, kind, bytes, call_bytes);
		store_relaxed(&d->heap_size, d->heap_size + bytes);
		flush_heap_size_if_due(t, d);
		return;
	}
	if (kind == DELTA_ALLOC)
		deltas_row_begins(t, row, delta_visible_count(slot, &t->rows[row]));
	delta_save_peak(slot, load_relaxed(&t->head->totals.epoch));
	delta_change_slot(slot, 1, kind, bytes, call_bytes);
	store_relaxed(&d->heap_size, d->heap_size + bytes);
	delta_flush_if_due(t, d, slot, kind, bytes, call_bytes);
}
