/* SPDX-License-Identifier: GPL-2.0-only */
/* See capture.h: which unwinder serves, and the comparison of the two. */
#include "capture.h"

#include "base/atomics.h"
#include "base/out.h"
#include "execinfo.h"
#include "paths.h"
#include "unwind.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES_MAX	16	/* disagreements that are printed */

/* Nodes of the tree, 64 bytes each: of the main thread's, and of any other's. */
#define NODES_LOG2		15
#define THREAD_NODES_LOG2	12

static bool ready, fast;
bool capture_checking HOT_DATA;

void capture_init(enum unwind_mode mode)
{
	fast = mode != UNWIND_EXECINFO && unwind_init();
	capture_checking = mode == UNWIND_CHECK;
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
 * What a destructor of the module makes known of its code must not outlive it: another thread may
 * load another module at the same place before dlclose() returns.
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

/* For who develops the unwinder: straight to standard error. */
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

struct paths *capture_paths(bool main_thread, unsigned max)
{
	return ready && fast ? paths_create(main_thread ? NODES_LOG2 : THREAD_NODES_LOG2, max) : NULL;
}

void capture_compare(const struct capture_point *at, const uintptr_t *frames, unsigned count,
		     unsigned max, unsigned *notes)
{
	uintptr_t other[max];
	unsigned n = execinfo_stack(at->pc, other, max);

	*notes |= CAPTURE_CHECKED;
	if (n == count && !memcmp(frames, other, n * sizeof(*frames)))
		return;
	*notes |= CAPTURE_DISAGREED;
	print_disagreement(frames, count, other, n);
}

enum capture_meets capture_meets(const struct capture_point *at, unsigned skip, uintptr_t start, uintptr_t end)
{
	int saved = errno, meets = capture_ready() && fast ? unwind_meets(at, skip, start, end) : -1;

	errno = saved;
	return meets < 0 ? CAPTURE_MEETS_UNKNOWN : meets ? CAPTURE_MEETS : CAPTURE_MEETS_NOT;
}

unsigned capture_stack(const struct capture_point *at, uintptr_t *frames, unsigned max,
		       unsigned *notes)
{
	unsigned n;

	*notes = 0;
	if (unlikely(!capture_ready())) {
		*notes = CAPTURE_SHORT;
		frames[0] = at->pc;
		return 1;
	}
	if (likely(fast)) {
		n = unwind_stack(at, frames, max);
		if (likely(n)) {
			if (unlikely(capture_checking))
				capture_compare(at, frames, n, max, notes);
			return n;
		}
		*notes = CAPTURE_FELL_BACK;
	}
	n = execinfo_stack(at->pc, frames, max);
	if (n)
		return n;
	*notes |= CAPTURE_SHORT;
	frames[0] = at->pc;
	return 1;
}
