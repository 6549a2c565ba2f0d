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
 * FUTEX_WAIT reads the word before anything else and fails with EFAULT if it cannot, with EAGAIN if the word
 * has another value (futex(2)). If it has this one, the kernel sleeps until its timer says that no time is
 * left, which takes 50 us (PR_SET_TIMERSLACK). Any filter that lets a threaded program run allows it.
 * 32-bit systems with 64-bit time only have another number for it.
 */
static int compare_word(uintptr_t address, unsigned value)
{
	struct timespec none = { 0, 0 };
	int saved = errno, error;
#ifdef SYS_futex
	long number = SYS_futex;
#else
	long number = SYS_futex_time64;
#endif

	error = syscall(number, address, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, &none, NULL, 0) ? errno : 0;
	errno = saved;
	return error;
}

/* Most pages begin with 0; what begins with this costs the 50 us. */
#define UNLIKELY_VALUE	0x70a6c1e5u

static uintptr_t page_bytes;	/* 0: by reading */

void probe_without_reading(void)
{
	page_bytes = getauxval(AT_PAGESZ);
}

bool probe_is_checked(void)
{
	return page_bytes != 0;
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
	return compare_word(address & ~(PROBE_PAGE - 1), UNLIKELY_VALUE) != EFAULT;
}

bool probe_is_set(const unsigned *word)
{
	return compare_word((uintptr_t)word, 0) == EAGAIN;	/* the value is another */
}
