/* SPDX-License-Identifier: GPL-2.0-only */
/* See stack.h. */
#include "stack.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NEAR_BYTES	((uintptr_t)1 << 20)	/* a stack pointer further below is another stack's */
#define GROW_MAX	((uintptr_t)256 << 20)	/* bytes tried at a time: frames larger than that fail */

/*
 * FUTEX_WAIT reads the word before anything else and fails with EFAULT if it cannot
 * (futex(2)); with no time to wait it never sleeps. Any filter that lets a threaded program
 * run allows it. 32-bit systems with 64-bit time only have another number for it.
 */
static bool readable(uintptr_t page)
{
	struct timespec none = { 0, 0 };
#ifdef SYS_futex
	long number = SYS_futex;
#else
	long number = SYS_futex_time64;
#endif

	return !syscall(number, page, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &none, NULL, 0) ||
	       errno != EFAULT;
}

bool stack_readable(uintptr_t address)
{
	int saved = errno;
	bool can = readable(address & ~(STACK_PAGE - 1));

	errno = saved;
	return can;
}

bool stack_grow_up(struct stack_range *r, uintptr_t end)
{
	int saved = errno;

	if (end <= r->high)
		return true;
	if (end - r->high > GROW_MAX)
		return false;
	while (r->high < end && readable(r->high))
		r->high += STACK_PAGE;
	errno = saved;
	return r->high >= end;
}

bool stack_grow_down(struct stack_range *r, uintptr_t start)
{
	int saved = errno;

	start &= ~(STACK_PAGE - 1);
	if (start >= r->high || r->low - start > NEAR_BYTES) {
		r->low = r->high = start;
		return stack_grow_up(r, start + STACK_PAGE);
	}
	while (r->low > start && readable(r->low - STACK_PAGE))
		r->low -= STACK_PAGE;
	if (r->low > start)	/* a gap: another stack */
		r->low = r->high = start;
	errno = saved;
	return stack_grow_up(r, start + STACK_PAGE);
}
