/* SPDX-License-Identifier: GPL-2.0-only */
/* See capture.h. This file chooses the unwinder, and compares the unwinders with each other. */
#include "capture.h"

#include "base/atomics.h"
#include "base/out.h"
#include "base/probe.h"
#include "execinfo.h"
#include "capture/recall/recall.h"
#include "slow.h"
#include "stack.h"
#include "unwind.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES_MAX	16	/* disagreements that are printed */
#define CODE_LOOKED_AT	15	/* libgcc reads at most so many bytes behind an address of code */

/* The most predictions (recall/predictor.h), 64 bytes each, of the main thread and of any other thread. */
#define PREDICTIONS_LOG2	14
#define THREAD_PREDICTIONS_LOG2	10

static bool ready;
static bool fast;		/* there is a fast unwinder */
static bool by_execinfo;	/* capture_stack() uses backtrace() */
bool capture_checking HOT_DATA;

void capture_init(enum unwind_mode mode)
{
	fast = unwind_init();
	capture_checking = mode == UNWIND_CHECK;
	by_execinfo = mode == UNWIND_EXECINFO || !fast;
	if (by_execinfo || capture_checking)
		execinfo_init();
	store_release(&ready, true);
}

bool capture_ready(void)
{
	return load_acquire(&ready);
}

void capture_modules_changed(void)
{
	unwind_forget_rules();
}

/*
 * The module's destructors may allocate. The rules of their code must not get into the cache, because another thread
 * may load another module at the same addresses before dlclose() returns.
 */
void capture_unloading(void)
{
	capture_modules_changed();
	unwind_remember(false);
}

void capture_unloaded(void)
{
	unwind_remember(true);
	capture_modules_changed();
}

static void print_stack(struct out *out, const char *name, const uintptr_t *frames, unsigned count)
{
	out_text(out, name);
	for (unsigned i = 0; i < count; i++) {
		out_char(out, ' ');
		out_hex(out, frames[i]);
	}
	out_char(out, '\n');
}

/* Prints to standard error, for developers of the unwinder. */
static void print_disagreement(const uintptr_t *a, unsigned a_count, const uintptr_t *b, unsigned b_count)
{
	static uint32_t printed;
	char buf[512];
	struct out out;

	if (add_relaxed(&printed, 1) >= SAMPLES_MAX)
		return;
	out_init(&out, STDERR_FILENO, buf, sizeof(buf));
	out_text(&out, "[heaptrace] the unwinders disagree\n");
	print_stack(&out, "[heaptrace] fast:    ", a, a_count);
	print_stack(&out, "[heaptrace] execinfo:", b, b_count);
	out_flush(&out);
}

struct recall *capture_recall(bool main_thread, unsigned max)
{
	unsigned predictions_log2 = main_thread ? PREDICTIONS_LOG2 : THREAD_PREDICTIONS_LOG2;

	return ready && !by_execinfo ? recall_create(predictions_log2, max) : NULL;
}

/* As capture_stack(), by the fast unwinder or else the slow one. Returns 0 if neither found the way. */
static unsigned unwind_own(const struct capture_point *at, uintptr_t *frames, unsigned max, struct unwind_end *end,
		     unsigned *notes)
{
	unsigned n = unwind_stack(at, frames, max, end);

	if (likely(n))
		return n;
	*notes |= CAPTURE_FELL_BACK;
	return slow_stack(at, frames, max, end);
}

/*
 * As execinfo_stack(), but returns 0 if backtrace() might read memory that cannot be read.
 *
 * backtrace() follows the same information along the same frames as our unwinders. So backtrace() is called
 * only if one of ours has come to the end of the stack, or as far as backtrace() is going to be asked to go. In code
 * without unwind information backtrace() reads the instructions, to see whether this is the signal trampoline, and
 * otherwise stops there, where a frame pointer may have led ours on. own[] gets the stack that our unwinder
 * found, and *end how its walk ended.
 */
