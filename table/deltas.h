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
		int32_t live_size;
		uint32_t live_count, total_size, total_count, temporary;
		uint32_t upper;		/* ...and of its upper parts, if they take part, or 0 */
		uint32_t upper_total_size;
		int64_t upper_live_size;
	} moved;
} __attribute__((aligned(64)));		/* i386 aligns a uint64_t to 4 bytes */

_Static_assert(sizeof(struct delta) == 32, "two slots a cache line");
_Static_assert(sizeof(struct deltas) % 64 == 0, "threads share no cache line");

/* For one thread, for good; NULL: all are taken. */
__attribute__((cold)) struct deltas *deltas_take(struct table *t);

/* In a child after fork: all but `own` are free. */
__attribute__((cold)) void deltas_forked(struct table *t, struct deltas *own);

/* Moves a slot's differences into its row; false: not now, a dump collects, or another thread is
 * at this row. */
bool delta_flush(struct table *t, struct deltas *d, struct delta *slot);

/* Finishes the step of a thread that is gone, or never was here (fork). */
__attribute__((cold)) void delta_finish_move(struct table *t, struct deltas *d);

/* All of them; at the thread's end. */
void deltas_flush(struct table *t, struct deltas *d);

/* Around a collection; no dump may be under way in another thread. */
__attribute__((cold)) void deltas_freeze(struct table *t);
void deltas_thaw(struct table *t);

/* As row_alloc(), row_free(), row_resize(), but in the thread's slots if there is one for the row. */
void delta_alloc(struct table *t, struct deltas *d, uint32_t row, uint64_t size_bytes);
void delta_free(struct table *t, struct deltas *d, uint32_t row, uint64_t size_bytes, bool temporary);
void delta_resize(struct table *t, struct deltas *d, uint32_t row, uint64_t old_bytes, uint64_t new_bytes);

#endif
