/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short stacks: where the depth is small, a stack is found by the steps of a walk (steps.h). Steps have the numbers of
 * the frames' codes, so the same steps from the same function are the same frames. This serves stacks that no
 * prediction has, such as those whose frames are of different sizes, without the table being asked.
 *
 * As with all of a thread's memory (recall.h), the functions take no lock and are used by one thread at a time.
 */
#ifndef CAPTURE_RECALL_SHORT_H
#define CAPTURE_RECALL_SHORT_H

#include "capture/capture.h"
#include "capture/stack.h"
#include "steps.h"

#define SHORT_FRAMES	8u	/* of a short stack, with frame 0 */
#define SHORT_TURNS	8u	/* one of so many stacks that could be found this way is captured */
#define SHORT_FEW	16u	/* where few are found, one of so many is looked for */
#define SHORT_WINDOW	512u	/* stacks that are looked for, after which it is decided whether few are found */
#define SHORTS_LOG2_LEAST 6
#define SHORTS_LESS_LOG2 1	/* there can be half as many short stacks as predictions */

/* The steps of a stack from frame 1 on, and its value. One cache line. */
struct short_stack {
	uint32_t value;			/* 0: there is none */
	uint32_t function;		/* the number of frame 0, and above it times_emptied */
	uint64_t step[SHORT_FRAMES - 1];	/* 0 behind the last */
} __attribute__((aligned(64)));

struct short_stacks {
	struct short_stack *stacks;
	uint32_t mask, most;		/* of the places: in use, and all */
	uint32_t replaced;		/* that took the place of others, since more places are in use */
	uint32_t turn;			/* counts the stacks that could be looked for */
	uint16_t tried, found;		/* in this window */
	bool few_found;			/* in the last window less than a quarter was found */
	uint32_t times_emptied;		/* how often all was forgotten, modulo what fits above a number */

	/* The walk of the last short_find() that has not found its stack. */
	struct short_stack *place;	/* where the stack belongs; NULL: it is not of the kind */
	uint32_t function;		/* as in the stack */
	uint32_t count;
	struct walked passed[SHORT_FRAMES];	/* the steps, and where each begins, but no addresses or powers */
};

/*
 * Returns the value of the stack from `at` on, of at most `most` frames outward of the function, whose number (0: it
 * has none) is given. Returns 0 if the stack is not there, or if one of the steps is of no common kind. range: the part
 * of the stack that is known to be readable. stamp: of the rules (rules_stamp).
 */
uint32_t short_find(struct short_stacks *s, const struct stack_range *range, uint64_t stamp, uint32_t function,
		    const struct capture_point *at, unsigned most);

/* Whether a stack is looked for. */
static inline bool short_is_due(struct short_stacks *s)
{
	s->turn++;
	if (s->tried >= SHORT_WINDOW) {
		s->few_found = s->found < s->tried / 4;
		s->tried = s->found = 0;
	}
	return s->few_found ? s->turn % SHORT_FEW == 0 : s->turn % SHORT_TURNS != 0;
}

/* Forgets all stacks. It writes to them only once in many times, so that no pages are touched for it. */
void short_forget(struct short_stacks *s);

/* Stores the value of the stack that short_find() has not found. There has to be a place for it. */
void short_learn(struct short_stacks *s, uint32_t value);

#endif
