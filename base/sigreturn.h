/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The code that a signal handler returns to. It asks the kernel to go on where the signal has
 * interrupted the program, and is called the signal trampoline: __restore_rt in libc,
 * __kernel_rt_sigreturn in the vdso. A frame there means that the next frame outward was
 * interrupted: its address is the instruction that comes next, and not the one after a call.
 */
#ifndef BASE_SIGRETURN_H
#define BASE_SIGRETURN_H

#include <stdbool.h>
#include <stdint.h>

#define SIGRETURN_BYTES	9	/* the longest form of this code */

/* Whether this code is at pc. SIGRETURN_BYTES from there must be readable. False on machines whose
 * form of this code is not known here. Async-signal-safe. */
bool sigreturn_is_at(uintptr_t pc);

#endif
