/* SPDX-License-Identifier: GPL-2.0-only */
/* See own_stack.h. */
#include "own_stack.h"

#include "base/arena.h"
#include "base/kernel_map.h"
#include "base/reserve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_BYTES	((size_t)64 << 10)
#define GUARD_BYTES	((size_t)64 << 10)	/* below the stack: at least a page on every machine */
#define ENOUGH_BYTES	((uintptr_t)16 << 10)	/* four times what a dump takes */

/* Lies at the upper end of the new stack, as each ucontext_t takes a kilobyte. */
struct own_stack {
	void (*fn)(void *);
	void *arg;
	ucontext_t caller, callee;
	sigset_t held, mask;		/* what is held back meanwhile; the thread's own mask */
};

#define MASK_BYTES	(_NSIG / 8)	/* of the kernel's set of signals; sigset_t is larger */

/* Holds signals back, but for those of faults. The caller's stack may be too small for two sets. */
static void hold_signals(struct own_stack *a)
{
	sigfillset(&a->held);
	sigdelset(&a->held, SIGSEGV);
	sigdelset(&a->held, SIGBUS);
	sigdelset(&a->held, SIGFPE);
	sigdelset(&a->held, SIGILL);
	sigdelset(&a->held, SIGTRAP);
	sigdelset(&a->held, SIGSYS);
	sigprocmask(SIG_BLOCK, &a->held, &a->mask);
}

/* makecontext() hands on ints only. */
static void begin(unsigned high, unsigned low)
{
	struct own_stack *a = (struct own_stack *)(uintptr_t)((uint64_t)high << 32 | low);

	a->fn(a->arg);
}

/* Maps a stack above a guard area that cannot be touched. Without mprotect(2): doc/limits.md lists the system calls
 * that a process has to allow. */
static char *map_stack(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *low = kernel_mmap(arena_place(GUARD_BYTES + STACK_BYTES), GUARD_BYTES + STACK_BYTES, PROT_NONE, flags, -1, 0);

	if (low == MAP_FAILED)
		return NULL;
	if (kernel_mmap(low + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1,
		 0) != MAP_FAILED)
		return low;
	kernel_munmap(low, GUARD_BYTES + STACK_BYTES);
	return NULL;
}

static __attribute__((noinline)) bool prepare(struct own_stack *a, char *low, size_t size)
{
	uint64_t address = (uintptr_t)a;

	if (getcontext(&a->callee))
		return false;
	a->callee.uc_link = &a->caller;
	a->callee.uc_stack.ss_sp = low;
	a->callee.uc_stack.ss_size = size;
	makecontext(&a->callee, (void (*)(void))begin, 2, (unsigned)(address >> 32), (unsigned)address);
	return true;
}

void own_stack_call(void (*fn)(void *), void *arg)
{
	size_t size = (STACK_BYTES - sizeof(struct own_stack)) & ~(size_t)63;
	unsigned long mask[MASK_BYTES / sizeof(long)] = { 0 };
	int cancel_state, saved = errno;
	struct own_stack *a;
	char *low, *reserved = NULL;	/* the reserve has no guard area */

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	low = map_stack();
	a = low ? (struct own_stack *)(low + GUARD_BYTES + size) : NULL;
	errno = saved;
	if (!a) {
		reserved = reserve_take(STACK_BYTES);
		a = reserved ? (struct own_stack *)(reserved + size) : NULL;
	}
	if (a) {
		hold_signals(a);	/* before prepare(), which hands the mask on to the function */
		memcpy(mask, &a->mask, sizeof(mask));
	}
	if (a && prepare(a, (char *)a - size, size)) {
		a->fn = fn;
		a->arg = arg;
		swapcontext(&a->caller, &a->callee);
	} else {
		fn(arg);
	}
	saved = errno;
	if (reserved)
		reserve_give(reserved, STACK_BYTES);
	else if (low)
		kernel_munmap(low, GUARD_BYTES + STACK_BYTES);
	pthread_setcancelstate(cancel_state, NULL);
	if (a)
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof(mask));
	errno = saved;
}

bool own_stack_needed(const void *context)
{
	const stack_t *s = &((const ucontext_t *)context)->uc_stack;
	uintptr_t room = (uintptr_t)__builtin_frame_address(0) - (uintptr_t)s->ss_sp;

	return room < s->ss_size && room < ENOUGH_BYTES;
}
