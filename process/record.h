/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one allocation and one free do: capture, intern, count, and the block map.
 *
 * Any thread, inside the guard; async-signal-safe, no lock. errno is kept.
 */
#ifndef PROCESS_RECORD_H
#define PROCESS_RECORD_H

#include "base/options.h"
#include "capture/capture.h"
#include "guard.h"
#include "table/blocks.h"
#include "table/deltas.h"
#include "threads.h"

/* Set up at start; one in a process. */
extern struct recorder {
	struct blocks blocks;
	struct table table;
	unsigned depth;				/* frames of a row */
	enum unwind_mode unwind;
	uintptr_t loader_start, loader_end;	/* the dynamic loader's code */
	const char *one_thread;			/* not 0: no other thread has been started */
} recorder;

/* What one_thread points to: glibc's from 2.32 on, or else what is 0. */
const char *record_one_thread(void);

static inline bool process_has_one_thread(void)
{
	return *recorder.one_thread;
}

/*
 * A new block at p, from a call of `function` at the point that pc, sp and fp name (struct
 * capture_point).
 */
void record_alloc(void *p, const void *function, uintptr_t pc, uintptr_t sp, uintptr_t fp, size_t size);

/* The same for what realloc() has made from `old`, which was taken from the map. */
void record_realloc(void *p, size_t size, struct block old, const void *function,
		    const struct capture_point *from);

/* Puts back what a realloc() that failed has left where it was. */
void record_again(void *p, struct block b);

/*
 * A block that is no longer live. temporary: freed before its thread allocated again. nested:
 * this thread may be in the middle of another record (a signal handler's free), so what
 * belongs to the thread must not be touched.
 */
static inline __attribute__((always_inline)) void record_uncount(struct block b, bool temporary, bool nested)
{
	struct thread *self = guard_self.thread;

	if (process_has_one_thread())
		row_free_single(&recorder.table, b.row, b.size_bytes, temporary);
	else if (likely(self && self->deltas && !nested))
		delta_free(&recorder.table, self->deltas, b.row, b.size_bytes, temporary);
	else
		row_free(&recorder.table, b.row, b.size_bytes, temporary);
}

/* What is known of the block at p, which is to be known no more. */
static inline __attribute__((always_inline)) struct block record_take(void *p)
{
	uint32_t *slot = blocks_find(&recorder.blocks, p);

	return likely(slot != NULL) ? slot_take(slot) : (struct block){ ROW_NONE, 0 };
}

/* Before the real free of p: afterwards the address can be another thread's. False: nothing is
 * known of a block there. */
static inline HOT_CODE bool record_free(void *p, bool nested)
{
	struct block b;
	bool newest;

	/* The allocator will look there: both misses of the cache at a time. */
	__builtin_prefetch((const char *)p - 16, 1);
	b = record_take(p);
	if (unlikely(b.row == ROW_NONE))
		return false;
	newest = guard_self.last_block == p;
	if (newest)
		guard_self.last_block = NULL;
	record_uncount(b, newest, nested);
	return true;
}

#endif
