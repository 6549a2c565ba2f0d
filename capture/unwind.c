/* SPDX-License-Identifier: GPL-2.0-only */
/* See unwind.h. */
#include "unwind.h"

#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "walk.h"

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

#else

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
