/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mlockall(2) locks all memory of the process. It would also lock the tracer's memory, which is mapped ahead
 * of its use: the kernel would fill it with pages and count it for RLIMIT_MEMLOCK. A program that may lock
 * its own memory might then not be allowed to.
 *
 * So for MCL_CURRENT the program's mappings are locked one by one, with mlock(2). Whether that is allowed is
 * decided as the kernel decides, by the size of all mappings, but without the tracer's. MCL_FUTURE is left
 * to the kernel; the tracer maps its later memory so that it is not locked (arena_avoid_locks()).
 *
 * Async-signal-safe, as the real function is.
 */
#include "base/arena.h"
#include "base/atomics.h"
#include "base/kernel_map.h"
#include "base/mappings.h"
#include "capture/execinfo.h"
#include "export.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MCL_ONFAULT
#define MCL_ONFAULT	4	/* Linux 4.4 */
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT	1
#endif

/* This library's own mappings, as the linker names their ends. */
extern const char __ehdr_start[] HIDDEN, _end[] HIDDEN;

static bool future;	/* MCL_FUTURE is in force, as far as mlockall() has been asked for it */

/* Whether a mapping belongs to this library, or to one that this library has loaded. */
static bool is_library(uintptr_t start)
{
	return start - (uintptr_t)__ehdr_start < (uintptr_t)(_end - __ehdr_start) || execinfo_has_loaded(start);
}

static void lock(uintptr_t start, uintptr_t end, bool on_fault)
{
	if (!on_fault || syscall(SYS_mlock2, start, end - start, MLOCK_ONFAULT))
		syscall(SYS_mlock, start, end - start);
}

struct request {
	uint64_t bytes;		/* of all mappings that are the program's */
	bool locks;		/* these mappings are to be locked */
	bool on_fault;		/* their pages are to be locked only as they are touched */
	bool libraries;		/* the tracer's libraries are to be locked, too: the program runs their code */
};

static void take_mapping(struct request *r, const struct mapping *m)
{
	uintptr_t start = (uintptr_t)m->start, end = (uintptr_t)m->end;

	/* The page at the upper end of x86_64's addresses is the kernel's, not the process's. */
	if (end <= start || !strcmp(m->path, "[vsyscall]") || arena_is_place(start))
		return;
	if (!is_library(start))
		r->bytes += end - start;
	else if (!r->libraries)
		return;
	if (r->locks)
		lock(start, end, r->on_fault);
}

/* Goes through all mappings of the process. False: they cannot be read. */
static bool go_through(struct request *r)
{
	struct mappings list;
	struct mapping m;

	if (!mappings_open(&list, 0))
		return false;
	while (mappings_next(&list, &m))
		take_mapping(r, &m);
	mappings_close(&list);
	return !list.failed && r->bytes;
}

/* Whether the kernel lets the process lock more bytes than the limit says. To find out, a mapping of that size is
 * locked and unmapped again; nothing in it can be touched, so it takes no page. */
static bool may_exceed(uint64_t bytes)
{
	void *probe = kernel_mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool may = probe != MAP_FAILED && !syscall(SYS_mlock2, probe, (size_t)bytes, MLOCK_ONFAULT);

	if (probe != MAP_FAILED)
		kernel_munmap(probe, (size_t)bytes);
	return may;
}

/* With MCL_CURRENT. Returns what mlockall() does. */
static int lock_current(int flags)
{
	struct request r = { 0, false, false, false };
	struct rlimit limit;
	bool exceeds;

	if (!go_through(&r) || getrlimit(RLIMIT_MEMLOCK, &limit))
		return (int)syscall(SYS_mlockall, flags);
	exceeds = limit.rlim_cur == RLIM_INFINITY ||
		  may_exceed(r.bytes > limit.rlim_cur ? r.bytes : limit.rlim_cur + 1);
	/* The kernel counts the tracer's mappings, too, so it also refuses the call, and sets the right errno. */
	if (!exceeds && r.bytes > limit.rlim_cur)
		return (int)syscall(SYS_mlockall, flags);
	if (flags & MCL_FUTURE) {
		if (syscall(SYS_mlockall, flags & ~MCL_CURRENT))
			return -1;
	} else if (load_relaxed(&future)) {
		syscall(SYS_munlockall);	/* nothing else takes back an earlier MCL_FUTURE alone */
	}
	r = (struct request){ 0, true, flags & MCL_ONFAULT, exceeds };
	go_through(&r);
	return 0;
}

EXPORT int mlockall(int flags)
{
	bool known = !(flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
	int result, saved = errno;

	if (known && flags & MCL_FUTURE)
		arena_avoid_locks();
	if (known && flags & MCL_CURRENT)
		result = lock_current(flags);
	else
		result = (int)syscall(SYS_mlockall, flags);
	if (!result) {
		store_relaxed(&future, flags & MCL_FUTURE);
		errno = saved;
	}
	return result;
}