static unsigned ask_execinfo(const struct capture_point *at, uintptr_t *frames, unsigned max,
			     uintptr_t own[CAPTURE_MAX + EXECINFO_OWN_MAX], unsigned *own_count,
			     struct unwind_end *end)
{
	unsigned notes = 0, n = unwind_own(at, own, max + EXECINFO_OWN_MAX, end, &notes);

	*own_count = n < max ? n : max;
	if (!n || end->how == UNWIND_CUT)
		return 0;
	if (end->how == UNWIND_NO_CFI && (!probe_readable(own[n - 1]) || !probe_readable(own[n - 1] + CODE_LOOKED_AT)))
		return 0;
	if (n >= max)
		end->how = UNWIND_FULL;
	return execinfo_stack(at->pc, frames, max);
}

void __attribute__((noinline)) capture_compare(const struct capture_point *at, const uintptr_t *frames, unsigned count,
		     unsigned max, unsigned *notes)
{
	uintptr_t other[CAPTURE_MAX], own[CAPTURE_MAX + EXECINFO_OWN_MAX];
	struct unwind_end end;
	unsigned own_count, n = ask_execinfo(at, other, max, own, &own_count, &end), both = count;

	if (!n)
		return;
	*notes |= CAPTURE_CHECKED;
	/* backtrace() does not follow frame records. */
	if (end.first_record < count)
		both = end.first_record + 1;
	if (n == both && !memcmp(frames, other, n * sizeof(*frames)) && own_count == count &&
	    !memcmp(frames, own, count * sizeof(*frames)))
		return;
	*notes |= CAPTURE_DISAGREED;
	print_disagreement(frames, count, other, n);
}

enum capture_meets capture_meets(const struct capture_point *at, unsigned skip, uintptr_t start, uintptr_t end,
				 uintptr_t top)
{
	int saved = errno, meets = -1;
	uintptr_t stuck_sp;

	if (capture_ready() && fast) {
		meets = unwind_meets(at, skip, start, end, &stuck_sp);
		if (meets < 0 && stack_lacks(stuck_sp, top, start, end))
			meets = 0;
	}
	errno = saved;
	return meets < 0 ? CAPTURE_MEETS_UNKNOWN : meets ? CAPTURE_MEETS : CAPTURE_MEETS_NOT;
}

/* As capture_stack(), by backtrace(). */
static unsigned __attribute__((noinline)) serve_execinfo(const struct capture_point *at, uintptr_t *frames,
							unsigned max, struct unwind_end *end)
{
	uintptr_t own[CAPTURE_MAX + EXECINFO_OWN_MAX];
	unsigned own_count = 0, n;

	if (!fast)
		return execinfo_stack(at->pc, frames, max);
	n = ask_execinfo(at, frames, max, own, &own_count, end);
	if (n && n < max && end->first_record == n - 1)
		end->how = UNWIND_NO_CFI;
	if (n)
		return n;
	memcpy(frames, own, own_count * sizeof(*frames));
	return own_count;
}

unsigned capture_stack(const struct capture_point *at, uintptr_t *frames, unsigned max,
		       unsigned *notes)
{
	struct unwind_end end = { .how = UNWIND_ENDS };
	unsigned n = 0;

	*notes = 0;
	if (likely(capture_ready()))
		n = unlikely(by_execinfo) ? serve_execinfo(at, frames, max, &end)
					  : unwind_own(at, frames, max, &end, notes);
	if (unlikely(!n)) {
		*notes |= CAPTURE_SHORT;
		frames[0] = at->pc;
		return 1;
	}
	if (end.how == UNWIND_CUT)
		*notes |= CAPTURE_CUT;
	if (end.how == UNWIND_NO_CFI)
		*notes |= CAPTURE_NO_CFI;
	if (unlikely(capture_checking))
		capture_compare(at, frames, n, max, notes);
	return n;
}
