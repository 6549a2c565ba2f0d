/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences that one thread has made to rows and totals and has not yet told: cache lines that
 * several threads write cost more than all the rest of a hook. A slot holds the differences of one
 * row. They move into the row (a flush) when they grow large, when another row needs the slot, and
 * when the row may be leaving zero live blocks.
 *
 * A view adds all threads' slots to the rows, so its live and total figures are exact, and so is what
 * each row had at the heap's maximum: a slot saves its part of that as a row does (row.h). What can be
 * missing is part of a maximum, because nobody sees the sum of all threads at each moment. For each
 * thread that is
 *	of a row's own maximum, at most DELTA_BLOCKS blocks or a quarter of the row's, and an eighth of its bytes or
 *	DELTA_BYTES, whichever is less;
 *	of the heap's maximum, a 128th or DELTA_HEAP_BYTES, whichever is less, however many rows the
 *	thread has slots for: each operation adds to heap_size, which is told by itself.
 * Where that comes to less than DELTA_LEAST bytes nothing is missing.
 *
 * The age of a row begins when its count of live blocks, over all threads, leaves zero. A thread sees
 * the row and its own slot. When these two say that there was no live block, it asks the other
 * threads' slots before it lets the age begin. Other threads' slots may also hold frees that the row
 * does not know of: then the row seems to have blocks when there are none. How many blocks slots may hold
 * less than their rows know is added up in the header (pending_frees, by the slot's number), so that this
 * question is only asked where it can matter.
 *
 * While a view collects, it freezes the slots: then nothing moves from a slot to a row (the view would
 * see it twice, or not at all), and what does not fit into a slot changes the row itself. A thread says
 * that it is flushing before it looks whether it may. Who freezes looks for such threads afterwards,
 * and waits for them, but not for ever.
 *
 * A process can be killed at any instruction. So that no difference is then seen twice, or not at all,
 * a thread that flushes a slot does so in steps, one for each figure. Before each it notes what the
 * figure is (before) and then which step begins (step). Whoever reads the table afterwards finishes
 * the flush: steps that had not begun are done, and the one that had begun is done if the figure is
 * still what it was.
 *
 * Slots belong to their thread, which must not use them in a signal handler that has interrupted it
 * inside the tracer. The mapping's pages are touched as threads come.
 */
#ifndef TABLE_DELTAS_H
#define TABLE_DELTAS_H

#include "row.h"

#define DELTAS_THREADS		256	/* threads at a time that have slots */
#define DELTA_SLOTS		TABLE_SLOTS
#define DELTA_BLOCKS		32
#define DELTA_BYTES		8192
#define DELTA_PART_LOG2		3	/* of the bytes that the row has */
#define DELTA_COUNT_LOG2	2	/* of its blocks */
#define DELTA_HEAP_BYTES	32768
#define DELTA_HEAP_PART_LOG2	7	/* of the heap's peak */
#define DELTA_LEAST		512	/* bytes: less is not worth being inexact */

/* A single block of this many bytes, and more, changes rows and totals directly: it is rare, and a
 * slot's figures have 32 bits. */
#define DELTA_BLOCK_BYTES	((uint64_t)1 << 28)

struct delta {
	uint32_t row;			/* ROW_NONE: a free slot */
	uint32_t epoch;			/* of totals.epoch, when heap_peak_size was saved; DELTA_FREES_COUNTED */
	int32_t live_size;
	int32_t heap_peak_size;		/* live_size at the heap's maximum: delta_heap_peak() */
	uint32_t total_count, total_size, temporary;
	int8_t live_count;
	uint8_t count_limit;		/* that live_count may be, or the negative of it, without a flush */
	uint16_t size_limit;		/* the same of live_size; both are known since the last flush */
};
#define DELTA_FREES_COUNTED		1u	/* epochs are even: count_limit is counted in pending_frees */

/* The steps of a flush, in their order. */
enum delta_step {
	DELTA_NO_STEP,			/* none has begun */
	DELTA_LIVE_COUNT, DELTA_LIVE_SIZE, DELTA_TOTAL_COUNT, DELTA_TOTAL_SIZE, DELTA_TEMPORARY,
	DELTA_STEPS			/* all are done, but the slot has yet to be emptied */
};

struct deltas {
	struct delta slots[DELTA_SLOTS];
	int64_t heap_size;		/* bytes that totals.live_size does not have yet */
	int64_t heap_limit;		/* that it may be, or the negative of it, before it is told */
	uint32_t flushing;
	uint32_t taken;			/* a thread has them */
	uint32_t flushed_slot;		/* the number of the slot that is being flushed, plus 1; or 0 */
	uint32_t step;			/* enum delta_step */
	uint32_t upper;			/* live_size goes to the row's upper parts */
	uint64_t before[DELTA_STEPS];	/* the row's figures before the steps that have begun */
} __attribute__((aligned(64)));		/* i386 aligns a uint64_t to 4 bytes */

_Static_assert(sizeof(struct delta) == 32, "two slots a cache line");
_Static_assert(sizeof(struct deltas) % 64 == 0, "threads share no cache line");

/* For one thread, for good; NULL: all are taken. */
__attribute__((cold)) struct deltas *deltas_take(struct table *t);

/* In a child after fork: all but `own` are free, and what they held is told. */
__attribute__((cold)) void deltas_forked(struct table *t, struct deltas *own);

/* Moves what a slot holds into its row; false: not now, a view collects. */
bool delta_flush(struct table *t, struct deltas *d, struct delta *slot);

/* The part of a slot (or of a copy of one) in what its row had at the heap's maximum: bytes. */
static inline int32_t delta_heap_peak(const struct delta *slot, uint32_t totals_epoch)
{
	return (slot->epoch & ~DELTA_FREES_COUNTED) == totals_epoch ? slot->heap_peak_size : slot->live_size;
}

/* Finishes the flush of a thread that is gone, or never was here (fork). */
__attribute__((cold)) void delta_finish_flush(struct table *t, struct deltas *d);

/* All of them; at the thread's end. */
void deltas_flush(struct table *t, struct deltas *d);

/* Around a collection; no dump may be under way in another thread. */
__attribute__((cold)) void deltas_freeze(struct table *t);
void deltas_thaw(struct table *t);

/*
 * A row is about to get a live block. visible: how many it has by the row and the calling thread's own
 * slot. Lets the row's age begin if no thread's slot says that there is a live block.
 */
void deltas_row_begins(struct table *t, uint32_t row, int64_t visible);

#endif
