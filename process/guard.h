/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guard: a counter in thread-local storage that is not zero while the thread is inside a hook
 * or the tracer. An allocation that the thread makes meanwhile is not recorded: the real function
 * may allocate by way of another hook, and the outer call is the one that counts. A dump that a
 * signal asks for meanwhile is taken when the hook ends. So a dump never runs while its own thread
 * is inside malloc, and a thread that a signal interrupts outside the guard holds none of malloc's locks.
 *
 * guard.c owns the variable. Its states:
 *
 *	fresh	inside	busy	ending
 *	1	0	0	no	the thread has called no hook yet, or no hook that was recorded
 *	0	0	0	no	outside: hooks record, dumps are taken at once
 *	0	n > 0	any	no	inside n nested guards: hooks pass through, dumps wait
 *	0	0	n > 0	no	inside the allocator by another way: hooks record, dumps wait
 *	any	any	any	yes	thread-specific data are gone: no more state of the thread's own
 *
 * While the thread's `ignoring` is not zero, its allocations are not recorded, and hooks enter the guard all the same.
 *
 * Both counters are zero when the thread ends, unless the thread was cancelled inside a hook. They can fall
 * below zero in one case: a signal handler switches to another context (swapcontext(3)) in the middle of a hook,
 * the next hook of the thread takes the first one for left and frees the guard (guard_recover()), and then the
 * program switches back, so that the first hook leaves a guard which is no longer held. The thread's next hook
 * puts that right. So builds that check invariants do not check the counters of one thread. They count the
 * guards of the whole process: contexts may be abandoned, but no guard is left that was never entered.
 */
#ifndef PROCESS_GUARD_H
#define PROCESS_GUARD_H

#include "base/atomics.h"
#include "base/check.h"
#include "table/sample.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct recall;
struct thread;

struct guard {
	union {
		struct {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			unsigned inside;
			uint16_t fresh;	/* not zero: lifecycle_thread_begins() has yet to be called */
			uint16_t ignoring;	/* how often the thread has said that its allocations are to be
						 * ignored */
#else
			uint16_t fresh;
			uint16_t ignoring;
			unsigned inside;
#endif
		};
		uint64_t unready;	/* all in one load. A load waits for an earlier store of another
					 * width (store forwarding fails), so `inside` is counted here */
	};
	struct thread *thread;	/* threads.h; NULL: not yet, no longer, or no memory for it */
	struct recall *recall;	/* thread->recall; NULL: there is none, or stacks are to be walked */
	void *last_block;	/* the thread's newest allocation, if not yet freed */
	uint32_t last_slot;	/* the block map's slot of last_block at that time (blocks.h) */
	unsigned busy;		/* calls into the allocator that are not recorded themselves */
	unsigned requests;	/* dumps to take when `inside` and `busy` are zero (session.h) */
	bool ending;		/* libc gives the thread's cache of blocks back, and may hold locks */
	bool forking;		/* between the handlers before and after a fork, which are not on the stack */
	uint16_t number;	/* in the table's list of threads (table/thread_list.h) */
	struct sampler sampler;	/* which of the thread's blocks are recorded, where not each is (control.h) */
};

extern __thread struct guard guard_self HIDDEN;

/* In builds that check invariants (base/check.h): how many guards have been entered and not yet left, `busy` ones
 * included, in all threads; and whether guard_recover() was ever true, so that a thread's counters may be off. */
extern long guard_balance HIDDEN;
extern bool guard_was_recovered HIDDEN;

/*
 * A signal handler that interrupted a hook may have left it for good, by longjmp(3). The guard would
 * then be held for ever. Whoever finds the guard held asks here: when no function of this library
 * is on the stack, but for those that have just been called, the hook was left. Then the guard is set
 * free, the thread's state is put in order, and the answer is true. calls: how many functions of this
 * library have just been called, the caller included (libc may jump from a hook into another one,
 * and is not on the stack then), or GUARD_BY_SIGNAL. Async-signal-safe, keeps errno.
 */
#define GUARD_BY_SIGNAL	UINT_MAX
bool guard_recover(unsigned calls);

/* Around fork: enters the guard, and leaves it again in the parent or (seen: guard_fork_prepare() ran) in the
 * child. In between the guard cannot be recovered, as no function of this library is on the stack. */
void guard_fork_prepare(void);
void guard_fork_ends(void);
void guard_forked(bool seen);

/* Takes the dumps that have been asked for. Outside the guard. Keeps errno. Defined in session.c. */
void guard_take_requests(void);

/* In a child after fork: the requests were for the parent. */
static inline void guard_forget_requests(void)
{
	guard_self.requests = 0;
}

/* The fences keep the compiler from moving the work of a hook out of the guard. */
static inline void guard_enter(void)
{
	check_costly(add_relaxed(&guard_balance, 1));
	guard_self.unready++;
	signal_fence();
}

/* Leaves the guard, but a dump that has been asked for meanwhile waits for the next guard_leave(). */
static inline __attribute__((always_inline)) void guard_drop(void)
{
	check_below(0, sub_relaxed(&guard_balance, 1), "a guard is left that has been entered");
	signal_fence();
	guard_self.unready--;
	signal_fence();
}

/* For checks: whether this thread is inside the guard. True also where its counter cannot be trusted any more. */
static inline bool guard_seems_entered(void)
{
	return guard_self.inside || load_relaxed(&guard_was_recovered);
}

/* Whether a dump has to wait. */
static inline __attribute__((always_inline)) bool guard_is_held(void)
{
	return guard_self.inside || guard_self.busy;
}

static inline void guard_leave(void)
{
	guard_drop();
	if (unlikely(guard_self.requests) && !guard_is_held())
		guard_take_requests();
}

/* Around a call into the allocator that takes the allocator's locks but allocates nothing for the
 * program: hooks record meanwhile, but a dump waits. */
static inline void guard_busy(void)
{
	check_costly(add_relaxed(&guard_balance, 1));
	guard_self.busy++;
	signal_fence();
}

static inline void guard_idle(void)
{
	check_below(0, sub_relaxed(&guard_balance, 1), "a call into the allocator ends that has begun");
	signal_fence();
	guard_self.busy--;
	guard_enter();
	guard_leave();
}

#endif
