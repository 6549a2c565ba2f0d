/* SPDX-License-Identifier: GPL-2.0-only */
/* See unwind.h. */
#include "unwind.h"

#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "walk.h"

#define MEETS_MAX	20000u	/* the most frames that unwind_meets() walks */

static __thread struct stack_range known_stack;

bool unwind_init(void)
{
	return rules_init();
}

/* Steps on from a rule of KIND_END, by the frame record if there is one. Returns how the walk ends, or
 * UNWIND_GOES_ON. */
static enum unwind_how step_from_end(struct walk *w, uint64_t rule)
{
	if (!rule_has_no_cfi(rule))
		return UNWIND_ENDS;
	return rule_has_record(rule) && walk_record(w, rule) == RECORD_LEADS ? UNWIND_GOES_ON : UNWIND_NO_CFI;
}

unsigned unwind_stack(const struct capture_point *point, uintptr_t *frames, unsigned max, struct unwind_end *end)
{
	uint64_t stamp = load_relaxed(&rules_stamp);
	struct walk w = { .pc = point->pc, .sp = point->sp, .fp = point->fp, .range = known_stack };
	unsigned n = 0;

	*end = (struct unwind_end){ .how = UNWIND_CUT, .first_record = UINT_MAX };
	frames[n++] = w.pc;
	if (unlikely(!stack_enter(&w.range, w.sp)))
		return n;
	while (n < max) {
		uint64_t rule = rules_find(w.pc | (w.interrupted ? INTERRUPTED : 0), stamp);

		if (rule_kind(rule) == KIND_GIVE_UP)
			return 0;
		if (rule_kind(rule) == KIND_SIGNAL)
			known_stack = w.range;	/* the interrupted frame can be on another stack */
		if (rule_kind(rule) == KIND_END) {
			end->how = step_from_end(&w, rule);
			if (end->how != UNWIND_GOES_ON)
				break;
			if (end->first_record == UINT_MAX)
				end->first_record = n - 1;
		} else if (unlikely(!walk_by(&w, rule))) {
			end->how = UNWIND_CUT;
			return n;	/* known_stack stays: the pages just probed may not be of this stack */
		}
		if (!w.pc) {
			end->how = UNWIND_ENDS;
			break;
		}
		frames[n++] = w.pc;
		end->how = UNWIND_FULL;
	}
	if (n == max)
		end->how = UNWIND_FULL;
	known_stack = w.range;
	return n;
}

int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end,
		 uintptr_t *stuck_sp)
{
	uint64_t stamp = load_relaxed(&rules_stamp);
	struct walk w = { .pc = point->pc, .sp = point->sp, .fp = point->fp };

	*stuck_sp = w.sp;
	if (!stack_enter(&w.range, w.sp))
		return -1;
	for (unsigned n = 0; n < MEETS_MAX; n++) {
		bool within = w.pc - start < end - start;
		uint64_t rule;

		if (within && n >= skip)
			return 1;
		if (!within)
			skip = 0;
		*stuck_sp = w.sp;
		rule = rules_find(w.pc | (w.interrupted ? INTERRUPTED : 0), stamp);
		if (rule_kind(rule) == KIND_END) {
			enum unwind_how how = step_from_end(&w, rule);

			if (how != UNWIND_GOES_ON)
				return how == UNWIND_ENDS ? 0 : -1;
		} else if (!walk_by(&w, rule)) {
			return -1;
		}
		if (!w.pc)
			return 0;
	}
	return -1;
}

#else

int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end,
		 uintptr_t *stuck_sp)
{
	(void)point;
	(void)skip;
	(void)start;
	(void)end;
	(void)stuck_sp;
	return -1;
}

bool unwind_init(void)
{
	return false;
}

unsigned unwind_stack(const struct capture_point *point, uintptr_t *frames, unsigned max, struct unwind_end *end)
{
	(void)point;
	(void)frames;
	(void)max;
	(void)end;
	return 0;
}

#endif
