/* SPDX-License-Identifier: GPL-2.0-only */
/* See predictor.h. */
#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "predictor.h"

HOT_CODE bool prediction_holds(const struct prediction *p, uintptr_t sp, uintptr_t fp, uintptr_t high,
			       struct run_end *end)
{
	const uint64_t *at = p->run, *lead = at + p->lead, *last = at + run_count(p);
	uintptr_t low = sp + p->cfa * 8u, odd = 0;

	if (unlikely(low > high))
		return false;
	for (; at < lead; at++) {
		if (arch_return_address(walk_load(sp + (*at >> RUN_PC_BITS) * 8u)) != run_pc(*at))
			return false;
	}
	if (p->fp != RUN_FP_SAME)
		fp = walk_load(sp + p->fp * 8u);
	for (high -= 16; at < last; at++) {
		if (unlikely(fp < low || fp > high) || arch_return_address(walk_load(fp + 8)) != run_pc(*at))
			return false;
		odd |= fp;
		low = fp + 16;
		fp = walk_load(fp);
	}
	*end = (struct run_end){ run_pc(last[-1]), low, fp };
	return likely(odd % sizeof(fp) == 0);
}

/* A step in the form of a prediction: offsets in bytes from the stack pointer or, by_fp, from the frame pointer. */
struct plain_step {
	bool by_fp;
	int64_t cfa, ra, fp;		/* fp: -1 if the step does not change the frame pointer */
};

/* The step of frame i of a captured stack. False: it has another form, or an offset is not within the frame. */
static bool step_of(const struct run_source *from, unsigned i, struct plain_step *s)
{
	uint64_t rule = rules_find(from->frames[i], from->stamp);
	bool same;

	if (rule_kind(rule) == KIND_END && rule_has_record(rule))
		rule = rule_of_record(rule);
	same = rule_fp_kind(rule) == FP_SAME;
	s->by_fp = rule_kind(rule) == KIND_FP;
	s->cfa = rule_field(rule, CFA_BITS, CFA_SHIFT);
	s->ra = s->cfa + rule_field(rule, OFFSET_BITS, RA_SHIFT);
	s->fp = same ? -1 : (rule_fp_kind(rule) == FP_AT_CFA ? s->cfa : 0) + rule_field(rule, OFFSET_BITS, FP_SHIFT);
	if (!s->by_fp && (rule_kind(rule) != KIND_SP || rule_fp_kind(rule) == FP_AT_FP))
		return false;
	return s->ra >= 0 && s->ra < s->cfa && (same || (s->fp >= 0 && s->fp < s->cfa));
}

/*
 * Whether frame i, the last one of a prediction, ends the stack whatever its words are. *goes_on: it does not end
 * it.
 */
static bool end_of(const struct run_source *from, unsigned i, bool *goes_on)
{
	uint64_t rule = rules_find(from->frames[i], from->stamp);

	*goes_on = i < from->max && (rule_kind(rule) != KIND_END || rule_has_record(rule));
	return !*goes_on || i == from->levels || rule_kind(rule) == KIND_END;
}

bool prediction_make(struct prediction *p, const struct run_source *from)
{
	unsigned last = from->count - 1 < from->levels ? from->count - 1 : from->levels, lead = 0;
	int64_t sp = 0, fp = -1;
	bool goes_on;

	if (last < 2 || last - 1 > RUN_MAX || !end_of(from, last, &goes_on))
		return false;
	*p = (struct prediction){ .root = 0 };
	for (unsigned i = 1; i < last; i++) {
		struct plain_step s;
		int64_t ra;

		if (!step_of(from, i, &s) || from->frames[i + 1] >> RUN_PC_BITS)
			return false;
		/* Behind the first step by the frame pointer all steps have to be of that kind. */
		if (s.by_fp ? s.cfa != 16 || s.ra != 8 || s.fp != 0 : lead < i - 1)
			return false;
		ra = s.by_fp ? 0 : sp + s.ra;
		if (ra / 8 > UINT16_MAX)
			return false;
		p->run[i - 1] = (uint64_t)(ra / 8) << RUN_PC_BITS | from->frames[i + 1];
		if (s.by_fp)
			continue;
		lead++;
		if (s.fp >= 0)
			fp = sp + s.fp;
		sp += s.cfa;
	}
	if (sp / 8 > UINT16_MAX)
		return false;
	p->kind = (uint8_t)((last - 1) | (goes_on ? RUN_LIMITED : 0) | (lead < last - 1 ? RUN_BY_FP : 0));
	p->lead = (uint8_t)lead;
	p->cfa = (uint16_t)(sp / 8);
	p->fp = fp < 0 ? RUN_FP_SAME : (uint16_t)(fp / 8);
	return true;
}

bool probes_set(uint16_t probe[PROBES], unsigned count, const struct prediction *p, uintptr_t sp, uintptr_t fp)
{
	uintptr_t at = 0;

	if (p->fp != RUN_FP_SAME && p->kind & RUN_BY_FP)
		fp = walk_load(sp + p->fp * 8u);
	for (unsigned i = 0; i < PROBES; i++) {
		if (i >= count || i >= run_count(p)) {
			;	/* the last one again */
		} else if (i < p->lead) {
			at = run_offset(p, i);
		} else {
			at = fp + 8 - sp;
			fp = walk_load(fp);
		}
		if (at > UINT16_MAX)
			return false;
		probe[i] = (uint16_t)at;
	}
	return true;
}

#endif
