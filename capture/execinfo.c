/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See execinfo.h. The result of backtrace() begins with frames of this library (capture/, the hook), as many as the
 * compiler has left after inlining. The program's frames begin where the hook's return address is found among
 * the first few.
 */
#include "execinfo.h"

#include "elf/loaded.h"
#include "elf/lookup.h"

#include <errno.h>
#include <execinfo.h>
#include <string.h>

/* backtrace() relies on the ABI's alignment of the stack to 16 bytes, which hooks do not keep (see the Makefile). */
#ifdef __x86_64__
#define ALIGNED_STACK	__attribute__((force_align_arg_pointer))
#else
#define ALIGNED_STACK
#endif

static uintptr_t library_start, library_end;	/* libgcc_s, if execinfo_init() was the first to load it */

ALIGNED_STACK void execinfo_init(void)
{
	bool was_there = lookup_first("_Unwind_Backtrace");
	struct loaded_module m;
	void *frame[1];
	uintptr_t inside;

	backtrace(frame, 1);
	inside = was_there ? 0 : (uintptr_t)lookup_first("_Unwind_Backtrace");
	if (inside && loaded_init() && loaded_find(inside, &m) == LOADED_FOUND) {
		library_start = m.start;
		library_end = m.end;
	}
}

bool execinfo_has_loaded(uintptr_t address)
{
	return address - library_start < library_end - library_start;
}

ALIGNED_STACK unsigned execinfo_stack(uintptr_t pc, uintptr_t *frames, unsigned max)
{
	void *stack[max + EXECINFO_OWN_MAX];
	int saved = errno, n = backtrace(stack, (int)max + EXECINFO_OWN_MAX);

	errno = saved;
	for (int own = 0; own < n && own <= EXECINFO_OWN_MAX; own++) {
		if ((uintptr_t)stack[own] == pc) {
			unsigned count = (unsigned)(n - own);

			if (count > max)
				count = max;
			memcpy(frames, stack + own, count * sizeof(*frames));
			return count;
		}
	}
	return 0;
}
