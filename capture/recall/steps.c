/* SPDX-License-Identifier: GPL-2.0-only */
/* See steps.h. */
#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "steps.h"

#include "base/arena.h"
#include "capture/rules.h"

struct step_slot *steps_cache HOT_DATA;
uint64_t steps_mask HOT_DATA;
static uint32_t writing;	/* 1: a thread writes a slot */
static uint32_t replaced;	/* steps that took the place of others, since more slots are in use */

bool steps_init(void)
{
	if (!steps_cache) {
		steps_cache = arena_map(sizeof(*steps_cache) << STEPS_LOG2_MOST);
		steps_mask = ((uint64_t)1 << STEPS_LOG2_LEAST) - 1;
	}
	return steps_cache;
}

static bool holds(const struct step_slot *s, uintptr_t pc, uint64_t stamp, uint64_t *step)
{
	return !(step_differs(s, pc, stamp, step) & ~STEP_OTHER_CHECK);
}

uint64_t steps_find(uintptr_t pc, uint64_t stamp)
{
	const struct step_slot *s = &steps_cache[pc & load_relaxed(&steps_mask)];
	uint64_t step;

	if (!holds(s, pc, stamp, &step))
		s = &steps_cache[(size_t)(s - steps_cache) ^ 1];
	return holds(s, pc, stamp, &step) ? step : 0;
}

/* Whether a place fits into a field of so many bits, and is at least one word. */
static bool fits(int64_t bytes, unsigned bits)
{
	return bytes >= 8 && bytes % 8 == 0 && bytes / 8 < (int64_t)1 << bits;
}

uint64_t step_of_rule(uint64_t rule)
{
	unsigned kind = rule_kind(rule), fp_kind = rule_fp_kind(rule);
	int64_t cfa = rule_field(rule, CFA_BITS, CFA_SHIFT);
	int64_t ra = -rule_field(rule, OFFSET_BITS, RA_SHIFT), fp = -rule_field(rule, OFFSET_BITS, FP_SHIFT);
	int64_t place = ARCH_LINK_REGISTER ? ra : fp_kind == FP_SAME ? 8 : fp;

	if (kind == KIND_END && !rule_has_no_cfi(rule))
		return (uint64_t)STEP_END << STEP_KIND_SHIFT;
	if ((kind != KIND_SP && kind != KIND_FP) || fp_kind == FP_AT_FP)
		return 0;
	if (!fits(cfa, STEP_CFA_BITS) || !fits(place, STEP_PLACE_BITS) || ra < 8 || ra > cfa ||
	    (!ARCH_LINK_REGISTER && ra != 8))
		return 0;
	if (fp_kind == FP_AT_CFA && (fp < 8 || fp > cfa || (ARCH_LINK_REGISTER && fp != ra + 8)))
		return 0;
	return (uint64_t)(kind == KIND_SP ? STEP_SP : STEP_FP) << STEP_KIND_SHIFT |
	       (fp_kind == FP_AT_CFA ? STEP_SAVES_FP : 0) | (uint64_t)(place / 8) << STEP_PLACE_SHIFT |
	       (uint64_t)(cfa / 8) << STEP_CFA_SHIFT;
}

/* Whether the slot has a step of any address that belongs there, of these rules. */
static bool is_taken(const struct step_slot *s, uint64_t stamp)
{
	uint64_t pc = ((load_relaxed(&s->check) - load_relaxed(&s->step)) ^ stamp) & ~STEP_OTHER_CHECK;
	size_t at = (size_t)(s - steps_cache);

	return (pc & load_relaxed(&steps_mask) & ~(uint64_t)1) == (at & ~(size_t)1) && !(pc >> 48);
}

void steps_number(uintptr_t pc, uint64_t stamp, uint32_t number)
{
	uint64_t mask = load_relaxed(&steps_mask), step, check;
	struct step_slot *s = &steps_cache[pc & mask], *other = &steps_cache[(pc & mask) ^ 1];

	if (rules_unloading || pc >> 48 || number >> STEP_NUMBER_BITS || steps_find(pc, stamp))
		return;
	if (is_taken(s, stamp)) {
		if (!is_taken(other, stamp)) {
			s = other;
		} else if (add_relaxed(&replaced, 1) > mask / 8 && mask < ((uint64_t)1 << STEPS_LOG2_MOST) - 1) {
			store_relaxed(&replaced, 0);
			mask = mask * 4 + 3;
			store_relaxed(&steps_mask, mask);
			s = &steps_cache[pc & mask];
		}
	}
	step = step_of_rule(rules_find(pc, stamp)) | number;
	check = (pc ^ stamp) + step;
	/* One thread at a time writes, and others store nothing. So no two words stay that do not belong together. */
	if (exchange_acq_rel(&writing, 1))
		return;
	store_relaxed(&s->step, step);
	store_relaxed(&s->check, step_kind(step) == STEP_SP ? check : check ^ STEP_OTHER_CHECK);
	store_release(&writing, 0);
}

void steps_release(void)
{
	store_release(&writing, 0);
}

#endif
