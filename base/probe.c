/* SPDX-License-Identifier: GPL-2.0-only */
/* See probe.h. */
#include "probe.h"

#include "atomics.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Asks the kernel to read a word and returns the errno value. FUTEX_WAIT reads the word before anything else. It
 * fails with EFAULT if the word cannot be read and with EAGAIN if the word has another value (futex(2)). If
 * the word has this value, the kernel sleeps until a timer of no time has run off, which takes 50 us
 * (PR_SET_TIMERSLACK). Every seccomp filter that lets a threaded program run allows this system call. On
 * 32-bit systems that have 64-bit time only, the call has another number.
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

/* Most pages begin with 0. A page that begins with this value costs the 50 us. */
#define UNLIKELY_VALUE	0x70a6c1e5u

static uintptr_t page_bytes;	/* not 0: ask mincore(), and this is the size of a page */
static bool checked;

void probe_without_reading(bool is_checked)
{
	checked = is_checked;
	page_bytes = getauxval(AT_PAGESZ);
}

bool probe_is_checked(void)
{
	return checked;
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

static bool is_sure(uintptr_t address, uintptr_t *sure)
{
	uintptr_t page = address & ~(PROBE_PAGE - 1);

	if (page == *sure)
		return true;
	if (!probe_readable(page))
		return false;
	*sure = page;
	return true;
}

bool probe_bytes(const void *address, size_t bytes, uintptr_t *sure)
{
	uintptr_t at = (uintptr_t)address, end = at + bytes;

	for (; at < end; at = (at | (PROBE_PAGE - 1)) + 1) {
		if (!is_sure(at, sure))
			return false;
	}
	return at >= end && end >= (uintptr_t)address;
}

bool probe_text(const char *text, uintptr_t *sure)
{
	for (;;) {
		size_t left = PROBE_PAGE - (uintptr_t)text % PROBE_PAGE;

		if (!is_sure((uintptr_t)text, sure))
			return false;
		if (memchr(text, 0, left))
			return true;
		text += left;
	}
}

bool probe_is_set(const unsigned *word)
{
	return compare_word((uintptr_t)word, 0) == EAGAIN;	/* the value is another */
}
