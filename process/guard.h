/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guard: a counter in thread-local storage that is not zero while the thread is inside
 * a hook or the tracer. What is allocated then passes through unrecorded (the real function
 * may allocate by way of another hook: the outer call is the one that counts), and a dump
 * that a signal asks for is taken when the hook ends. So a dump never runs while its own
 * thread is inside malloc, and a thread that is interrupted outside the guard holds no lock
 * of malloc's.
 */
#ifndef PROCESS_GUARD_H
#define PROCESS_GUARD_H

#include "base/atomics.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct paths;
struct thread;

struct guard {
	union {
		struct {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			unsigned inside;
			unsigned fresh;	/* not zero: nothing has been done yet for the thread */
#else
			unsigned fresh;
			unsigned inside;
#endif
		};
		uint64_t unready;	/* one of the two, in one look. Only what is stored as wide as it is
					 * loaded comes to the load at once: so `inside` is counted here */
	};
	struct thread *thread;	/* threads.h; NULL: not yet, no longer, or no memory for it */
	struct paths *paths;	/* its memory of stacks; NULL: none, or there is more to ask */
	void *last_block;	/* the thread's newest allocation, if not yet freed */
	uint32_t last_slot;	/* what the block map had of it then (blocks.h) */
	unsigned busy;		/* inside the allocator other than by a hook: dumps wait */
	unsigned requests;	/* dumps to take when both drop to zero (session.h) */
	bool ending;		/* libc gives back its cache, and may hold locks */
	bool forking;		/* inside by the handlers around fork, which have returned */
};

extern __thread struct guard guard_self HIDDEN;

/*
 * A signal handler that interrupted a hook may have left it for good (longjmp), and the guard
 * would be held for ever. Finds out from the stack, when somebody finds the guard held: true
 * when no function of ours is on it, outward of those that have just been called; the guard is
 * free then, and what the thread keeps is in order. calls: how many those are, the caller
 * included (libc may jump from a hook into another one, and stand on the stack no more), or
 * GUARD_BY_SIGNAL. Async-signal-safe, keeps errno. Defined in recover.c.
 */
#define GUARD_BY_SIGNAL	UINT_MAX
bool guard_recover(unsigned calls);

/* Takes the dumps asked for; the guard is free. Keeps errno. Defined in session.c. */
void guard_take_requests(void);

/* The compiler must not move the real work out from between these. */
static inline void guard_enter(void)
{
	guard_self.unready++;
	signal_fence();
}

/* Leaves it, but what has been asked for meanwhile has to wait for the next guard_leave(). */
static inline __attribute__((always_inline)) void guard_drop(void)
{
	signal_fence();
	guard_self.unready--;
	signal_fence();
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

/* Around a call into the allocator that holds its locks but allocates nothing of the
 * program's: what happens meanwhile is recorded, but a dump waits. */
static inline void guard_busy(void)
{
	guard_self.busy++;
	signal_fence();
}

static inline void guard_idle(void)
{
	signal_fence();
	guard_self.busy--;
	guard_enter();
	guard_leave();
}

#endif
