/* SPDX-License-Identifier: GPL-2.0-only */
/* guard_recover(), see guard.h. */
#include "base/check.h"
#include "capture/capture.h"
#include "guard.h"
#include "threads.h"
#include "verify.h"

#include <link.h>

/* This file's ELF header, which the linker defines. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* The end of this library's code. */
static uintptr_t code_end(void)
{
	uintptr_t start = (uintptr_t)&__ehdr_start, end = start;
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(start + __ehdr_start.e_phoff);

	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_X)
			end = start + ph[i].p_vaddr + ph[i].p_memsz;
	}
	return end;
}

bool __attribute__((noinline)) guard_recover(unsigned calls)
{
	struct capture_point here = CAPTURE_POINT();

	if (guard_self.forking ||
	    capture_meets(&here, calls, (uintptr_t)&__ehdr_start, code_end(), threads_stack_top()) !=
		    CAPTURE_MEETS_NOT)
		return false;
	check_costly(verify_cut_off());
	if (guard_self.thread)
		threads_cut_short(guard_self.thread);
	guard_self.last_block = NULL;
	guard_self.busy = 0;
	guard_self.inside = 0;
	return true;
}
