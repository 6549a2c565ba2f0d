/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calling thread's stack as an array of return addresses. One interface, three unwinders:
 *
 *	unwind.h	fast, where there is one for the machine
 *	slow.h		for the few stacks with frames that the fast one does not follow
 *	execinfo.h	glibc's backtrace(), which works on every machine, and is what the others are
 *			compared with
 *
 * backtrace() reads whatever the frames name, readable or not, and so it dies of a stack that does not
 * end as it should (a coroutine's whose first frame has some old return address). Where there is a fast
 * unwinder, backtrace() is therefore asked only about stacks that were walked before without it, to the
 * end or as far as it will go. It serves alone on other machines only.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "base/atomics.h"
#include "options/options.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_MAX	255

/* Where a walk begins: in the function that called the hook, just after that call. */
struct capture_point {
	uintptr_t pc;		/* the hook's return address */
	uintptr_t sp, fp;	/* stack and frame pointer there; 0 if not known */
};

/*
 * The point of the function in which this stands (a hook), which must not be inlined. With a
 * frame pointer, which asking for the frame's address makes the compiler set up, the
 * frame pointer is at the caller's frame pointer and the return address.
 *
 * On x86_64 the frame begins with those two. On aarch64 (AAPCS64, "The Frame Pointer")
 * they can lie anywhere in the frame, so the compiler is asked for the stack pointer at the
 * function's entry, which there is the caller's: GCC for the CFA, which clang up to 14 at
 * least takes to be the frame pointer, clang for what it calls by name. Both take the
 * signature from the return address (GCC since 8.5, 9.4, 10.3).
 */
#if defined(__x86_64__)
#define CAPTURE_POINT() ((struct capture_point){ \
	.pc = (uintptr_t)__builtin_return_address(0), \
	.sp = (uintptr_t)__builtin_frame_address(0) + 16, \
	.fp = *(uintptr_t *)__builtin_frame_address(0) })
#elif defined(__aarch64__)
#ifdef __clang__
#define CAPTURE_ENTRY_SP()	__builtin_sponentry()
#else
#define CAPTURE_ENTRY_SP()	__builtin_dwarf_cfa()
#endif
#define CAPTURE_POINT() ((struct capture_point){ \
	.pc = (uintptr_t)__builtin_return_address(0), \
	.sp = (uintptr_t)CAPTURE_ENTRY_SP(), \
	.fp = *(uintptr_t *)__builtin_frame_address(0) })
#else
#define CAPTURE_POINT() ((struct capture_point){ \
	.pc = (uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)) })
#endif

/*
 * Makes ready what capture_stack() needs; may allocate and load libraries, so call it at
 * start with the tracer's guard set, and never from inside the dynamic loader. Until then
 * capture_stack() sees the caller only.
 */
void capture_init(enum unwind_mode mode);
bool capture_ready(void);

/* What there is to say of one capture; bits. */
enum capture_note {
	CAPTURE_FELL_BACK = 1,	/* the fast unwinder gave up, the slow one served */
	CAPTURE_CHECKED = 2,	/* both were asked */
	CAPTURE_DISAGREED = 4,	/* and gave different stacks */
	CAPTURE_SHORT = 8,	/* not ready: the caller is all there is */
	CAPTURE_CUT = 16,	/* the last frame's caller could not be found */
	CAPTURE_NO_CFI = 32,	/* of the last frame's code there is no unwind information */
};

/*
 * Stores the return addresses from at->pc outward, at most max of them (1 to CAPTURE_MAX),
 * innermost first. Returns how many, at least 1. *notes gets enum capture_note bits. Keeps
 * errno. Async-signal-safe once ready; no malloc and no lock, but for backtrace() (--unwind=execinfo and
 * =check, and machines without a fast unwinder), which before glibc 2.35 takes the loader's.
 */
unsigned capture_stack(const struct capture_point *at, uintptr_t *frames, unsigned max,
		       unsigned *notes);

/* A memory of stacks (paths.h) of at most max frames for one thread, or NULL when the fast unwinder
 * does not serve. */
struct paths *capture_paths(bool main_thread, unsigned max);

/* --unwind=check: whether recognized stacks are to be compared too, and the comparison. */
extern bool capture_checking HIDDEN;
void capture_compare(const struct capture_point *at, const uintptr_t *frames, unsigned count,
		     unsigned max, unsigned *notes);

/*
 * Whether a walk from `at` comes to code in [start, end), but for at most `skip` addresses in it with
 * which it begins. That it does not is known only where the stack is known to end. A walk that was cut, or
 * came to code without unwind information, is no such end: then the words of the stack from there up to
 * `top` (an address above all frames on the thread's own stack) have to show that none is an address in that code.
 * Otherwise, and without a fast unwinder, it is unknown. Async-signal-safe, keeps errno.
 */
enum capture_meets { CAPTURE_MEETS, CAPTURE_MEETS_NOT, CAPTURE_MEETS_UNKNOWN };
enum capture_meets capture_meets(const struct capture_point *at, unsigned skip, uintptr_t start, uintptr_t end,
				 uintptr_t top);

/* Modules have come or gone: what is remembered of code is void. Any thread, any time. */
void capture_modules_changed(void);

/* Around a dlclose, in the thread that does it. */
void capture_unloading(void);
void capture_unloaded(void);

#endif
