/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See execinfo.h. The result of backtrace() begins with frames of this library (capture/, the hook), as many as the
 * compiler has left after inlining. The program's frames begin where the hook's return address is found among
 * the first few.
 */
#include "execinfo.h"

#include "elf/loaded.h"
#include "elf/lookup.h"

#include <errno.h>
#include <execinfo.h>
#include <string.h>
#ifdef __i386__
#include "stack.h"

#include <unwind.h>
#endif

/* backtrace() relies on the ABI's alignment of the stack to 16 bytes, which hooks do not keep (see the Makefile). */
#ifdef __x86_64__
#define ALIGNED_STACK	__attribute__((force_align_arg_pointer))
#else
#define ALIGNED_STACK
#endif

static uintptr_t library_start, library_end;	/* libgcc_s, if execinfo_init() was the first to load it */

#ifdef __i386__
/*
 * On this machine backtrace() goes on by frame pointers where there is no unwind information, and reads wherever they
 * point to: it crashes in a coroutine that begins with another value in that register. So what backtrace() calls for
 * all other frames is called here in its place, and frame pointers are followed as long as they lead up this stack.
 */
#define FRAME_BYTES_MAX	((uintptr_t)1 << 20)

static __typeof__(_Unwind_Backtrace) *unwind;
static __typeof__(_Unwind_GetIP) *unwind_ip;
static __typeof__(_Unwind_GetGR) *unwind_register;
static __typeof__(_Unwind_GetCFA) *unwind_cfa;

struct trace {
	void **stack;
	int count, max;
	uintptr_t sp, fp;		/* of the last frame */
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *arg)
{
	struct trace *t = arg;
	void *pc = (void *)unwind_ip(context);

	if (t->count == t->max || !pc)
		return _URC_END_OF_STACK;
	t->stack[t->count++] = pc;
	t->sp = unwind_cfa(context);
	t->fp = unwind_register(context, 5);	/* ebp */
	return _URC_NO_REASON;
}

static int trace(void **stack, int max)
{
	struct trace t = { .stack = stack, .max = max };
	struct stack_range range = { 0, 0 };

	if (!unwind || !unwind_ip || !unwind_register || !unwind_cfa)
		return backtrace(stack, max);
	unwind(add_frame, &t);
	while (t.count < max && t.fp >= t.sp && t.fp - t.sp < FRAME_BYTES_MAX && t.fp % 4 == 0 &&
	       stack_enter(&range, t.sp) && stack_reaches(&range, t.fp + 8) && ((void **)t.fp)[1]) {
		t.stack[t.count++] = ((void **)t.fp)[1];
		t.sp = t.fp + 8;
		t.fp = *(uintptr_t *)t.fp;
	}
	return t.count;
}
#else
#define trace(stack, max) backtrace(stack, max)
#endif

ALIGNED_STACK void execinfo_init(void)
{
	bool was_there = lookup_first("_Unwind_Backtrace");
	struct loaded_module m;
	void *frame[1];
	uintptr_t inside;

	backtrace(frame, 1);
#ifdef __i386__
	unwind = lookup_first("_Unwind_Backtrace");
	unwind_ip = lookup_first("_Unwind_GetIP");
	unwind_register = lookup_first("_Unwind_GetGR");
	unwind_cfa = lookup_first("_Unwind_GetCFA");
#endif
	inside = was_there ? 0 : (uintptr_t)lookup_first("_Unwind_Backtrace");
	if (inside && loaded_init() && loaded_find(inside, &m) == LOADED_FOUND) {
		library_start = m.start;
		library_end = m.end;
	}
}

bool execinfo_has_loaded(uintptr_t address)
{
	return address - library_start < library_end - library_start;
}

ALIGNED_STACK unsigned execinfo_stack(uintptr_t pc, uintptr_t *frames, unsigned max)
{
	void *stack[max + EXECINFO_OWN_MAX];
	int saved = errno, n = trace(stack, (int)max + EXECINFO_OWN_MAX);

	errno = saved;
	for (int own = 0; own < n && own <= EXECINFO_OWN_MAX; own++) {
		if ((uintptr_t)stack[own] == pc) {
			unsigned count = (unsigned)(n - own);

			if (count > max)
				count = max;
			memcpy(frames, stack + own, count * sizeof(*frames));
			return count;
		}
	}
	return 0;
}
