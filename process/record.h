/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one allocation and one free do: capture, intern, count, and the block map.
 *
 * Any thread, inside the guard; async-signal-safe, no lock. errno is kept.
 */
#ifndef PROCESS_RECORD_H
#define PROCESS_RECORD_H

#include "base/check.h"
#include "options/options.h"
#include "capture/capture.h"
#include "capture/paths.h"
#include "guard.h"
#include "table/blocks.h"
#include "table/delta_change.h"
#include "threads.h"
#include "verify.h"

/* Set up at start; one in a process. */
extern struct recorder {
	struct blocks blocks;
	struct table table;
	unsigned depth;				/* frames of a row */
	enum unwind_mode unwind;
	uintptr_t loader_start, loader_end;	/* the dynamic loader's code */
	const char *one_thread;			/* not 0: no other thread has been started */
} recorder HIDDEN;

/* What one_thread points to: glibc's from 2.32 on, or else what is 0. */
const char *record_one_thread(void);

static inline bool process_has_one_thread(void)
{
	return *recorder.one_thread;
}

/*
 * A new block at p, from a call at the point that pc, sp and fp name (struct capture_point); function:
 * the address after the first byte of the function that was called, which is frame 0.
 */
__attribute__((cold)) void record_alloc(void *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp, size_t size);

/* The same for what realloc() has made from `old`, which was taken from the map. */
void record_realloc(void *p, size_t size, struct block old, uintptr_t function,
		    const struct capture_point *from);

/* Puts back what a realloc() that failed has left where it was. */
void record_put_back(void *p, struct block b);

/*
 * A block that is no longer live. temporary: freed before its thread allocated again. nested:
 * this thread may be in the middle of another record (a signal handler's free), so what
 * belongs to the thread must not be touched.
 */
void record_uncount(struct block b, bool temporary, bool nested);

/* What is known of the block at p, which is to be known no more. */
static inline __attribute__((always_inline)) struct block record_take(void *p)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p);
	struct block b = NO_BLOCK;

	if (likely(slot != NULL))
		b = slot_take(slot);
	return likely(b.row != ROW_NONE) ? b : blocks_take_large(&recorder.blocks, p);
}

/* Whether the block at p, whose slot in the map had this value, is the thread's newest. */
static inline bool record_is_newest(const void *p, uint32_t slot)
{
	return unlikely(guard_self.last_block == p) && likely(guard_self.last_slot == slot);
}

/* Before the real free of p: afterwards the address can be another thread's. False: nothing is
 * known of a block there. */
bool record_free(void *p, bool nested);

/* What record_free_inline() leaves to others. */
void record_freed_slow(const void *p, struct block b, bool nested);

/* record_free(p, false), for where it is worth the space. Neither this nor record_alloc_inline() takes up
 * registers for what happens seldom: it is in functions of its own, which get all they need again. */
static inline __attribute__((always_inline)) bool record_free_inline(void *p)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p), v;

	/* The allocator will look there: both misses of the cache at a time. */
	__builtin_prefetch((const char *)p - 16, 1);
	if (unlikely(!slot))
		return record_free(p, false);
	v = load_relaxed(slot);
	if (unlikely(!slot_is_small(v)))
		return record_free(p, false);
	if (unlikely(!process_has_one_thread() || guard_self.last_block == p)) {
		slot_clear(slot, v);
		record_freed_slow(p, (struct block){ slot_row(v), v, (uint8_t)v }, false);
		return true;
	}
	store_relaxed(slot, 0);
	if (unlikely(!row_free_single(&recorder.table, slot_row(v), (uint8_t)v)))
		row_free(&recorder.table, slot_row(v), (uint8_t)v, false);
	return true;
}

/* What record_alloc_inline() leaves to others. */
uint32_t record_row_missed(struct paths *p);
uint32_t record_row_slow(const struct thread *self, uintptr_t function, uintptr_t pc, uintptr_t sp,
			      uintptr_t fp);
void record_new_slow(uint32_t *slot, uint32_t row, uint64_t size_bytes);

/* The calling backtrace's row. */
static inline uint32_t record_find_row(uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	struct paths *p = guard_self.paths;
	uint32_t row;

	if (unlikely(!p))
		return record_row_slow(guard_self.thread, function, pc, sp, fp);
	row = paths_find(p, function, pc, sp, fp);
	if (CHECKING && row)
		verify_recognized(&(struct capture_point){ pc, sp, fp }, row);
	/* What else is needed is asked for again then: here nothing has to be kept. */
	return likely(row) ? row : record_row_missed(guard_self.paths);
}

/* record_alloc() in a hook itself, whose caller it records: for where it is worth the space. */
static inline __attribute__((always_inline)) void record_alloc_inline(void *p, uintptr_t function, size_t size)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p), row, noted;
	struct capture_point from = CAPTURE_POINT();

	if (unlikely(!slot)) {
		record_alloc(p, function, from.pc, from.sp, from.fp, size);
		return;
	}
	__builtin_prefetch(slot, 1);	/* seldom in the cache, and wanted soon */
	guard_self.last_block = p;
	row = record_find_row(function, from.pc, from.sp, from.fp);
	noted = likely(process_has_one_thread()) ? slot_put_simple(slot, row, size) : 0;
	if (unlikely(!noted)) {
		record_new_slow(slot, row, size);
		return;
	}
	guard_self.last_slot = noted;
	if (unlikely(!row_alloc_single(&recorder.table, row, size)))
		row_alloc(&recorder.table, row, size);
}

#endif
