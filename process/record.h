/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an allocation and a free are recorded: the stack is captured, its row is found or made (table.h), the block map
 * gets the block (blocks.h), and the row's counters change (row.h, delta_change.h).
 *
 * Invariant, while no thread is inside the guard: the block map has a block if and only if its row counts the block
 * as live (table/invariants.h).
 *
 * Every function here may be called in any thread, inside the guard. All are async-signal-safe, take no lock, and keep
 * errno.
 */
#ifndef PROCESS_RECORD_H
#define PROCESS_RECORD_H

#include "base/check.h"
#include "options/options.h"
#include "capture/capture.h"
#include "capture/recall/recall.h"
#include "guard.h"
#include "table/blocks.h"
#include "table/delta_change.h"
#include "threads.h"
#include "verify.h"

/* The recorder of the process; set up at start. */
extern struct recorder {
	struct blocks blocks;
	struct table table;
	unsigned depth;				/* the most frames of a row */
	enum unwind_mode unwind;
	uintptr_t loader_start, loader_end;	/* the dynamic loader's code */
	const char *one_thread;			/* points to 0 once another thread has been started */
	/* What `simple` points to is 0 unless there is one thread and sizes are not counted; what `careful` points to
	 * is 0 only if there are several threads and sizes are not counted. So both point where one_thread does, except
	 * with --histogram: then they are 0 and 1 for good, and no operation takes a path that does not count sizes. */
	const char *simple, *careful;
	const uint32_t *mode;			/* the table's control.mode; before there is a table, a 0 */
	uint32_t first_plain;			/* changes of rows below it are made by record_odd.h: their blocks were
						 * sampled, or no figure counts them any more. At least 1 */
	size_t (*block_bytes)(void *);		/* the allocator's malloc_usable_size(3), or NULL */
} recorder HIDDEN;

/* To be called when the table is there: counts the sizes of blocks from now on (--histogram). */
void record_sizes(void);

/* The table goes away. Nobody may be inside the guard but the caller. */
void record_forget(void);

/* A value for one_thread: glibc's __libc_single_threaded (2.32 and later), or a byte that is always 0. */
const char *record_one_thread(void);

static inline bool process_has_one_thread(void)
{
	return *recorder.one_thread;
}

/* Whether each block is recorded and nobody wants that changed: control.h is asked otherwise. */
static inline __attribute__((always_inline)) bool record_is_exact(void)
{
	return likely(is_zero_u32(recorder.mode));
}

/* Sets whether the row of each block decides how it is counted (record_odd.h), and no operation takes a path that does
 * not look at the row. */
void record_choose_paths(bool by_row);

/*
 * Records a new block at p, from a call at the point that pc, sp and fp name (struct capture_point). function: the
 * address of the called function plus 1, which is frame 0.
 */
__attribute__((cold)) void record_alloc(void *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp,
					size_t size);

/* The same for the block that realloc() has made from `old`, which was taken from the map before the call. */
void record_realloc(void *p, size_t size, struct block old, uintptr_t function,
		    const struct capture_point *from);

/* record_alloc() of a block of a pool, in the map of such blocks (pools.h). frame: the row's frame 0 (table/special.h).
 * And what record_freed_slow() does, for such a block that has been taken from there. p NULL: it was not freed by
 * itself. */
__attribute__((cold)) void record_alloc_in(struct blocks *map, void *p, uintptr_t frame,
					   const struct capture_point *from, size_t size);
__attribute__((cold)) void record_freed_in_pool(void *p, struct block b, bool nested);

/* Puts a block back into the map, and into the counts of sizes, that was taken from there for a realloc() which then
 * failed. */
void record_put_back(void *p, struct block b);

/*
 * Counts a block, which is no longer in the map, as freed. temporary: its thread had not allocated again. nested: this
 * thread may be in the middle of recording something else, since a signal handler may call free(), so the thread's
 * slots must not be touched.
 */
void record_uncount(struct block b, bool temporary, bool nested);

/* Whether the sizes of blocks are counted. */
static inline bool record_counts_sizes(void)
{
	return load_relaxed(&recorder.table.head->sizes);
}

