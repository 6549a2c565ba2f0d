/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an allocation and a free change a thread's slot (deltas.h). The functions are inline, because this is the hot
 * path of programs with several threads, as row.h is the hot path of programs with one. The slow path is in
 * deltas.c.
 *
 * Only the thread that owns the slots may call these functions, inside the guard, and not from a signal handler that
 * has interrupted the thread there. They take no lock.
 */
#ifndef TABLE_DELTA_CHANGE_H
#define TABLE_DELTA_CHANGE_H

#include "base/check.h"
#include "deltas.h"

/*
 * An operation is described by three numbers, which stay in registers: its kind, the change of the live size in
 * bytes, and the size that the program asked for (ROW_NO_CALL for a free).
 */
enum delta_kind {
	DELTA_FREE_TEMPORARY = -2,		/* the block was freed before its thread allocated again */
	DELTA_FREE = -1,
	DELTA_RESIZE = 0,
	DELTA_ALLOC = 1,
};

static inline int delta_blocks(enum delta_kind kind)
{
	return kind == DELTA_FREE_TEMPORARY ? -1 : (int)kind;
}

/* Whether |value| > limit, in one comparison. */
static inline bool delta_exceeds(int64_t value, uint64_t limit)
{
	return (uint64_t)value + limit > 2 * limit;
}

/* Whether the slot holds more live blocks or bytes than its limits allow. */
static inline bool delta_live_is_large(const struct delta *slot)
{
	return (uint32_t)slot->live_size + slot->size_limit > 2u * slot->size_limit ||
	       delta_exceeds(slot->live_count, slot->count_limit);
}

/* Whether the sums of calls come near the end of their 32 bits. */
static inline bool delta_calls_are_large(const struct delta *slot)
{
	return (slot->total_count | slot->total_size) >= (uint32_t)1 << 30;
}

/* An upper bound of the frees that are pending in all threads' slots of this row's number. */
static inline uint32_t *delta_pending_frees(struct table *t, uint32_t row)
{
	return &t->head->pending_frees[row % DELTA_SLOTS];
}

/*
 * Whether a row that shows `visible` live blocks (delta_visible_count()) may in truth have none, because frees are
 * pending in other threads' slots. The first comparison decides nearly always: most rows have more blocks than the
 * frees that all other threads together could hold.
 */
static inline bool delta_may_be_empty(struct table *t, uint32_t row, int64_t visible)
{
	return unlikely(visible <= (int64_t)(load_relaxed(&t->head->deltas_used) - 1) * DELTA_BLOCKS) &&
	       visible <= (int64_t)load_relaxed(delta_pending_frees(t, row));
}

/* The live blocks of a row according to the row and the calling thread's slot. */
static inline int64_t delta_visible_count(const struct delta *slot, const struct row *r)
{
	return (int64_t)(int32_t)load_relaxed(&r->live_count) + slot->live_count;
}

/* To be called before a change of the slot's live size: saves the size at the heap's newest maximum, as row.h says. */
static inline void delta_save_peak(struct delta *slot, uint32_t epoch)
{
	if (unlikely((slot->epoch & ~DELTA_FREES_COUNTED) != epoch)) {
		store_relaxed(&slot->heap_peak_size, slot->live_size);
		store_relaxed(&slot->epoch, epoch | (slot->epoch & DELTA_FREES_COUNTED));
	}
}

/* Adds an operation to a slot; with sign -1, takes the same operation back. */
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

/* Whether the slot holds more frees than allocations, and pending_frees does not have that yet. */
static inline bool delta_frees_uncounted(const struct delta *slot)
{
	return slot->live_count < 0 && !(slot->epoch & DELTA_FREES_COUNTED);
}

/* The slow path after a change of a slot: counts pending frees, flushes the heap's size and the slot where they exceed
 * their limits. Where the slot cannot be flushed, the operation goes to the row instead. */
void delta_flush_if_due(struct table *t, struct deltas *d, struct delta *slot, enum delta_kind kind, int64_t bytes,
		uint64_t call_bytes);

/* The slow path of an operation: the slot may belong to another row, and the block may have any size. */
void delta_change_any(struct table *t, struct deltas *d, uint32_t row, enum delta_kind kind, int64_t bytes,
		      uint64_t call_bytes);

/* The fast path of an operation, compiled for each kind. is_small: the blocks have less than DELTA_BLOCK_BYTES. */
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
	check(!delta_live_is_large(slot), "a slot holds no more than its limits");
	check(!delta_frees_uncounted(slot), "a slot with more frees than allocations is counted");
}

/* These do what row_alloc(), row_free() and row_resize() do, but in the thread's slot. */
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
