/* SPDX-License-Identifier: GPL-2.0-only */
/* Unwinds the stack of a stopped thread of another process, one frame after the other. For the wrapper's only
 * thread. */
#ifndef WRAPPER_TARGET_UNWIND_H
#define WRAPPER_TARGET_UNWIND_H

#include "ptrace_registers.h"
#include "target.h"

struct target_frame {
	uint64_t pc, sp, fp;
	uint64_t link;		/* of the innermost frame, and of one that was interrupted: the link register */
	bool interrupted;	/* pc is an instruction that has not been executed yet; else a return address */
};

enum target_step {
	TARGET_OUTWARD,		/* *f is the caller's frame now */
	TARGET_OUTERMOST,	/* the unwind information says that nothing has called this function */
	TARGET_LOST,		/* nobody knows where the caller's frame is; *f is unchanged */
};

void target_unwind_begin(struct target_frame *f, const struct registers *r);

/* Whether the code at pc is a signal trampoline (base/sigreturn.h): libc's has no unwind information on aarch64, nor
 * has a program's own. */
bool target_unwind_is_trampoline(const struct target *t, uint64_t pc);

/* One frame outward. */
enum target_step target_unwind_step(const struct target *t, struct target_frame *f);

#endif
