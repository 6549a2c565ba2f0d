/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The step cache: what a walk needs to know of an address that it comes to, in one word. A step is a rule (rules.h)
 * of one of the common kinds in a form that takes few instructions to follow, together with the number that the
 * table has for the address. So a walk with the step cache yields the frames' numbers, by which a row is
 * recognized.
 *
 *	bits	0-31	32-33	34		35-48	49-63
 *		number	kind	saves FP	place	CFA
 *
 * The CFA is above the stack pointer (STEP_SP) or above the frame pointer (STEP_FP), in words. The place is below
 * the CFA, in words: on machines whose calls push the return address just below the CFA, that of the saved frame
 * pointer (if it is saved); elsewhere that of the return address, and a saved frame pointer is the word below. All
 * saved words lie between that register and the CFA, so that no step has to check it.
 *
 * The cache is direct-mapped by the low bits of the address, with a second choice in the other slot of a pair, and
 * grows when many steps replace others. A slot's check has the address, the stamp of the rules and the step itself,
 * as in the rule cache: a pair of words that do not belong together counts as a miss, and so does a step from
 * before the last change of modules. The check of a step that is not of kind STEP_SP has its upper bit inverted, so
 * that the commonest kind needs one comparison.
 *
 * All threads share the cache. The functions but steps_init() are async-signal-safe, and any number of threads may call
 * them at once.
 */
#ifndef CAPTURE_RECALL_STEPS_H
#define CAPTURE_RECALL_STEPS_H

#include "base/atomics.h"
#include "base/suffix.h"
#include "capture/arch.h"

#include <stdbool.h>
#include <stdint.h>

#define STEP_NUMBER_BITS 22		/* of a number that can be kept */
#define STEP_KIND_SHIFT	32
#define STEP_SAVES_FP	((uint64_t)1 << 34)
#define STEP_PLACE_SHIFT 35
#define STEP_PLACE_BITS	14
#define STEP_CFA_SHIFT	49
#define STEP_CFA_BITS	15

enum step_kind {
	STEP_OTHER,		/* the rule has to be looked up, or there is no number yet */
	STEP_SP,
	STEP_FP,
	STEP_END,		/* the stack ends here, whatever its words are */
};

#define STEPS_LOG2_LEAST 9
#define STEPS_LOG2_MOST	15

struct step_slot {
	uint64_t check, step;
};

extern struct step_slot *steps_cache HIDDEN;	/* NULL: there is no memory for it */
extern uint64_t steps_mask HIDDEN;		/* of the slots in use */

/* Is called at the start, after rules_init(). Returns false if there is no memory. */
bool steps_init(void);

static inline uint32_t step_number(uint64_t step)
{
	return (uint32_t)step;
}

static inline unsigned step_kind(uint64_t step)
{
	return (unsigned)(step >> STEP_KIND_SHIFT) & 3;
}

/* How far the CFA is above the register that it is counted from, and how far below the CFA the words are, in bytes. */
static inline uintptr_t step_cfa(uint64_t step)
{
	return (uintptr_t)(step >> STEP_CFA_SHIFT) * 8;
}

static inline uintptr_t step_place(uint64_t step)
{
	return (uintptr_t)(step >> STEP_PLACE_SHIFT & ((1u << STEP_PLACE_BITS) - 1)) * 8;
}

static inline uintptr_t step_ra(uint64_t step)
{
	return ARCH_LINK_REGISTER ? step_place(step) : 8;
}

/* For a step that saves the frame pointer. */
static inline uintptr_t step_fp(uint64_t step)
{
	return ARCH_LINK_REGISTER ? step_place(step) + 8 : step_place(step);
}

/*
 * The frame pointer at the position sp, to which the steps of the frames from `from` to the one before `end` lead. fp:
 * the frame pointer at frame `from`.
 */
static inline uintptr_t steps_fp(const struct walked *from, const struct walked *end, uintptr_t fp, uintptr_t sp)
{
	for (; end-- > from; sp = end->sp) {
		if (end->step & STEP_SAVES_FP)
			return *(const uintptr_t *)(sp - step_fp(end->step));
	}
	return fp;
}

#define STEP_OTHER_CHECK ((uint64_t)1 << 63)

/* How a slot differs from one with a step of kind STEP_SP for this address: 0 if the slot has such a step,
 * STEP_OTHER_CHECK if it has a step of another kind for the address. *step gets what the slot has. */
static inline __attribute__((always_inline)) uint64_t step_differs(const struct step_slot *s, uintptr_t pc,
								   uint64_t stamp, uint64_t *step)
{
	*step = load_relaxed(&s->step);
	return load_relaxed(&s->check) ^ ((pc ^ stamp) + *step);
}

/* The step of a return address, from either place; 0: there is none. */
uint64_t steps_find(uintptr_t pc, uint64_t stamp);

/* A rule as a step without a number. Its kind is STEP_OTHER if the rule has no such form. */
uint64_t step_of_rule(uint64_t rule);

/* Stores the step of a frame's address, with the address's number (not 0). The step is valid as long as the rules of
 * this stamp. Does nothing while modules are unloaded, or if another thread is storing a step. */
void steps_number(uintptr_t pc, uint64_t stamp, uint32_t number);

/* A thread may have vanished while it wrote a slot (after a fork): others may write from now on. */
void steps_release(void);

#endif
