/* SPDX-License-Identifier: GPL-2.0-only */
/* See lifecycle.h. The beginnings and ends of threads, and how one thread waits for all others. */
#include "lifecycle.h"

#include "base/check.h"
#include "capture/capture.h"
#include "guard.h"
#include "inherit.h"
#include "record.h"
#include "threads.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETTLE_TRIES	100		/* of 20 ms */

static uint32_t visitors;		/* how many threads are between lifecycle_visit() and lifecycle_leave() */

void lifecycle_visit(void)
{
	add_relaxed(&visitors, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void lifecycle_leave(void)
{
	__atomic_fetch_sub(&visitors, 1, __ATOMIC_RELEASE);
}

void lifecycle_threads_forked(void)
{
	store_relaxed(&visitors, 0);
}

static pthread_key_t thread_key;
static bool thread_key_made;

/*
 * A destructor of thread-specific data. It runs before libc gives the thread's cache of free blocks
 * back, for which libc takes locks that a dump must not ask for.
 */
static void thread_ends(void *unused)
{
	struct thread *t = guard_self.thread;
	uint32_t number = threads_own_number();
	bool cut_short = guard_is_held();	/* cancelled, or ended by a handler, inside a hook */

	(void)unused;
	if (guard_self.inside && t)
		threads_cut_short(t);
	guard_enter();
	/* The slots that are flushed below must not change rows while another thread's fork copies them. */
	if (load_relaxed(&lifecycle.state) == LIFECYCLE_FORKING && !cut_short) {
		guard_leave();
		lifecycle_wait_for_fork();
		guard_enter();
	}
	guard_self.ending = true;
	guard_self.thread = NULL;
	guard_self.recall = NULL;
	if (t)
		threads_give_back(&recorder.table, t);
	if (number && lifecycle_is_tracing())
		threads_note_name(&recorder.table, number);
	inherit_thread_ends();
	guard_leave();
	check(cut_short || load_relaxed(&guard_was_recovered) || !guard_is_held(),
	      "the guard of a thread that ends is free, unless a hook was cut short");
}

static void begin_thread(void)
{
	check_equal(guard_self.fresh, 1u, "a thread begins once");
	guard_self.fresh = 0;
	pthread_setspecific(thread_key, &guard_self);
	guard_self.number = (uint16_t)threads_list(&recorder.table);
	guard_self.thread = threads_take(&recorder.table, recorder.depth, guard_self.number);
	if (guard_self.number)
		threads_note_name(&recorder.table, guard_self.number);
	/* With --unwind=check each stack is walked, so that it can be compared. */
	if (guard_self.thread && !capture_checking)
		guard_self.recall = guard_self.thread->recall;
}

/* The thread is not listed yet, so nobody would wait until it is outside the guard. */
void lifecycle_thread_begins(void)
{
	lifecycle_visit();
	if (lifecycle_watches_threads())
		begin_thread();
	lifecycle_leave();
}

bool lifecycle_watches_threads(void)
{
	return thread_key_made && load_relaxed(&lifecycle.state) == LIFECYCLE_TRACING;
}

void lifecycle_watch_threads(void)
{
	if (!thread_key_made)
		thread_key_made = !pthread_key_create(&thread_key, thread_ends);
}

/* Waits until every other thread has been outside the guard, for some seconds at most. */
bool lifecycle_settle(void)
{
	bool outside = false;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ||
	    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		threads_sleep(BARRIER_SLEEP_US);
	for (unsigned tries = 0; tries < SETTLE_TRIES && !outside; tries++) {
		outside = threads_wait_outside(guard_self.thread) && !load_acquire(&visitors);
		if (!outside)
			threads_sleep(1000);
	}
	return outside;
}
