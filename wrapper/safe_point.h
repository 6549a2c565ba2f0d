/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Judges whether a stopped thread can be made to call dlopen() and to allocate: whether it is at a safe point.
 *
 * It is not, if code is on its stack that may hold a lock which these calls take, or that has half changed what they
 * use: malloc() and its like, the loader, fork(), exit() and the creation of threads. Other threads do not matter: they
 * go on, and let go of such locks. All frames of the stack count, also those that a signal has interrupted.
 *
 *	frame in		judged
 *	the program, a library	safe
 *	heaptrace's library	unsafe
 *	the loader, libdl, an	unsafe. (A program with an allocator of its own inside is judged by the names of
 *	allocator, libgcc_s	functions, and by the system call that the thread waits in.)
 *	libc			by the names of its functions. An unnamed one is safe if a named one has called it, or
 *				if the program's first functions are called by it
 *
 * In some system calls (epoll_wait, poll, nanosleep, accept and others) a thread waits only on behalf of the program:
 * the unsafe code never makes them. Where a thread is in one of these, names are asked of outer frames only.
 *
 * The stack is unwound from outside, by the modules' unwind information (capture/cfi.h) and, where code has none, by
 * frame records. Where that leads nowhere, all words of the rest of the stack that could be return addresses are
 * judged.
 */
#ifndef WRAPPER_SAFE_POINT_H
#define WRAPPER_SAFE_POINT_H

#include "ptrace_thread.h"

#define SAFE_POINT_WHY_BYTES	160

struct safe_point {
	bool safe;
	char why[SAFE_POINT_WHY_BYTES];	/* what makes it unsafe: "it is in malloc() of libc.so.6" */
};

/* Judges the thread. t: stopped, at the registers *r. first: it is the main thread. */
void safe_point_judge(struct safe_point *p, const struct thread *t, const struct registers *r, bool first);

/* Whether the thread waits in a system call (number, as in registers_waiting) that unsafe code never makes. */
bool safe_point_is_wait(long system_call);

#endif
