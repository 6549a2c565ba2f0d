/* SPDX-License-Identifier: GPL-2.0-only */
/* See own_descriptors.h. */
#include "own_descriptors.h"

#include "base/arena.h"
#include "base/atomics.h"
#include "base/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range	436	/* the same on every machine; Linux 5.9 */
#endif
#ifdef SYS_futex
#define FUTEX_CALL	SYS_futex
#else
#define FUTEX_CALL	SYS_futex_time64
#endif

#define STACK_BYTES	((size_t)64 << 10)	/* as much as process/own_stack.c gives a dump */
#define OLD_KERNEL_MAX	1024		/* where there is no close_range(2), descriptors below this are closed */
#define GONE_TRIES	100000
#define FEW		8		/* twice the number of descriptors that a dump has open at a time */

static bool forbidden;
static unsigned limit_at_start;

struct own_descriptors {
	void (*fn)(void *);
	void *arg;
	const int *kept;
	unsigned count;
};

/* The limit is read at the start. The program may change it later, but to ask again would be one more system call
 * that a filter of seccomp(2) had to allow, and a wrong answer of own_descriptors_needed() does no harm. */
void own_descriptors_start(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur <= INT_MAX)
		limit_at_start = (unsigned)limit.rlim_cur;
}

bool own_descriptors_needed(void)
{
	int saved = errno;
	bool few = false;

	for (unsigned fd = limit_at_start, i = 0; fd > 0 && i < FEW && !few; i++)
		few = fcntl((int)--fd, F_GETFD) >= 0;
	errno = saved;
	return few && !load_relaxed(&forbidden);
}

void own_descriptors_forbid(void)
{
	store_relaxed(&forbidden, true);
}

static bool is_kept(const struct own_descriptors *a, unsigned fd)
{
	for (unsigned i = 0; i < a->count; i++) {
		if (a->kept[i] >= 0 && (unsigned)a->kept[i] == fd)
			return true;
	}
	return false;
}

/* The lowest descriptor from `from` on that is kept, or UINT_MAX. */
static unsigned next_kept(const struct own_descriptors *a, unsigned from)
{
	unsigned next = UINT_MAX;

	for (unsigned i = 0; i < a->count; i++) {
		if (a->kept[i] >= 0 && (unsigned)a->kept[i] >= from && (unsigned)a->kept[i] < next)
			next = (unsigned)a->kept[i];
	}
	return next;
}

static void close_others(const struct own_descriptors *a)
{
	for (unsigned from = 0, next; ; from = next + 1) {
		next = next_kept(a, from);
		if (next > from && syscall(SYS_close_range, from, next - 1, 0))
			break;
		if (next == UINT_MAX)
			return;
	}
	for (unsigned fd = 0; fd < OLD_KERNEL_MAX; fd++) {
		if (!is_kept(a, fd))
			close((int)fd);
	}
}

static int run(void *call)
{
	const struct own_descriptors *a = call;

	close_others(a);
	a->fn(a->arg);
	return 0;
}

/*
 * The kernel clears *id as soon as the thread no longer needs its memory, and wakes the threads that wait
 * for that (set_tid_address(2)). It closes the thread's copies of the descriptors a little later. The program
 * must not go on before that: a pipe whose end it closes would still have another one.
 */
static void wait_for_end(int thread, const int *id)
{
	int now;

	while ((now = load_acquire(id)) != 0)
		syscall(FUTEX_CALL, id, FUTEX_WAIT, now, NULL, NULL, 0);
	for (int tries = 0; tries < GONE_TRIES && !syscall(SYS_tgkill, getpid(), thread, 0); tries++)
		sched_yield();
}

bool own_descriptors_call(void (*fn)(void *), void *arg, const int *kept, unsigned count)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	struct own_descriptors a = { fn, arg, kept, count };
	int saved = errno, id = 0, thread;
	char *stack = load_relaxed(&forbidden) ? NULL : arena_map(STACK_BYTES);

	if (!stack && !load_relaxed(&forbidden))
		stack = reserve_take(STACK_BYTES);
	if (!stack)
		return false;
	thread = clone(run, stack + STACK_BYTES, flags, &a, &id, NULL, &id);
	if (thread > 0)
		wait_for_end(thread, &id);
	if (!reserve_give(stack, STACK_BYTES))
		arena_unmap(stack, STACK_BYTES);
	errno = saved;
	return thread > 0;
}
