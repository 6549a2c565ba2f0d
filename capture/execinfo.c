/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capture by glibc's backtrace(). It starts with frames of our own (this file, the hook),
 * as many as the compiler left after inlining: the stack proper begins where the hook's
 * return address is found among the first few.
 */
#include "capture.h"

#include "base/atomics.h"

#include <errno.h>
#include <execinfo.h>
#include <string.h>

#define OWN_FRAMES_MAX	6

static bool ready;

void capture_init(void)
{
	void *frame[1];

	/* The first call loads libgcc_s (glibc 2.36, debug/backtrace.c), which allocates. */
	backtrace(frame, 1);
	store_release(&ready, true);
}

bool capture_ready(void)
{
	return load_acquire(&ready);
}

unsigned capture_stack(uintptr_t caller, uintptr_t *frames, unsigned max)
{
	void *stack[CAPTURE_MAX + OWN_FRAMES_MAX];
	int saved = errno, n = 0;

	if (likely(capture_ready()))
		n = backtrace(stack, (int)max + OWN_FRAMES_MAX);
	errno = saved;
	for (int own = 0; own < n && own <= OWN_FRAMES_MAX; own++) {
		if ((uintptr_t)stack[own] == caller) {
			unsigned count = (unsigned)(n - own);

			if (count > max)
				count = max;
			memcpy(frames, stack + own, count * sizeof(*frames));
			return count;
		}
	}
	frames[0] = caller;
	return 1;
}
