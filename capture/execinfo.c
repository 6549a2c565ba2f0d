/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See execinfo.h. What backtrace() gives starts with frames of our own (capture/, the hook),
 * as many as the compiler left after inlining: the stack proper begins where the hook's
 * return address is found among the first few.
 */
#include "execinfo.h"

#include <errno.h>
#include <execinfo.h>
#include <string.h>

void execinfo_init(void)
{
	void *frame[1];

	backtrace(frame, 1);
}

unsigned execinfo_stack(uintptr_t pc, uintptr_t *frames, unsigned max)
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
