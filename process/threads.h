/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tracer keeps for each thread, beside the few words in thread-local storage. A
 * thread takes a state at its first hook and gives it back when it ends; the next thread
 * takes it over with all it knows. States are never freed.
 *
 * Lock-free, async-signal-safe.
 */
#ifndef PROCESS_THREADS_H
#define PROCESS_THREADS_H

#include <stdbool.h>
#include <stdint.h>

struct deltas;
struct paths;
struct table;

struct thread {
	struct thread *next;	/* in the list of all */
	struct deltas *deltas;	/* NULL: too many threads have some */
	struct paths *paths;	/* NULL: not yet, or there is no fast unwinder */
	uint32_t taken;
	const unsigned *inside;	/* the owner's guard_self.inside; gone when the owner is */
};

/* A state for the calling thread, whose stacks have at most `depth` frames with the function that is
 * called; NULL when there is no memory. */
struct thread *threads_take(struct table *table, unsigned depth);

/* An address above all frames on the calling thread's own stack, of which it cannot be said that it is
 * another stack's; signal handlers and coroutines may run elsewhere. Async-signal-safe. */
uintptr_t threads_stack_top(void);

/* Inside the guard. */
void threads_give_back(struct table *table, struct thread *t);

/*
 * Waits until every other thread has been seen outside the guard, or cannot be for a while (20 ms
 * in all: it may be waiting for what the caller holds). Threads that come in meanwhile are the
 * caller's to stop. False: one was not seen outside.
 */
bool threads_wait_outside(const struct thread *own);
/* The owner has left a hook in the middle (longjmp, cancellation): puts its state in order. What it
 * was about to count may be counted twice or not at all. */
void threads_cut_short(struct thread *t);

/* In a child after fork: only `own` (may be NULL) is in use there. */
void threads_forked(struct table *table, struct thread *own);

#endif
