/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one thread has added to rows and totals and not yet told: hot cache lines that several
 * threads write cost more than all the rest of a hook. A slot holds one row's differences; it
 * is flushed into the row when they grow large, when another row needs the slot, and when the
 * row leaves or reaches zero live blocks, so that ages stay right.
 *
 * A dump adds all threads' differences to the rows, so its live and total figures are exact.
 * What can be missing is part of a peak: of a row's own at most DELTA_BLOCKS blocks and an
 * eighth of its bytes or DELTA_BYTES, whichever is less, per thread; of the heap's a 128th or
 * DELTA_HEAP_BYTES. Where that comes to less than DELTA_LEAST bytes nothing is missing.
 *
 * While a dump collects, it freezes the differences: then nothing moves from a slot to a row
 * (it would be seen twice, or not at all), and a row that needs another's slot is changed
 * itself. A thread says that it is flushing before it looks whether it may; who freezes looks
 * for such threads afterwards, and waits for them, but not for ever.
 *
 * A process can be killed at any instruction. So that no difference is then seen twice, or not at
 * all, a thread that moves a slot's first notes what the row will be (moved), then that it is so
 * (moving), and whoever reads the table afterwards finishes the step. That needs the
 * row to be changed by one such thread at a time: a row that another is moving to is left alone,
 * not waited for.
 *
 * Slots belong to their thread, which must not use them in a signal handler that has
 * interrupted it inside the tracer. The mapping's pages are touched as threads come.
 */
#ifndef TABLE_DELTAS_H
#define TABLE_DELTAS_H

#include "row.h"

#define DELTAS_THREADS		256	/* threads at a time that have slots */
#define DELTA_SLOTS		256	/* a power of two */
#define DELTA_BLOCKS		32
#define DELTA_BYTES		8192
#define DELTA_PART_LOG2		3	/* of what the row has */
#define DELTA_HEAP_BYTES	32768
#define DELTA_HEAP_PART_LOG2	7	/* of the heap's peak */
#define DELTA_LEAST		512	/* bytes: less is not worth being inexact */

struct delta {
	uint32_t row;			/* ROW_NONE: a free slot */
	int32_t live_count;
	int64_t live_size;
	uint64_t total_size;
	uint32_t total_count, temporary;
};

struct deltas {
	struct delta slots[DELTA_SLOTS];
	int64_t heap_size;		/* told to rows, not yet to the totals' live_size */
	uint32_t flushing;
	uint32_t taken;			/* a thread has them */
	uint32_t moving;		/* slot + 1 whose differences are on their way, or 0 */
	struct {			/* what that makes of the row */
		uint32_t live_count, temporary_low, unused;
		uint64_t live_size, total_count, total_size;
	} moved;
} __attribute__((aligned(64)));		/* i386 aligns a uint64_t to 4 bytes */

_Static_assert(sizeof(struct delta) == 32, "two slots a cache line");
_Static_assert(sizeof(struct deltas) % 64 == 0, "threads share no cache line");

/* For one thread, for good; NULL: all are taken. */
struct deltas *deltas_take(struct table *t);

/* In a child after fork: all but `own` are free. */
void deltas_forked(struct table *t, struct deltas *own);

/* Moves a slot's differences into its row; false: not now, a dump collects, or another thread is
 * at this row. */
bool delta_flush(struct table *t, struct deltas *d, struct delta *slot);

/* Finishes the step of a thread that is gone, or never was here (fork). */
void delta_finish_move(struct table *t, struct deltas *d);

/* All of them; at the thread's end. */
void deltas_flush(struct table *t, struct deltas *d);

/* Around a collection; no dump may be under way in another thread. */
void deltas_freeze(struct table *t);
void deltas_thaw(struct table *t);

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

/* How many bytes may stay untold, where `bytes` are at most at stake. */
static inline int64_t delta_quantum(uint64_t bytes, unsigned part_log2, int64_t most)
{
	int64_t part = (int64_t)(bytes >> part_log2);

	return part < DELTA_LEAST ? 0 : part < most ? part : most;
}

static inline bool delta_is_large(const struct delta *slot, const struct row *r)
{
	int64_t bytes = delta_quantum(load_relaxed(&r->live_size), DELTA_PART_LOG2, DELTA_BYTES);

	return slot->live_count >= DELTA_BLOCKS || slot->live_count <= -DELTA_BLOCKS ||
	       slot->live_size >= bytes || slot->live_size <= -bytes ||
	       slot->total_count >= (uint32_t)1 << 30;
}

/* The row's live blocks as far as this thread can tell. */
static inline int64_t delta_live_count(const struct delta *slot, const struct row *r)
{
	return (int64_t)(int32_t)load_relaxed(&r->live_count) + slot->live_count;
}

/* As row_alloc(), row_free(), row_resize(). */
static inline HOT_CODE void delta_alloc(struct table *t, struct deltas *d, uint32_t row, uint64_t size_bytes)
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
		store_relaxed(&r->since_ns, now_ns());
	if (unlikely(before <= 0 || delta_is_large(slot, r)))
		delta_flush(t, d, slot);
}

static inline HOT_CODE void delta_free(struct table *t, struct deltas *d, uint32_t row, uint64_t size_bytes,
			      bool temporary)
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

static inline void delta_resize(struct table *t, struct deltas *d, uint32_t row, uint64_t old_bytes,
				uint64_t new_bytes)
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

#endif