/* Takes the block at p out of the map. Its row is ROW_NONE when none was recorded there. */
static inline __attribute__((always_inline)) struct block record_take(void *p)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p);
	struct block b = NO_BLOCK;

	if (likely(slot != NULL))
		b = slot_take(slot);
	return likely(b.row != ROW_NONE) ? b : blocks_take_large(&recorder.blocks, p);
}

/* The same for a realloc(), after which record_realloc(), record_uncount() or record_put_back() is called. */
struct block record_take_old(void *p);

/* Whether the block at p, whose slot in the map had this value, is the newest block of the calling thread. */
static inline bool record_is_newest(const void *p, uint32_t slot)
{
	return unlikely(guard_self.last_block == p) && likely(guard_self.last_slot == slot);
}

/* Records that p is freed. To be called before the real free(), because afterwards another thread can get the address.
 * False when no block was recorded there. */
bool record_free(void *p, bool nested);

/* The slow path of record_free_inline(): counts a block as freed that was taken from the map. */
void record_freed_slow(void *p, struct block b, bool nested);

/* record_free(p, false), inline for the hooks that are called most. Neither this function nor record_alloc_inline()
 * keeps values in registers for its slow paths: these are functions of their own, which find again what they need. */
static inline __attribute__((always_inline)) bool record_free_inline(void *p)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p), v;

	/* The allocator will read the block's header, so both cache misses are taken at the same time. */
	__builtin_prefetch((const char *)p - 16, 1);
	if (unlikely(!slot))
		return record_free(p, false);
	check(guard_seems_entered(), "a free is recorded inside the guard");
	v = load_relaxed(slot);
	if (unlikely(!slot_is_small(v, recorder.first_plain)))
		return record_free(p, false);
	if (unlikely(!*recorder.simple || guard_self.last_block == p)) {
		slot_clear(slot, v);
		record_freed_slow(p, (struct block){ slot_row(v), v, (uint8_t)v }, false);
		return true;
	}
	store_relaxed(slot, 0);
	if (unlikely(!row_free_single(&recorder.table, slot_row(v), (uint8_t)v)))
		row_free(&recorder.table, slot_row(v), (uint8_t)v, false);
	return true;
}

/*
 * The slow paths of record_alloc_inline(). record_row_missed(): the thread's memory of stacks has not recognized the
 * stack that it was asked for last. record_row_slow(): the thread has no such memory, or recognized stacks are compared
 * with another unwinder. record_new_slow(): the newest block is large, its slot is not free, there are several threads,
 * or sizes are counted.
 */
uint32_t record_row_missed(struct recall *r);
uint32_t record_row_slow(const struct thread *self, uintptr_t function, uintptr_t pc, uintptr_t sp,
			      uintptr_t fp);
void record_new_slow(uint32_t *slot, uint32_t row, uint64_t size_bytes);

/* The row of the calling backtrace, which is made if it is new. */
static inline uint32_t record_find_row(uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	struct recall *r = guard_self.recall;
	uint32_t row;

	if (unlikely(!r))
		return record_row_slow(guard_self.thread, function, pc, sp, fp);
	row = recall_find(r, function, pc, sp, fp);
	if (CHECKING && row)
		verify_recognized(&(struct capture_point){ pc, sp, fp }, row);
	/* The slow path finds the other values again, so no register has to keep them across recall_find(). */
	return likely(row) ? row : record_row_missed(guard_self.recall);
}

/* record_alloc() inline in a hook, whose caller is recorded; for the hooks that are called most. */
static inline __attribute__((always_inline)) void record_alloc_inline(void *p, uintptr_t function, size_t size)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p), row, noted;
	struct capture_point from = CAPTURE_POINT();

	check(guard_seems_entered(), "an allocation is recorded inside the guard");
	if (unlikely(!slot)) {
		record_alloc(p, function, from.pc, from.sp, from.fp, size);
		return;
	}
	__builtin_prefetch(slot, 1);	/* the slot is seldom in the cache, and will be written soon */
	guard_self.last_block = p;
	row = record_find_row(function, from.pc, from.sp, from.fp);
	noted = likely(*recorder.simple) ? slot_put_simple(slot, row, size) : 0;
	if (unlikely(!noted)) {
		record_new_slow(slot, row, size);
		return;
	}
	guard_self.last_slot = noted;
	if (unlikely(!row_alloc_single(&recorder.table, row, size)))
		row_alloc(&recorder.table, row, size);
}

#endif
