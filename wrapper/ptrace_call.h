/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a stopped thread of another process execute system calls and call functions, and puts it back.
 *
 *	call_begin()	keeps all registers, and writes a signal frame with them below the thread's stack, as the kernel
 *			does before it calls a handler; blocks the thread's signals; maps memory in the process, of
 *			which the upper part holds a few instructions and a signal frame with the registers, the rest
 *			is a stack
 *	call_function()	the thread calls the function on that stack, which returns to the instructions: they send a
 *			signal to their own thread, at which it stops, and then ask the kernel to resume what the frame
 *			says (rt_sigreturn(2))
 *	call_end()	unmaps the memory; registers, signal mask and interrupted system call are what they were
 *
 * So where this process is killed in the middle, the thread ends the function and then resumes what it did before: the
 * signal is one that the program has no handler for, and that has no effect by default. (Where there is none, or the
 * process may not have memory that is executable, the function returns to a system call instruction of libc instead,
 * and this process must not be killed meanwhile.)
 *
 * It also resumes after a system call, which is made by an instruction of libc that is followed by a return: that leads
 * to the libc's rt_sigreturn(2), and so to the frame on the thread's own stack. (Where the thread's stack has no room,
 * or is none that libc has made, and on aarch64, this process must not be killed during these few system calls.)
 *
 * Signals that nobody can block and those that report a fault are put off, and sent again by call_end(). A fault of the
 * function itself ends the call: CALL_CRASHED.
 *
 * For the wrapper's only thread, which is the tracer, and has blocked the signals that would end it.
 */
#ifndef WRAPPER_PTRACE_CALL_H
#define WRAPPER_PTRACE_CALL_H

#include "ptrace_thread.h"

enum call_status {
	CALL_DONE,
	CALL_NO_MEMORY,		/* the process gets no memory for the stack: error is set */
	CALL_FORBIDDEN,		/* a seccomp filter has refused a system call by SIGSYS: error is its number */
	CALL_CRASHED,		/* the function has made a fault: error is the signal */
	CALL_LOCKED,		/* call_lock(): another thread holds the lock */
	CALL_LATE,		/* the function has not returned in time. The thread resumes by itself when it does */
	CALL_EXEC,		/* the process has become another program */
	CALL_GONE,		/* the thread or the process has ended */
	CALL_REFUSED,		/* the kernel refuses what a tracer may do: error is an errno */
};

/* Where libc has what is needed. */
struct call_code {
	uint64_t instruction;		/* the address of one that makes a system call */
	uint64_t signal_return;		/* code that calls rt_sigreturn(2), if a return follows `instruction`; else 0 */
};

struct call {
	struct thread *thread;
	struct registers before;	/* the thread's own, and its signal mask */
	struct registers_vector vector;
	uint64_t mask;
	struct call_code code;
	uint64_t resume;		/* the stack pointer for system calls, from which they return to the frame on
					 * the thread's own stack; 0: there is none */
	uint8_t *covered;		/* what that frame has covered, from `resume` on; NULL: nothing */
	size_t covered_bytes;
	uint64_t memory, memory_bytes;	/* what call_begin() has mapped; 0: nothing */
	uint64_t frame, landing;	/* addresses: of the signal frame, and of what functions return to */
	bool lands_itself;		/* they are the code described above */
	int signal;			/* that this code sends */
	uint64_t stop;			/* where it is then */
	bool interrupted;		/* the thread's system call has ended with EINTR because it was stopped */
	int error;
	int put_off[THREAD_SIGNALS_MAX];	/* signals that were not delivered */
	unsigned put_off_count;
};

/* thread: stopped, at a safe point. Whatever the result is, call_end() has to follow, and then thread_release(). */
enum call_status call_begin(struct call *c, struct thread *thread, struct call_code code);

/* Executes a system call. *result: what it returns, an errno as a negative number. */
enum call_status call_system(struct call *c, long number, const uint64_t arguments[6], int64_t *result);

/* Calls a function with up to three arguments. *result: the register in which a function returns an integer. */
enum call_status call_function(struct call *c, uint64_t function, uint64_t first, uint64_t second, uint64_t third,
			       uint64_t *result);

/*
 * Calls a function that takes a lock, and does nothing else before it has the lock. CALL_LOCKED: it has not got the
 * lock in so many milliseconds; the thread does not wait for it any more, and nothing is left of the call. (A thread
 * that waits has at most marked the lock as one that somebody waits for. Its owner then wakes nobody.)
 */
enum call_status call_lock(struct call *c, uint64_t function, unsigned milliseconds);

/*
 * Copies bytes to the lower end of the stack, where they stay until call_end(), unless the next call_put() replaces
 * them. Returns their address; 0: there are too many, or they cannot be written.
 */
#define CALL_PUT_MAX	131072u
uint64_t call_put(struct call *c, const void *bytes, size_t size_bytes);

/* Ends what call_begin() has begun. False: the thread or the process is gone. After CALL_LATE it leaves everything to
 * the thread itself. */
bool call_end(struct call *c, enum call_status last);

#endif
