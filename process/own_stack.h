/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of the tracer's own, for a function that needs more stack than may be left. A dump takes about
 * 4 KB, and a signal can come on an alternate signal stack of MINSIGSTKSZ, which is little more than the
 * kernel's own frame, at the end of a thread's stack, or on the small stack of a coroutine.
 *
 * Async-signal-safe: made of system calls for the memory, and of makecontext(3) and swapcontext(3), which
 * keep the registers and the signal mask and take no lock. While the function runs the kernel does not know
 * that the alternate signal stack is in use, and a handler that it called there would overwrite the frames of
 * the interrupted one. So signals are held back, but for those of faults.
 */
#ifndef PROCESS_OWN_STACK_H
#define PROCESS_OWN_STACK_H

#include <stdbool.h>

/*
 * Runs fn(arg) on a stack of its own, or, where there is no memory for one, on the current stack, of which
 * this function itself takes about 200 bytes. The thread is not cancelled meanwhile. errno is as fn leaves it.
 */
void own_stack_call(void (*fn)(void *), void *arg);

/* Whether a signal handler runs on an alternate signal stack that is too small for a dump. context: the handler's
 * third argument. */
bool own_stack_needed(const void *context);

#endif
