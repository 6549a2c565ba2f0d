/* SPDX-License-Identifier: GPL-2.0-only */
/* See short.h. */
#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "short.h"

#include "capture/walk.h"

#include <string.h>

/* Whether the stack has the first `count` steps that were passed. */
static inline bool is_passed(const struct short_stacks *s, const struct short_stack *stack, unsigned count)
{
	uint64_t differs = stack->function ^ s->function;

	for (unsigned i = 0; i < count; i++)
		differs |= stack->step[i] ^ s->passed[i].step;
	return !differs;
}

HOT_CODE uint32_t short_find(struct short_stacks *s, const struct stack_range *range, uint64_t stamp, uint32_t function,
			     const struct capture_point *at, unsigned most)
{
	const struct step_slot *cache = steps_cache;
	uint64_t mask = load_relaxed(&steps_mask), hash = function;
	uintptr_t pc = at->pc, sp = at->sp, high = range->high;
	struct short_stack *stack;
	unsigned n = 0;

	s->place = NULL;
	s->tried++;
	if (unlikely(sp % sizeof(sp)) || unlikely(sp < range->low || sp >= high) || unlikely(!function))
		return 0;
	for (;;) {
		uint64_t step, differs = step_differs(&cache[pc & mask], pc, stamp, &step);
		uintptr_t cfa = sp;

		s->passed[n].sp = sp;
		s->passed[n].step = step;
		hash = (hash ^ pc) * 0x9e3779b97f4a7c15u;
		if (unlikely(differs)) {
			if (differs != STEP_OTHER_CHECK)
				return 0;
			if (step_kind(step) == STEP_END || n + 1 == most) {
				n++;
				break;
			}
			if (step_kind(step) != STEP_FP)
				return 0;
			cfa = steps_fp(s->passed, s->passed + n, at->fp, sp);
			if (unlikely(cfa < sp || cfa % sizeof(cfa) || cfa > high))
				return 0;
		}
		if (++n == most)
			break;
		cfa += step_cfa(step);
		if (unlikely(cfa > high))
			return 0;
		pc = arch_return_address(walk_load(cfa - step_ra(step)));
		sp = cfa;
	}
	s->function = function | s->times_emptied << STEP_NUMBER_BITS;
	stack = &s->stacks[hash >> 32 & s->mask];
	if (!is_passed(s, stack, n))
		stack = &s->stacks[(size_t)(stack - s->stacks) ^ 1];
	if (likely(is_passed(s, stack, n)) && stack->value) {
		s->found++;
		return stack->value;
	}
	s->place = stack;
	s->count = n;
	return 0;
}

void short_forget(struct short_stacks *s)
{
	s->place = NULL;
	s->times_emptied = (s->times_emptied + 1) % (1u << (32 - STEP_NUMBER_BITS));
	if (!s->times_emptied)
		memset(s->stacks, 0, sizeof(*s->stacks) * (s->mask + 1));
}

void short_learn(struct short_stacks *s, uint32_t value)
{
	struct short_stack *stack = s->place;

	s->place = NULL;
	if (stack->value && ++s->replaced > s->mask / 4 && s->mask < s->most) {
		s->replaced = 0;
		s->mask = s->mask * 2 + 1;
	}
	stack->value = value;
	stack->function = s->function;
	for (unsigned i = 0; i < SHORT_FRAMES - 1; i++)
		stack->step[i] = i < s->count ? s->passed[i].step : 0;
}

#endif
