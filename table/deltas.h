/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The changes that a thread has made to rows and totals and that are still pending. Cache lines that several
 * threads write cost more than the rest of a hook, so each thread collects its changes in slots of its own. A slot
 * holds the pending changes of one row. A flush moves them into the row. A slot is flushed when its changes grow
 * large, when another row needs the slot, and when the thread ends.
 *
 * Invariants, while the owner is outside the guard (table/invariants.c checks them):
 *	slots[i].row == ROW_NONE  or  slots[i].row % DELTA_SLOTS == i
 *	|live_count| <= count_limit, |live_size| <= size_limit, |heap_size| <= heap_limit
 *	live_count < 0  implies  DELTA_FREES_COUNTED is set
 *	flushed_slot == 0
 * and while all threads are outside the guard:
 *	a row's figure + the sum of it over all threads' slots of the row == the true figure
 *	totals.live_size + the sum of heap_size over all threads == the heap's live size
 *	pending_frees[i] == the sum of count_limit over the slots i of all threads with DELTA_FREES_COUNTED
 *
 * What a view shows. A view adds all slots to the rows, so its live and total figures are exact. So is what each
 * row had at the heap's maximum, because a slot saves its part of that as a row does (row.h). Only a part of a
 * maximum can be missing, because nobody sees the sum over all threads at each moment. For each thread this is
 *	of a row's own maximum, at most DELTA_BLOCKS blocks or a quarter of the row's, and at most DELTA_BYTES bytes
 *	or an eighth of the row's, whichever is less;
 *	of the heap's maximum, at most DELTA_HEAP_BYTES or a 128th, whichever is less, however many rows the thread has
 *	slots for, since the thread adds each change of the heap's size to heap_size, which is flushed by itself.
 * Where these limits come to less than DELTA_LEAST bytes, nothing is missing.
 *
 * The age of a row. It begins when the count of live blocks, over all threads, leaves zero. A thread sees the row
 * and its own slot. When these two show no live block, the thread reads the other threads' slots before it lets the
 * age begin. But other threads' slots may also hold frees: then the row seems to have blocks when there are none.
 * The header has an upper bound of such frees (pending_frees, by the slot's number), so that threads read each
 * other's slots only where these could matter.
 *
 * A view freezes the slots while it collects. Meanwhile nothing moves from a slot to a row, because the view would
 * count it twice or not at all, and a change that does not fit into a slot goes to the row directly. A thread
 * stores `flushing` before it looks at `frozen`; a view stores `frozen`, then looks for threads that are flushing,
 * and waits for them, but not for ever.
 *
 * A process can be killed at any instruction, and no change may then be counted twice or lost. So a flush has
 * steps, one for each figure. Before each step the thread notes the figure's value (`before`) and then the number of
 * the step (`step`). Whoever reads the table after the kill finishes the flush: the steps that had not begun are
 * done, and the step that had begun is done if the figure still has the value from before.
 *
 * Slots belong to their thread. A signal handler that has interrupted the thread inside the tracer must not use
 * them. The pages of the mapping are touched as threads come.
 */
#ifndef TABLE_DELTAS_H
#define TABLE_DELTAS_H

#include "row.h"

#define DELTAS_THREADS		256	/* this many threads at a time have slots */
#define DELTA_SLOTS		TABLE_SLOTS
#define DELTA_BLOCKS		32
#define DELTA_BYTES		8192
#define DELTA_PART_LOG2		3	/* of the bytes that the row has */
#define DELTA_COUNT_LOG2	2	/* of its blocks */
#define DELTA_HEAP_BYTES	32768
#define DELTA_HEAP_PART_LOG2	7	/* of the heap's peak */
#define DELTA_LEAST		512	/* bytes: less is not worth being inexact */

/* A block of this many bytes or more changes the row directly: such blocks are rare, and the figures of a slot
 * have 32 bits. */
#define DELTA_BLOCK_BYTES	((uint64_t)1 << 28)

struct delta {
	uint32_t row;			/* ROW_NONE: a free slot */
	uint32_t epoch;			/* of totals.epoch, when heap_peak_size was saved; DELTA_FREES_COUNTED */
	int32_t live_size;
	int32_t heap_peak_size;		/* live_size at the heap's maximum: delta_heap_peak() */
	uint32_t total_count, total_size, temporary;
	int8_t live_count;
	uint8_t count_limit;		/* a larger |live_count| is flushed */
	uint16_t size_limit;		/* a larger |live_size| is flushed; the last flush has set both limits */
};
#define DELTA_FREES_COUNTED	1u	/* a bit of delta.epoch (epochs are even): pending_frees has count_limit */

/* The steps of a flush, in their order. */
enum delta_step {
	DELTA_NO_STEP,			/* none has begun */
	DELTA_LIVE_COUNT, DELTA_LIVE_SIZE, DELTA_TOTAL_COUNT, DELTA_TOTAL_SIZE, DELTA_TEMPORARY,
	DELTA_STEPS			/* all are done, but the slot has yet to be emptied */
};

struct deltas {
	struct delta slots[DELTA_SLOTS];
	int64_t heap_size;		/* bytes that totals.live_size does not have yet */
	int64_t heap_limit;		/* a larger |heap_size| is added to the totals */
	uint32_t flushing;
	uint32_t taken;			/* 1: these slots have an owner */
	uint32_t flushed_slot;		/* the number of the slot that is being flushed, plus 1; or 0 */
	uint32_t step;			/* enum delta_step */
	uint32_t upper;			/* 1: this flush adds live_size to the row's upper parts */
	uint32_t thread;		/* the owner's number (thread_list.h) */
	uint32_t kept;			/* 1: the last owner's end found a slot that could not be flushed */
	uint64_t before[DELTA_STEPS];	/* the row's figures before the steps that have begun */
} __attribute__((aligned(64)));		/* i386 aligns a uint64_t to 4 bytes */

_Static_assert(sizeof(struct delta) == 32, "two slots a cache line");
_Static_assert(sizeof(struct deltas) % 64 == 0, "threads share no cache line");

/* Slots for the calling thread, whose number is `thread`, until it ends. NULL when all are taken. Any thread,
 * async-signal-safe. */
__attribute__((cold)) struct deltas *deltas_take(struct table *t, uint32_t thread);

/* The same with slots that have been taken already, and whose last owner has ended. False: they still hold calls of the
 * last owner, because a view collects, and are given back. */
bool deltas_take_over(struct table *t, struct deltas *d, uint32_t thread);

/* In a child after fork, where only the calling thread is left: flushes all slots but its own (own, or NULL), and
 * marks them as free. */
__attribute__((cold)) void deltas_forked(struct table *t, struct deltas *own);

/* Flushes a slot of the calling thread. False: nothing was flushed, because a view collects or because a thread that
 * flushes to the same row was stopped in the middle. */
bool delta_flush(struct table *t, struct deltas *d, struct delta *slot);

/* The bytes that a slot, or a copy of one, adds to what its row had at the heap's maximum. */
static inline int32_t delta_heap_peak(const struct delta *slot, uint32_t totals_epoch)
{
	return (slot->epoch & ~DELTA_FREES_COUNTED) == totals_epoch ? slot->heap_peak_size : slot->live_size;
}

/* Finishes the flush that a thread had begun: one that was killed, or one that is not in the child after fork. */
__attribute__((cold)) void delta_finish_flush(struct table *t, struct deltas *d);

/* Flushes all slots and the heap's size; at the thread's end, by the thread. */
void deltas_flush(struct table *t, struct deltas *d);

/* A view calls these before and after it collects. One view at a time. */
__attribute__((cold)) void deltas_freeze(struct table *t);
void deltas_thaw(struct table *t);

/*
 * To be called before a row gets a live block. visible: how many live blocks the row has according to the row and
 * the calling thread's slot. Lets the row's age begin if the slots of all threads together show no live block.
 */
void deltas_row_begins(struct table *t, uint32_t row, int64_t visible);

#endif
