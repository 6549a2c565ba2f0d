/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stops one thread of another process, and lets go of it so that the program does not notice (ptrace(2)).
 *
 * Only this one thread is stopped; all others go on. PTRACE_SEIZE sends no signal. A system call in which the thread
 * waits is interrupted by the stop, and the program must not learn of that:
 *
 *	the kernel repeats it by itself		most system calls, when the registers are what they were at the stop
 *	it ends with EINTR			epoll_wait(), semop(), sigtimedwait(), receive with a timeout and
 *						others, see signal(7): thread_go_on() makes the thread execute it once
 *						more
 *
 * A signal for which the program has a handler may come at the same time. Then EINTR is right, because without a tracer
 * the program would have got it, too: where such a signal is pending, or shows itself before the repeated call begins,
 * the thread gets its EINTR back. (To release a thread at the entry of a call would interrupt that, too: PTRACE_DETACH
 * leaves a mark there as if a signal had come.)
 *
 * For the wrapper's only thread, which is the tracer.
 */
#ifndef WRAPPER_PTRACE_THREAD_H
#define WRAPPER_PTRACE_THREAD_H

#include "ptrace_registers.h"
#include "target.h"

#include <signal.h>

#define THREAD_SIGNALS_MAX	32
#define THREAD_ABANDONED_MAX	64

enum thread_stop {
	THREAD_NO_STOP,		/* it has not stopped in the time given */
	THREAD_STOPPED,		/* because it was asked to, or the whole process is stopped (SIGSTOP) */
	THREAD_ENTRY,		/* at the entry of a system call */
	THREAD_EXIT,		/* at the end of a system call */
	THREAD_SIGNAL,		/* before a signal is delivered: `signal` */
	THREAD_EXEC,		/* the process has become another program */
	THREAD_GONE,		/* the thread has ended */
};

struct thread {
	struct target *target;
	pid_t tid;
	bool seized, running;
	bool in_call;			/* the next stop at a system call is at its end */
	bool asked;			/* PTRACE_INTERRUPT has been sent, and the thread has not stopped since */
	bool at_request;		/* the last stop was by PTRACE_INTERRUPT, so a system call may end with EINTR */
	bool repeats;			/* it is about to execute an interrupted system call again... */
	struct registers ended;		/* ...and these are its registers if that has ended with EINTR */
	int signal;			/* THREAD_SIGNAL: which one */
	struct registers_waiting waiting;	/* before it was stopped */
};

/* Becomes the tracer of a thread, which goes on. False: errno says why not. */
bool thread_seize(struct thread *t, struct target *target, pid_t tid);

/* Asks the thread to stop (PTRACE_INTERRUPT), if that has not been done. Each stop for another reason takes the request
 * back, so that it has to be made again (ptrace_stop() in kernel/signal.c of Linux). A thread that is stopped stops
 * once more as soon as it goes on. False: the thread has ended. */
bool thread_ask(struct thread *t);

/* Stops the thread, which is the program's own up to then; THREAD_NO_STOP: not within so many milliseconds. */
enum thread_stop thread_stop(struct thread *t, unsigned milliseconds);

/* Lets the stopped thread go on with what it did, to the next entry or end of a system call. signal: the one to be
 * delivered, or 0. False: the thread has ended. */
bool thread_go_on(struct thread *t, int signal);

/* The same for a thread whose registers have been changed, so that it executes something else. by_calls: it stops at
 * system calls, too. */
bool thread_run(struct thread *t, bool by_calls);

/* Waits for a stop; THREAD_NO_STOP: not within so many milliseconds. */
enum thread_stop thread_wait(struct thread *t, unsigned milliseconds);

/* The signals for which the program has a handler, as a bit for each from 1 on (/proc/PID/status). pending: only those
 * that are pending for the thread, and not blocked. */
uint64_t thread_caught_signals(const struct thread *t, bool pending);

/* The number of the system call that the stopped thread, whose registers are *r, executes again as soon as it goes on,
 * because the stop has interrupted it; REGISTERS_NO_CALL: it does not. */
long thread_repeats_call(const struct thread *t, const struct registers *r);

/* Leaves a thread alone that thread_stop() has not stopped in time. When it has stopped after all, it is released: by
 * thread_wait() while that waits for another one, as the thread may hold a lock that the other one needs, and by
 * thread_release_abandoned(). Then it can be stopped again. False: there are too many such threads, and this one stays
 * stopped until this process ends. */
bool thread_abandon(struct thread *t);
bool thread_is_abandoned(pid_t tid);
void thread_release_abandoned(void);

/* Lets go of the stopped thread, whose registers are what they were at the stop. */
void thread_release(struct thread *t);

#endif
