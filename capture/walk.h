/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single steps of a walk along a stack, each from a frame outward to its caller. See unwind.h for the domain and
 * the guarantees. A step reads only words between the stack pointer and the CFA, and first makes sure that
 * they can be read (stack.h). The functions return false if the step is given up.
 *
 *	CFA ->	caller's frame
 *		return address		at CFA + the rule's RA field
 *		saved frame pointer	at CFA + the rule's FP field
 *		locals
 *	sp ->	end of the frame
 */
#ifndef CAPTURE_WALK_H
#define CAPTURE_WALK_H

#include "arch.h"
#include "rules.h"
#include "stack.h"

static inline uintptr_t walk_load(uintptr_t address)
{
	return *(const uintptr_t *)address;
}

/* A walk's position. */
struct walk {
	uintptr_t pc, sp, fp;
	struct stack_range range;	/* the part of the position's stack that is known to be readable */
	bool interrupted;		/* pc is an interrupted instruction, and not a return address */
	uintptr_t lr;			/* if interrupted: the link register, on machines that have one */
};

/* From the signal trampoline to the frame that the signal interrupted, which can be on another stack. */
static inline bool walk_signal(struct walk *w)
{
	uintptr_t context = w->sp;

	if (!stack_reaches(&w->range, context + ARCH_SIGNAL_PC + sizeof(uintptr_t)))
		return false;
	w->fp = walk_load(context + ARCH_SIGNAL_FP);
	w->pc = walk_load(context + ARCH_SIGNAL_PC);
	w->sp = walk_load(context + ARCH_SIGNAL_SP);
	if (ARCH_LINK_REGISTER)
		w->lr = walk_load(context + ARCH_SIGNAL_LR);
	w->interrupted = true;
	return stack_enter(&w->range, w->sp);
}

/* Restores the caller's frame pointer. Returns false if the rule's place for it is not within the frame. */
static inline bool walk_restore_fp(struct walk *w, uint64_t rule, uintptr_t cfa)
{
	unsigned fp_kind = rule_fp_kind(rule);
	uintptr_t at;

	if (fp_kind == FP_SAME)
		return true;
	at = (fp_kind == FP_AT_CFA ? cfa : w->fp) +
	     (uintptr_t)rule_field(rule, OFFSET_BITS, FP_SHIFT);
	if (unlikely(at < w->sp || at >= cfa || at % sizeof(at)))
		return false;
	w->fp = walk_load(at);
	return true;
}

/*
 * From a function that a signal interrupted while its return address was in the link register: in a leaf function or
 * a prologue. If the function has no frame, its CFA is sp.
 */
static inline bool walk_leaf(struct walk *w, uint64_t rule)
{
	uintptr_t cfa = w->sp + (uintptr_t)rule_field(rule, CFA_BITS, CFA_SHIFT);

	if (cfa < w->sp || cfa % sizeof(cfa) || !stack_reaches(&w->range, cfa) ||
	    !walk_restore_fp(w, rule, cfa))
		return false;
	w->pc = arch_return_address(w->lr);
	w->sp = cfa;
	w->interrupted = false;
	return true;
}

/* One frame outward by a rule of KIND_SP, KIND_FP or KIND_DEREF. */
static inline bool walk_step(struct walk *w, uint64_t rule)
{
	unsigned kind = rule_kind(rule);
	uintptr_t cfa = (kind == KIND_SP ? w->sp : w->fp) +
			(uintptr_t)rule_field(rule, CFA_BITS, CFA_SHIFT);
	uintptr_t at;

	if (unlikely(kind == KIND_DEREF)) {
		if (cfa < w->sp || cfa % sizeof(cfa) || !stack_reaches(&w->range, cfa + sizeof(cfa)))
			return false;
		cfa = walk_load(cfa);
	}
	if (unlikely(cfa <= w->sp || cfa % sizeof(cfa) || !stack_reaches(&w->range, cfa)))
		return false;
	if (!walk_restore_fp(w, rule, cfa))
		return false;
	at = cfa + (uintptr_t)rule_field(rule, OFFSET_BITS, RA_SHIFT);
	if (unlikely(at < w->sp || at >= cfa))
		return false;
	w->pc = arch_return_address(walk_load(at));
	w->sp = cfa;
	w->interrupted = false;
	return true;
}

/*
 * The fast path: one frame outward by a rule of KIND_SP, within the part of the stack that is known to be readable.
 * Nearly all steps are of that sort. Returns false, with nothing changed, for all others.
 */
static inline __attribute__((always_inline)) bool walk_fast(struct walk *w, uint64_t rule)
{
	uintptr_t cfa = w->sp + (uintptr_t)rule_field(rule, CFA_BITS, CFA_SHIFT), ra, fp = w->fp;
	unsigned fp_kind = rule_fp_kind(rule);

	ra = cfa + (uintptr_t)rule_field(rule, OFFSET_BITS, RA_SHIFT);
	if (rule_kind(rule) != KIND_SP || cfa > w->range.high || cfa % sizeof(cfa) || ra < w->sp || ra >= cfa)
		return false;
	if (fp_kind != FP_SAME) {
		uintptr_t at = cfa + (uintptr_t)rule_field(rule, OFFSET_BITS, FP_SHIFT);

		if (fp_kind != FP_AT_CFA || at < w->sp || at >= cfa)
			return false;
		fp = walk_load(at);
	}
	w->fp = fp;
	w->pc = arch_return_address(walk_load(ra));
	w->sp = cfa;
	w->interrupted = false;
	return true;
}

enum record_step {
	RECORD_LEADS,		/* the step was made */
	RECORD_REFUSED,		/* pc, sp, fp or the return address in the record do not fit together */
	RECORD_UNREADABLE,	/* the record cannot be read */
};
#define RECORD_FAR	((uintptr_t)1 << 20)	/* the largest distance of a record from the stack pointer, in bytes */

/* Whether the frame pointer can be the address of a frame record in the frame at sp. */
static inline bool walk_record_fits(uintptr_t sp, uintptr_t fp)
{
	return fp - sp < RECORD_FAR && fp % sizeof(fp) == 0;
}

/* One frame outward from code without unwind information, by the frame record; rule_has_record() is true of the
 * rule. Unless the record leads on, nothing is changed but w->range. */
static inline enum record_step walk_record(struct walk *w, uint64_t rule)
{
	uintptr_t cfa = w->fp + (uintptr_t)rule_field(rule, CFA_BITS, CFA_SHIFT), ra;

	if (!walk_record_fits(w->sp, w->fp))
		return RECORD_REFUSED;
	if (!stack_reaches(&w->range, cfa))
		return RECORD_UNREADABLE;
	ra = arch_return_address(walk_load(w->fp + sizeof(ra)));
	if (!rules_record_leads(w->pc, rule, ra))
		return RECORD_REFUSED;
	w->pc = ra;
	w->sp = cfa;
	w->fp = walk_load(w->fp);
	w->interrupted = false;
	return RECORD_LEADS;
}

/* One frame outward by any rule but one of KIND_END, which the caller handles. */
static inline bool walk_by(struct walk *w, uint64_t rule)
{
	switch (rule_kind(rule)) {
	case KIND_SP:
	case KIND_FP:
	case KIND_DEREF:
		return likely(walk_step(w, rule));
	case KIND_SIGNAL:
		return walk_signal(w);
	case KIND_LEAF:
		return ARCH_LINK_REGISTER && walk_leaf(w, rule);
	default:
		return false;
	}
}

#endif
