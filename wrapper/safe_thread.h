/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds a thread of another process that can be made to call functions, and stops it. For the wrapper's only thread. */
#ifndef WRAPPER_SAFE_THREAD_H
#define WRAPPER_SAFE_THREAD_H

#include "ptrace_thread.h"
#include "safe_point.h"

#define SAFE_THREAD_SECONDS	10

/* Fills *t with a stopped thread at a safe point (safe_point.h): the main thread if that is at one soon, or any other.
 * A thread that is not is let go on to its next system call, or released and tried again later, for
 * SAFE_THREAD_SECONDS. False: there is none, and why says what the last one was in; or, with *error, why the kernel
 * refuses. */
bool safe_thread_find(struct thread *t, struct target *target, char why[SAFE_POINT_WHY_BYTES], int *error);

/* Whether the whole process is stopped, by SIGSTOP or a terminal. */
bool safe_thread_is_halted(pid_t pid);

#endif
