/* SPDX-License-Identifier: GPL-2.0-only */
/* See unwind.h. */
#include "unwind.h"

#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "base/loaded.h"
#include "walk.h"

#define MEETS_MAX	20000u	/* frames, where the stack is very deep */

static __thread struct stack_range known_stack;

bool unwind_init(void)
{
	return rules_init();
}

unsigned unwind_stack(const struct capture_point *point, uintptr_t *frames, unsigned max)
{
	uint64_t stamp = load_relaxed(&rules_stamp);
	struct walk w = { .pc = point->pc, .sp = point->sp, .fp = point->fp, .range = known_stack };
	unsigned n = 0;

	if (unlikely(!stack_enter(&w.range, w.sp)))
		return 0;
	for (;;) {
		uint64_t rule;

		frames[n++] = w.pc;
		if (n == max)
			break;
		rule = rules_find(w.pc | (w.exact ? EXACT : 0), stamp);
		if (rule_kind(rule) == KIND_END)
			break;
		if (rule_kind(rule) == KIND_SIGNAL)
			known_stack = w.range;	/* what follows may be another stack */
		if (unlikely(!walk_by(&w, rule)))
			return 0;
		if (!w.pc)
			break;
	}
	known_stack = w.range;
	return n;
}

int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end)
{
	uint64_t stamp = load_relaxed(&rules_stamp);
	struct walk w = { .pc = point->pc, .sp = point->sp, .fp = point->fp };
	struct loaded_module module;

	if (!stack_enter(&w.range, w.sp))
		return -1;
	for (unsigned n = 0; n < MEETS_MAX; n++) {
		bool within = w.pc - start < end - start;
		uint64_t rule;

		if (within && n >= skip)
			return 1;
		if (!within)
			skip = 0;
		rule = rules_find(w.pc | (w.exact ? EXACT : 0), stamp);
		if (rule_kind(rule) == KIND_END)	/* of code in no module nothing is known */
			return loaded_find(w.pc, &module) == LOADED_FOUND ? 0 : -1;
		if (!walk_by(&w, rule))
			return -1;
		if (!w.pc)
			return 0;
	}
	return -1;
}

#else

int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end)
{
	(void)point;
	(void)skip;
	(void)start;
	(void)end;
	return -1;
}

bool unwind_init(void)
{
	return false;
}

unsigned unwind_stack(const struct capture_point *point, uintptr_t *frames, unsigned max)
{
	(void)point;
	(void)frames;
	(void)max;
	return 0;
}

#endif
