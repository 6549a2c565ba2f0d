/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow unwinder: follows call frame information of any form, with all callee-saved registers and with DWARF
 * expressions. It serves for the few stacks with a frame of a form that the fast unwinder (unwind.h) does not
 * know. It caches nothing, so that a frame costs about a microsecond.
 *
 * glibc's backtrace() could serve instead, but has hazards that this one avoids: loads from memory that was not
 * found to be readable, locks and allocations.
 */
#ifndef CAPTURE_SLOW_H
#define CAPTURE_SLOW_H

#include "unwind.h"

/*
 * As unwind_stack(), for the calling thread's stack. Returns 0 if the walk from here did not come to at->pc.
 * Async-signal-safe; makes system calls (base/probe.h); keeps errno.
 */
unsigned slow_stack(const struct capture_point *at, uintptr_t *frames, unsigned max, struct unwind_end *end);

#endif
