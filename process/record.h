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
	struct table table;
	struct blocks blocks;
	unsigned depth;				/* frames of a row */
	enum unwind_mode unwind;
	uintptr_t loader_start, loader_end;	/* the dynamic loader's code */
} recorder;

/* glibc's, 2.32 and later: no other thread has been started. */
extern char __libc_single_threaded __attribute__((weak));

static inline bool process_has_one_thread(void)
{
	return &__libc_single_threaded && __libc_single_threaded;
}

/*
 * A new block at p, from a call of `function` at that point; old: what realloc() made it
 * from, taken from the map.
 */
void record_alloc(void *p, size_t size, struct block old, const void *function,
		  const struct capture_point *from);

/*
 * A block that is no longer live. temporary: freed before its thread allocated again. nested:
 * this thread may be in the middle of another record (a signal handler's free), so what
 * belongs to the thread must not be touched.
 */
static inline void record_uncount(struct block b, bool temporary, bool nested)
{
	struct thread *self = guard_self.thread;

	if (b.row == ROW_NONE)
		return;
	if (process_has_one_thread())
		row_free_single(&recorder.table, b.row, b.size_bytes, temporary);
	else if (likely(self && self->deltas && !nested))
		delta_free(&recorder.table, self->deltas, b.row, b.size_bytes, temporary);
	else
		row_free(&recorder.table, b.row, b.size_bytes, temporary);
}

/* Before the real free of p: afterwards the address can be another thread's. */
static inline void record_free(void *p, bool nested)
{
	struct block b;

	/* The allocator will look there: both misses of the cache at a time. */
	__builtin_prefetch((const char *)p - 16, 1);
	b = blocks_take(&recorder.blocks, p);
	if (likely(b.row != ROW_NONE)) {
		bool newest = guard_self.last_block == p;

		if (newest)
			guard_self.last_block = NULL;
		record_uncount(b, newest, nested);
	} else if (!nested) {
		add_relaxed(&recorder.table.head->totals.unknown_frees, 1);
	}
}

#endif
