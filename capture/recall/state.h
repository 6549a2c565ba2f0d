/* SPDX-License-Identifier: GPL-2.0-only */
/* The data of a thread's memory of stacks (recall.h). find.c searches it, learn.c adds to it. */
#ifndef CAPTURE_RECALL_STATE_H
#define CAPTURE_RECALL_STATE_H

#include "predictor.h"
#include "recall.h"
#include "suffixes.h"

#define PLACES_LEAST_LOG2 10u
#define PAIRS_LOG2	17
#define PAIRS_LEAST_LOG2 10
#define INNER_TAGS	4096u
#define OWN_BYTES	((uintptr_t)1 << 20)	/* so far below own_top lies the thread's own stack */
#define PROBES_AGAIN	64u	/* so many failures in a row of predictions from a root, at first, give it new probes */
#define PROBES_FEW	3u
#define PREDICT_RATIO	8u	/* one of so many stacks that are found by their frames is predicted from then on */
#define FAILURES_MAX	1000	/* see root.balance: nothing is predicted from this root any more */
#define WINDOW		1024u	/* stacks after which hits and misses are compared */
#define SKIP_RATIO	16u	/* when there are few hits, one of so many misses is learnt */

/*
 * The value of a stack by its two parts: the prediction that holds, and the node of the suffix outward of it. Where all
 * stacks with this inner part have had the same suffix, the prediction itself has the value.
 */
struct pair {
	uint32_t inner;			/* the prediction's place, and above it how many others were there before */
	uint32_t outer, value;
};

struct recall {
	/* The fields that recall_find() needs: one cache line. */
	uint64_t stamp;			/* rules_stamp when the memory was empty */
	struct stack_range own_range;	/* the part of the thread's own stack that is known to be readable */
	uintptr_t own_range_bytes;	/* the size of own_range, which every call needs */
	struct prediction *predictions;
	uint32_t hits;
	uint32_t shift;			/* 64 minus the log2 of how many places for predictions are in use */

	struct stack_range range;	/* the part of the last walk's stack that is known to be readable */
	uintptr_t sp, fp;		/* where the last walk began */
	uintptr_t own_top;		/* see recall_begin() */
	uint32_t misses, skipped;	/* like hits, in this window of stacks */
	uint32_t least_shift;		/* of the most places */
	uint8_t pairs_log2;		/* of the places for pairs in use */
	bool few_hits;			/* the last window had few hits */
	uint32_t walked, saved;		/* frames that were walked, and that the suffix cache had, in this window */
	uint32_t suffix_skipped;
	bool few_saved;			/* in the last window the suffix cache had few frames */
	uint32_t replaced, pairs_replaced;	/* that took the place of others, since more places are in use */

	/* The results of the last recall_find(), for recall_learn(). */
	struct prediction *held;	/* the prediction that the stack begins with, or NULL */
	struct suffix_stack *stack;	/* the stack of the suffix cache that the walk looked at */
	uint16_t can_meet;		/* its innermost position that the walk can still come to */
	uint16_t at;			/* its position where the known suffix begins, or 0 */
	uint16_t first_step, step_count;	/* first_step: the frame of steps[0] */
	uint16_t levels;		/* the frame at which predictions end */
	uint16_t max, walk_max;		/* the depth, and the frames of the longest walk; without the function */
	bool steps_complete;		/* steps[] has all steps, and they lie on one stack */
	bool cut;			/* the walk did not come to the end of the stack */

	struct step steps[CAPTURE_MAX + RECALL_EXTRA];
	struct captured captured;
	struct suffix_stack whole;	/* the last stack that was walked from its beginning */
	struct suffix_stack stacks[SUFFIX_STACKS];	/* the others, by the position at which a prediction ends */
	struct root roots[(1u << ROOTS_LOG2) + ROOT_TRIES - 1];
	struct pair pairs[1u << PAIRS_LOG2];
	uint8_t generations[1u << RECALL_LOG2_MOST];	/* of each prediction's place */
	uint16_t inner_tags[INNER_TAGS];	/* parts of the hashes of inner frames that have been seen */
};

static inline struct root *root_slot(struct recall *r, uintptr_t pc, uintptr_t function, unsigned try)
{
	uint64_t h = (pc + function * 8) * 0x9e3779b97f4a7c15u;

	return &r->roots[(h >> (64 - ROOTS_LOG2)) + try];
}

static inline struct prediction *prediction_place(const struct recall *r, uint64_t hash)
{
	return &r->predictions[hash >> r->shift];
}

static inline struct prediction *prediction_slot(const struct recall *r, const struct root *root, uintptr_t sp)
{
	return prediction_place(r, probe_hash(root->probe, sp, root->number));
}

/* The other place where a prediction can be. */
static inline struct prediction *prediction_neighbour(const struct recall *r, const struct prediction *p)
{
	return &r->predictions[(size_t)(p - r->predictions) ^ 1];
}

static inline uint32_t pair_inner(const struct recall *r, const struct prediction *p)
{
	size_t at = (size_t)(p - r->predictions);

	return (uint32_t)(at | (size_t)r->generations[at] << RECALL_LOG2_MOST) + 1;
}

static inline struct pair *pair_slot(struct recall *r, uint32_t inner, uint32_t outer)
{
	uint32_t h = (inner * 0x9e3779b1u ^ outer) * 0x85ebca6bu;

	return &r->pairs[(h ^ h >> 15) * 0x9e3779b1u >> 12 & ((1u << r->pairs_log2) - 1)];
}

/* The root of a function that was called from pc, or NULL. */
static inline struct root *root_find(struct recall *r, uintptr_t pc, uintptr_t function)
{
	for (unsigned i = 0; i < ROOT_TRIES; i++) {
		struct root *root = root_slot(r, pc, function, i);

		if (root->pc == pc && root->function == function)
			return root;
	}
	return NULL;
}

/* The node of the suffix that begins with frame i of the captured stack, which has been completed. */
static inline uint32_t recall_outer(const struct recall *r, unsigned i)
{
	const struct captured *c = &r->captured;
	unsigned fresh = c->count - c->known;

	if (!c->known || i <= fresh)
		return c->suffixes[i].node;
	return r->stack->positions[r->at - (i - fresh)].suffix.node;
}

/* The stack of the suffix cache for stacks of which a prediction has the frames up to this position. */
static inline struct suffix_stack *suffix_stack_for(struct recall *r, uintptr_t pc, uintptr_t sp)
{
	return &r->stacks[((sp + pc * 8) * 0x9e3779b97f4a7c15u) >> (64 - SUFFIX_STACKS_LOG2)];
}

/* Makes a prediction of the stack that the last walk began with one that is found by the root's probes. */
void recall_predict(struct recall *r, struct root *root, const struct prediction *made);

static inline unsigned predicted_levels(unsigned max)
{
	return max < PREDICTED_LEVELS ? max : PREDICTED_LEVELS;
}

#endif
