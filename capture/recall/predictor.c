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

/* Whether a step is by a usual frame record: the saved frame pointer, and the return address above it. */
static bool is_by_record(uint64_t step)
{
	return step_kind(step) == STEP_FP && step_cfa(step) == 16 && step_ra(step) == 8 && step & STEP_SAVES_FP &&
	       step_fp(step) == 16;
}

bool prediction_make(struct prediction *p, const struct walked *w, unsigned last, bool goes_on)
{
	uintptr_t start = w[1].sp, fp = 0;
	unsigned lead = 0;

	*p = (struct prediction){ .root = 0 };
	for (unsigned i = 1; i < last; i++) {
		bool by_record = is_by_record(w[i].step);
		uintptr_t ra = by_record ? 0 : (w[i + 1].sp - step_ra(w[i].step) - start) / 8;

		/* Behind the first step by the frame pointer all steps have to be of that kind. */
		if (w[i + 1].pc >> RUN_PC_BITS || ra > UINT16_MAX ||
		    (!by_record && (step_kind(w[i].step) != STEP_SP || lead < i - 1)))
			return false;
		p->run[i - 1] = (uint64_t)ra << RUN_PC_BITS | w[i + 1].pc;
		if (by_record)
			continue;
		lead++;
		if (w[i].step & STEP_SAVES_FP)
			fp = w[i + 1].sp - step_fp(w[i].step);
	}
	if ((w[lead + 1].sp - start) / 8 > UINT16_MAX || (fp && (fp - start) / 8 >= RUN_FP_SAME))
		return false;
	p->kind = (uint8_t)((last - 1) | (goes_on ? RUN_GOES_ON : 0) | (lead < last - 1 ? RUN_BY_FP : 0));
	p->lead = (uint8_t)lead;
	p->cfa = (uint16_t)((w[lead + 1].sp - start) / 8);
	p->fp = fp ? (uint16_t)((fp - start) / 8) : RUN_FP_SAME;
	return true;
}

bool probes_set(uint16_t probe[PROBES], unsigned count, const struct prediction *p, uintptr_t sp, uintptr_t fp)
{
	uint16_t made[PROBES];
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
		made[i] = (uint16_t)at;
	}
	memcpy(probe, made, sizeof(made));	/* all or none: the last one has to be the largest */
	return true;
}

#endif
