/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tracer keeps for each thread, beside the few words in thread-local storage (guard.h). A thread takes a
 * state at its first hook and gives it back when it ends. The next thread takes the state over. Some states keep the
 * stacks that they know for that; the memory of the others goes back to the kernel. States are never freed.
 *
 * Invariants: a state that is not taken has inside == NULL and nothing pending in its slots; the list only grows.
 *
 * Everything here is lock-free and async-signal-safe.
 */
#ifndef PROCESS_THREADS_H
#define PROCESS_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct deltas;
struct recall;
struct table;

struct thread {
	struct thread *next;	/* in the list of all */
	struct deltas *deltas;	/* its slots; NULL: all are taken by other threads */
	struct recall *recall;	/* its memory of stacks; NULL: not yet made, or there is no fast unwinder */
	uint32_t taken;		/* 1: the state has an owner */
	uint32_t spare;		/* 1: it has none, and keeps the stacks that it knows */
	const unsigned *inside;	/* the owner's guard_self.inside, whose memory goes away with the owner */
	const unsigned *leaving;	/* in a process that was attached to, the same of the last owner, which may
					 * still run destructors of other libraries, and call hooks from there; or
					 * NULL */
	pthread_t self;		/* the owner... */
	uint32_t id;		/* ...the kernel's id of it... */
	uint32_t number;	/* ...and its number in the table's list (table/thread_list.h) */
};

/* The calling thread's number in the table: that of its state, since the number that it took at its first hook was in
 * the table of that time. */
#define threads_own_number()	(guard_self.thread ? load_relaxed(&guard_self.thread->number) : guard_self.number)

/* Takes a state for the calling thread. depth: the most frames of a row, with that of the function that the program
 * called. number: that of the thread, from threads_list(). NULL when there is no memory. */
struct thread *threads_take(struct table *table, unsigned depth, uint32_t number);

/* Lists the calling thread in the table. Returns its number. */
__attribute__((cold)) uint32_t threads_list(struct table *table);

/* Notes the name that the kernel has of the calling thread, whose number this is. */
__attribute__((cold)) void threads_note_name(struct table *table, uint32_t number);

/* From now on threads_note_name() does nothing, because the program is about to install a filter of seccomp(2), which
 * may forbid the question. */
void threads_expect_filter(void);

/* Notes a name of any length that the thread of this number has got. */
__attribute__((cold)) void threads_name(struct table *table, uint32_t number, const char *name);

/* The same for any thread that has a state. */
__attribute__((cold)) void threads_name_other(struct table *table, pthread_t thread, const char *name);

/* The kernel's id of the calling thread. */
static inline uint32_t threads_own_id(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

#define BARRIER_SLEEP_US	50000	/* where the kernel has no membarrier(2): no store stays in a processor for so
					 * long */

/* Lets other threads run for at least so many microseconds, below a second, or until a signal comes. Keeps errno. */
void threads_sleep(uint32_t microseconds);

/* An address above all frames on the calling thread's own stack. Frames below it need not be on that stack, since
 * signal handlers and coroutines may run on others. */
uintptr_t threads_stack_top(void);

/* Gives back the state of a thread that ends. Inside the guard. */
void threads_give_back(struct table *table, struct thread *t);

/*
 * Waits until every other thread has been seen outside the guard, but for 20 ms at most in all, because a thread may be
 * waiting for something that the caller holds. The caller has to see to it that no thread enters the guard meanwhile.
 * False: some thread was not seen outside.
 */
bool threads_wait_outside(const struct thread *own);

/* Puts what is pending in threads' slots into the rows, but for those of other threads that are inside the guard, and
 * may be changing their slots. The caller has to see to it that no thread enters the guard meanwhile. */
void threads_flush(struct table *table, const struct thread *own);

/* The table goes away: no thread has slots in it any more. Nobody may be inside the guard but the caller. */
__attribute__((cold)) void threads_leave_table(void);

/* Another table has come: lists the threads there that have a state, and gives them slots. depth: as in threads_take().
 * Nobody may be inside the guard but the caller, and nothing may be recorded yet. */
__attribute__((cold)) void threads_join_table(struct table *table, unsigned depth);

/* The calling thread has left a hook in the middle (longjmp(), cancellation): makes its state usable again. The
 * operation that was under way may be counted twice or not at all. */
void threads_cut_short(struct thread *t);

/* In a child after fork: gives back all states but `own` (which may be NULL), and flushes their slots. The calling
 * thread, which had this number, is the main thread. */
void threads_forked(struct table *table, struct thread *own, uint32_t number);

#endif
