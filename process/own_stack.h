/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stack of our own for what takes more of one than may be left. A signal can come on an
 * alternate stack of MINSIGSTKSZ, which is little more than the kernel's own frame, on a thread's
 * last bytes or on a coroutine's few; a dump takes about 4 KB.
 *
 * Async-signal-safe: system calls for the memory, and makecontext(3) and swapcontext(3), which keep
 * the registers and the signal mask and take no lock. While the function runs the kernel does not
 * know that an alternate stack is in use: a signal that is not held back meanwhile, and wants that
 * stack, overwrites what is under way on it.
 */
#ifndef PROCESS_OWN_STACK_H
#define PROCESS_OWN_STACK_H

#include <stdbool.h>

/*
 * Runs fn(arg) on a stack of its own, or, where there is no memory for one, on the one at hand, of
 * which it takes about 200 bytes itself. The thread is not cancelled meanwhile. Keeps errno, but
 * for what fn does to it.
 */
void own_stack_call(void (*fn)(void *), void *arg);

/* Whether a handler runs on an alternate stack that is too small for a dump: by its third
 * argument. */
bool own_stack_needed(const void *context);

#endif
