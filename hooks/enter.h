/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a hook of an allocation function begins, and what all hooks of realloc() do. Any thread, and signal handlers;
 * errno is kept.
 */
#ifndef HOOKS_ENTER_H
#define HOOKS_ENTER_H

#include "process/control.h"
#include "process/guard.h"
#include "process/lifecycle.h"
#include "process/record.h"
#include "process/record_odd.h"

/* Finds the real functions and starts the recording, as far as that has not been done. May be called inside the guard
 * or outside it. False: nothing is recorded. */
bool enter_start(void);

/*
 * Inside the guard, when this is not plainly a process that records: starts it, or waits for another
 * thread's fork, twice at most. False: nothing is recorded, and the guard has been left.
 */
bool enter_slow(void);

/*
 * A hook that finds the guard held, or is the first one of its thread or of the process. False: the
 * call is passed through unrecorded.
 */
bool enter_first(unsigned calls);

/*
 * Begins a hook. True: the guard has been entered, and the hook ends with guard_leave(). False: the
 * call is passed through unrecorded. calls: how many functions of this library are on the stack (see
 * guard_recover()): 1 in the hook itself, 2 in a function that the hook calls.
 */
static inline __attribute__((always_inline)) bool enter(unsigned calls)
{
	if (unlikely(guard_self.unready) && !enter_first(calls))
		return false;
	guard_enter();
	return likely(load_relaxed(&lifecycle.state) == LIFECYCLE_TRACING) || enter_slow();
}

/* The same where each block is recorded and nothing else is to be done. False: the guard has not been entered, and
 * enter() has to be asked. */
static inline __attribute__((always_inline)) bool enter_plainly(void)
{
	if (unlikely(guard_self.unready))
		return false;
	guard_enter();
	if (likely(load_relaxed(&lifecycle.state) == LIFECYCLE_TRACING))
		return true;
	guard_drop();
	return false;
}

/* A call of realloc() or its like. */
struct renewal {
	struct block old;		/* the row is ROW_NONE when no old block was recorded */
	bool recording, was_newest;
	bool was_backing;		/* the old block was one that a pool made its blocks of (process/pools.h) */
};

/*
 * Before the real function. The old block's slot is cleared now, because the address can be another thread's as soon as
 * the real function has freed the block; it is restored when the call fails. calls: see enter().
 */
static inline __attribute__((always_inline)) struct renewal renewal_begin(void *old, unsigned calls)
{
	struct renewal r = { .recording = enter(calls), .old = NO_BLOCK };

	if (lifecycle_is_tracing() && old) {
		r.old = record_take_old(old);
		r.was_backing = r.old.row == ROW_NONE && pools_backing_freed(old, !r.recording);
	}
	r.was_newest = r.old.row != ROW_NONE && record_is_newest(old, r.old.slot);
	return r;
}

/* After it. p: the new block; NULL: there is none. freed: where there is no new block, whether the old one is gone. */
static inline __attribute__((always_inline)) void renewal_end(const struct renewal *r, void *old, void *p, bool freed,
							       size_t size, uintptr_t function,
							       const struct capture_point *from)
{
	if (p && r->recording && old && r->old.row == ROW_NONE && !r->was_backing)
		record_odd_unknown_free();
	if (p && r->recording && control_records(p, r->old.row != ROW_NONE ? old : NULL, size)) {
		record_realloc(p, size, r->old, function, from);
	} else if (p || freed) {
		/* The block has been freed, and nothing that is recorded was allocated. */
		if (r->old.row != ROW_NONE) {
			record_uncount(r->old, r->was_newest, !r->recording);
			free_filter_remove(old);
		}
		if (r->was_newest)
			guard_self.last_block = NULL;
	} else if (r->old.row != ROW_NONE) {
		record_put_back(old, r->old);
	}
	if (r->recording)
		guard_leave();
}

#endif
