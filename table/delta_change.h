/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one allocation and one free do to a thread's slot (deltas.h). Inline: this is the hot path of programs
 * with several threads, as row.h is that of programs with one. All that is not usual is done by functions in
 * deltas.c.
 *
 * For the thread that has the slots, inside the guard; not in a signal handler that has interrupted it there.
 * No lock.
 */
#ifndef TABLE_DELTA_CHANGE_H
#define TABLE_DELTA_CHANGE_H

#include "deltas.h"

/*
 * An operation is handed on in registers: its kind, by how many bytes the live size changes, and for how many
 * bytes it calls (ROW_NO_CALL: a free).
 */
enum delta_kind {
	DELTA_FREE_TEMPORARY = -2,		/* a block is freed that is temporary */
	DELTA_FREE = -1,
	DELTA_RESIZE = 0,
	DELTA_ALLOC = 1,
};

static inline int delta_blocks(enum delta_kind kind)
{
	return kind == DELTA_FREE_TEMPORARY ? -1 : (int)kind;
}

/* -most <= value <= most, in one comparison. */
static inline bool delta_exceeds(int64_t value, uint64_t most)
{
	return (uint64_t)value + most > 2 * most;
}

/* Whether the slot holds more live blocks or bytes, or more calls or bytes of calls, than it may. */
static inline bool delta_live_is_large(const struct delta *slot)
{
	return (uint32_t)slot->live_size + slot->size_limit > 2u * slot->size_limit ||
	       delta_exceeds(slot->live_count, slot->count_limit);
}

static inline bool delta_calls_are_large(const struct delta *slot)
{
	return (slot->total_count | slot->total_size) >= (uint32_t)1 << 30;
}

/* How many blocks less than its row knows the slots of this row's number may hold, over all threads. */
static inline uint32_t *delta_pending_frees(struct table *t, uint32_t row)
{
	return &t->head->pending_frees[row % DELTA_SLOTS];
}

/*
 * Whether a row that has `visible` blocks, by what it and the calling thread's slot say, may have none all the
 * same, by what other threads' slots hold. Most rows have more than all other threads could owe.
 */
static inline bool delta_may_be_empty(struct table *t, uint32_t row, int64_t visible)
{
	return unlikely(visible <= (int64_t)(load_relaxed(&t->head->deltas_used) - 1) * DELTA_BLOCKS) &&
	       visible <= (int64_t)load_relaxed(delta_pending_frees(t, row));
}

/* How many blocks the row has by what it and the slot say. */
static inline int64_t delta_visible_count(const struct delta *slot, const struct row *r)
{
	return (int64_t)(int32_t)load_relaxed(&r->live_count) + slot->live_count;
}

/* Before a change of the slot's live size: see row.h. */
static inline void delta_save_peak(struct delta *slot, uint32_t epoch)
{
	if (unlikely((slot->epoch & ~DELTA_FREES_COUNTED) != epoch)) {
		store_relaxed(&slot->heap_peak_size, slot->live_size);
		store_relaxed(&slot->epoch, epoch | (slot->epoch & DELTA_FREES_COUNTED));
	}
}

/* Adds to a slot, or (sign: -1) takes the same from it again. */
static inline __attribute__((always_inline)) void delta_change_slot(struct delta *slot, int sign, enum delta_kind kind,
								   int64_t bytes, uint64_t call_bytes)
{
	store_relaxed(&slot->live_count, (int8_t)(slot->live_count + sign * delta_blocks(kind)));
	add_sole_u32((uint32_t *)&slot->live_size, (uint32_t)((uint64_t)sign * (uint64_t)bytes));
	if (call_bytes != ROW_NO_CALL) {
		add_sole_u32(&slot->total_count, (uint32_t)sign);
		add_sole_u32(&slot->total_size, (uint32_t)((uint64_t)sign * call_bytes));
	}
	if (kind == DELTA_FREE_TEMPORARY)
		add_sole_u32(&slot->temporary, (uint32_t)sign);
}

/* Whether the slot has come to hold more frees than allocations, and that is not counted yet. */
static inline bool delta_frees_uncounted(const struct delta *slot)
{
	return slot->live_count < 0 && !(slot->epoch & DELTA_FREES_COUNTED);
}

/* After a change of a slot: tells the heap's totals and the row what they have to be told. */
void delta_flush_if_due(struct table *t, struct deltas *d, struct delta *slot, enum delta_kind kind, int64_t bytes,
		uint64_t call_bytes);

/* Any operation: the slot may be another row's, and the block of any size. */
void delta_change_any(struct table *t, struct deltas *d, uint32_t row, enum delta_kind kind, int64_t bytes,
		      uint64_t call_bytes);

/* The same, compiled with what is known of the operation. is_small: no block of DELTA_BLOCK_BYTES takes part. */
static inline __attribute__((always_inline)) void delta_change(struct table *t, struct deltas *d, uint32_t row,
							       enum delta_kind kind, int64_t bytes,
							       uint64_t call_bytes, bool is_small)
{
	struct delta *slot = &d->slots[row % DELTA_SLOTS];

	if (unlikely(slot->row != row || !is_small) ||
	    (kind == DELTA_ALLOC &&
	     unlikely(delta_may_be_empty(t, row, delta_visible_count(slot, &t->rows[row]))))) {
		delta_change_any(t, d, row, kind, bytes, call_bytes);
		return;
	}
	delta_save_peak(slot, load_relaxed(&t->head->totals.epoch));
	delta_change_slot(slot, 1, kind, bytes, call_bytes);
	add_own_u64((uint64_t *)&d->heap_size, (uint64_t)bytes);
	if (unlikely(delta_exceeds(d->heap_size, (uint64_t)d->heap_limit) || delta_live_is_large(slot)) ||
	    (call_bytes != ROW_NO_CALL && unlikely(delta_calls_are_large(slot))) ||
	    (kind < DELTA_RESIZE && unlikely(delta_frees_uncounted(slot))))
		delta_flush_if_due(t, d, slot, kind, bytes, call_bytes);
}

/* As row_alloc(), row_free(), row_resize(), but in the thread's slot for the row if it is to be had. */
static inline __attribute__((always_inline)) void delta_alloc(struct table *t, struct deltas *d, uint32_t row,
							      uint64_t size_bytes)
{
	delta_change(t, d, row, DELTA_ALLOC, (int64_t)size_bytes, size_bytes, size_bytes < DELTA_BLOCK_BYTES);
}

static inline __attribute__((always_inline)) void delta_free(struct table *t, struct deltas *d, uint32_t row,
							     uint64_t size_bytes, bool temporary)
{
	delta_change(t, d, row, temporary ? DELTA_FREE_TEMPORARY : DELTA_FREE, -(int64_t)size_bytes, ROW_NO_CALL,
		     size_bytes < DELTA_BLOCK_BYTES);
}

static inline void delta_resize(struct table *t, struct deltas *d, uint32_t row, uint64_t old_bytes,
				uint64_t new_bytes)
{
	delta_change(t, d, row, DELTA_RESIZE, (int64_t)(new_bytes - old_bytes), new_bytes,
		     (old_bytes | new_bytes) < DELTA_BLOCK_BYTES);
}

#endif
