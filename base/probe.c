/* SPDX-License-Identifier: GPL-2.0-only */
/* See probe.h. */
#include "probe.h"

#include "atomics.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * FUTEX_WAIT reads the word before anything else and fails with EFAULT if it cannot
 * (futex(2)); with no time to wait it never sleeps. Any filter that lets a threaded program
 * run allows it. 32-bit systems with 64-bit time only have another number for it.
 */
static int wait_for_zero(uintptr_t address)
{
	struct timespec none = { 0, 0 };
	int saved = errno, error;
#ifdef SYS_futex
	long number = SYS_futex;
#else
	long number = SYS_futex_time64;
#endif

	error = syscall(number, address, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &none, NULL, 0) ? errno : 0;
	errno = saved;
	return error;
}

static uintptr_t page_bytes;	/* 0: by reading */

void probe_without_reading(void)
{
	page_bytes = getauxval(AT_PAGESZ);
}

/* mincore(2) fails with ENOMEM where nothing is mapped. */
static bool is_mapped(uintptr_t address)
{
	unsigned char resident;
	int saved = errno;
	bool mapped = !mincore((void *)(address & ~(page_bytes - 1)), 1, &resident);

	errno = saved;
	return mapped;
}

bool probe_readable(uintptr_t address)
{
	if (unlikely(page_bytes))
		return is_mapped(address);
	return wait_for_zero(address & ~(PROBE_PAGE - 1)) != EFAULT;
}

bool probe_is_set(const unsigned *word)
{
	return wait_for_zero((uintptr_t)word) == EAGAIN;	/* the value is another than expected */
}
