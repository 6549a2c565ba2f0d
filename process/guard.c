/* SPDX-License-Identifier: GPL-2.0-only */
/* See guard.h. */
#include "guard.h"

#include "base/check.h"
#include "capture/capture.h"
#include "elf/headers.h"
#include "threads.h"
#include "verify.h"

#include <link.h>

__thread struct guard guard_self = { .fresh = 1 };
long guard_balance;
bool guard_was_recovered;

/* This library's ELF header, which the linker defines. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

__attribute__((cold)) bool __attribute__((noinline)) guard_recover(unsigned calls)
{
	struct capture_point point = CAPTURE_POINT();
	uintptr_t start = (uintptr_t)&__ehdr_start, code, code_end;

	if (!headers_extent(start, start, PF_X, &code, &code_end))
		code_end = start;
	if (guard_self.forking ||
	    capture_meets(&point, calls, start, code_end, threads_stack_top()) != CAPTURE_MEETS_NOT)
		return false;
	check_costly(verify_cut_off());
	check_costly(store_relaxed(&guard_was_recovered, true));
	if (guard_self.thread)
		threads_cut_short(guard_self.thread);
	guard_self.last_block = NULL;
	guard_self.busy = 0;
	if ((int)guard_self.inside < 0)
		guard_self.unready += (uint64_t)1 << 32;	/* gives back what `inside` has borrowed: all are one number */
	guard_self.inside = 0;
	return true;
}

void guard_fork_prepare(void)
{
	guard_enter();
	guard_self.forking = true;
}

void guard_fork_ends(void)
{
	guard_self.forking = false;
	guard_leave();
}

void guard_forked(bool seen)
{
	if (seen)
		guard_fork_ends();
}
