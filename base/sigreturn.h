/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signal trampoline, which is the code to which a signal handler returns: __restore_rt in libc,
 * __kernel_rt_sigreturn in the vdso. It asks the kernel to resume the program where the signal has
 * interrupted it. A frame in the trampoline means that the next frame outward was interrupted: the address
 * of that frame is the instruction to be executed next, and not a return address.
 */
#ifndef BASE_SIGRETURN_H
#define BASE_SIGRETURN_H

#include <stdbool.h>
#include <stdint.h>

#define SIGRETURN_BYTES	9	/* the longest form of this code */

/* Whether the trampoline's code is at pc, from where SIGRETURN_BYTES must be readable. Returns false on
 * machines whose trampoline is not known here. Async-signal-safe. */
bool sigreturn_is_at(uintptr_t pc);

#endif
