/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calling thread's stack as an array of return addresses, by one of three unwinders:
 *
 *	unwind.h	the fast unwinder, on machines that have one
 *	slow.h		the slow unwinder, for the few stacks with frames that the fast one does not follow
 *	execinfo.h	glibc's backtrace(), which works on every machine. --unwind=check compares the others with it
 *
 * backtrace() does not check whether memory can be read. Therefore it crashes on a stack that does not end as it
 * should, such as a coroutine's whose first frame holds an old return address. On machines with a fast
 * unwinder, backtrace() is therefore called only for a stack that one of the other unwinders has walked
 * before, to the end or as far as backtrace() will go. Only on other machines does it serve alone.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "base/atomics.h"
#include "options/options.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_MAX	255

/* The point at which a walk begins: in the function that called the hook, just after that call. */
struct capture_point {
	uintptr_t pc;		/* the hook's return address */
	uintptr_t sp, fp;	/* the stack and frame pointer at that point, or 0 if they are not known */
};

/*
 * The point from which the function that contains this macro (a hook) was called. The hook must not be inlined.
 * Because the macro takes the frame's address, the compiler sets up a frame pointer, which points to the frame
 * record: the caller's frame pointer and the return address.
 *
 * On x86_64 the record lies at the frame's upper end, so that the caller's stack pointer is 16 bytes above. On
 * aarch64 (AAPCS64, "The Frame Pointer") the record can lie anywhere in the frame. There the compiler is asked for the
 * stack pointer at the function's entry, which is also the caller's. In GCC that is the CFA; clang (up to
 * 14 at least) takes the frame pointer for the CFA, but has a builtin of its own for the entry's stack pointer.
 * Both compilers strip the signature from the return address (GCC since 8.5, 9.4, 10.3).
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
 * Prepares what capture_stack() needs. This may allocate and load libraries, so it has to be called at the start,
 * inside the tracer's guard, and never from inside the dynamic loader. Before this call capture_stack() gives
 * the caller only.
 */
void capture_init(enum unwind_mode mode);
bool capture_ready(void);

/* Notes on one capture, as bits. */
enum capture_note {
	CAPTURE_FELL_BACK = 1,	/* the fast unwinder gave up, and the slow one served */
	CAPTURE_CHECKED = 2,	/* the stack was compared with that of backtrace() */
	CAPTURE_DISAGREED = 4,	/* and the two were different */
	CAPTURE_SHORT = 8,	/* only the caller is known, because no unwinder is ready or none found the way */
	CAPTURE_CUT = 16,	/* the last frame's caller could not be found */
	CAPTURE_NO_CFI = 32,	/* the last frame's code has no unwind information */
};

/*
 * Stores the return addresses from at->pc outward, the innermost first, at most max of them (1 to CAPTURE_MAX). Returns
 * how many, at least 1. *notes gets bits of enum capture_note. Keeps errno. Async-signal-safe once ready. Calls no
 * malloc and takes no lock, except in backtrace() (--unwind=execinfo, --unwind=check, and machines without a fast
 * unwinder), which takes the loader's lock before glibc 2.35.
 */
unsigned capture_stack(const struct capture_point *at, uintptr_t *frames, unsigned max,
		       unsigned *notes);

/* Makes a thread's memory of stacks (recall/recall.h), for stacks of at most max frames. Returns NULL if the fast
 * unwinder is not used. */
struct recall *capture_recall(bool main_thread, unsigned max);

/* --unwind=check: capture_checking is true then, and capture_compare() compares a stack that was recognized with
 * that of backtrace(). */
extern bool capture_checking HIDDEN;
void capture_compare(const struct capture_point *at, const uintptr_t *frames, unsigned count,
		     unsigned max, unsigned *notes);

/*
 * Whether the stack from `at` outward has a frame in the code [start, end); at most `skip` such frames with which the
 * walk begins do not count. The answer CAPTURE_MEETS_NOT requires that the walk came to the end of the stack, or
 * that no word of the stack from where the walk stopped (it was cut, or came to code without unwind information) up
 * to `top`, an address above all frames on the thread's own stack, is an address in that code. Otherwise, and on
 * machines without a fast unwinder, the answer is CAPTURE_MEETS_UNKNOWN. Async-signal-safe, keeps errno.
 */
enum capture_meets { CAPTURE_MEETS, CAPTURE_MEETS_NOT, CAPTURE_MEETS_UNKNOWN };
enum capture_meets capture_meets(const struct capture_point *at, unsigned skip, uintptr_t start, uintptr_t end,
				 uintptr_t top);

/* Makes everything that is remembered of code void, because modules have come or gone. Any thread may call this at any
 * time. */
void capture_modules_changed(void);

/* Are called before and after a dlclose(), in the thread that calls it. */
void capture_unloading(void);
void capture_unloaded(void);

#endif
