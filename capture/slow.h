/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow unwinder: follows call frame information whatever it says, with all registers that a
 * function keeps for its caller and with DWARF's expressions, where the fast unwinder (unwind.h)
 * knows the usual forms only. It keeps no rules and remembers nothing, so a frame costs about a
 * microsecond.
 *
 * It is what glibc's backtrace() would be needed for, without its hazards: nothing is loaded that
 * was not seen to be readable, no lock is taken, nothing is allocated.
 */
#ifndef CAPTURE_SLOW_H
#define CAPTURE_SLOW_H

#include "unwind.h"

/*
 * As unwind_stack(), for the calling thread's stack. Returns 0 when not even the way from here to
 * at->pc was found. Async-signal-safe; makes system calls (probe.h); keeps errno.
 */
unsigned slow_stack(const struct capture_point *at, uintptr_t *frames, unsigned max, struct unwind_end *end);

#endif
