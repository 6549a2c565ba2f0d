/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of a thread's memory of stacks (recall.h). find.c looks for stacks in the memory, walk.c walks those that it
 * has not, and learn.c adds them.
 */
#ifndef CAPTURE_RECALL_STATE_H
#define CAPTURE_RECALL_STATE_H

#include "capture/stack.h"
#include "predictor.h"
#include "recall.h"
#include "suffixes.h"

#define STACKS_FEW_LOG2	12u	/* a memory with less room for predictions uses a quarter of the stacks */
#define PLACES_LEAST_LOG2 10u	/* places for predictions that are in use at first */
#define OWN_BYTES	((uintptr_t)1 << 20)	/* so far below own_top lies the thread's own stack */
#define PROBES_AGAIN	32u	/* so many wrong predictions from a root, at first, give it new probes ... */
#define PROBES_BAD	16u	/* ... if these are more than one of so many */
#define BAD_RATIO	2u	/* of stacks that bad probes have not found, one of so many is predicted */
#define ATTEMPTS	6u	/* at good probes */
#define PROBES_FEW	3u	/* every other attempt takes only so many return addresses (probes_set()) */
#define FAILURES_MAX	1000	/* see root.balance: nothing is predicted from this root for a while, ... */
#define RESTS		1024u	/* ... for so many stacks that could have been */
#define WINDOW		1024u	/* after so many stacks it is decided what is learnt of the next ones */
#define SKIP_RATIO	16u	/* where learning is hardly worth it, one of so many stacks is learnt */
#define SHORT_FRAMES	8u	/* of a short stack, with frame 0 */
#define SHORT_TURNS	16u	/* a prediction is made of one of so many short stacks that are found */
#define SHORTS_LESS	1u	/* there are half as many places for short stacks as for predictions */

/*
 * Where the depth is small, a stack that was walked is looked for by the numbers of its frames before the table is
 * asked: equal numbers are the same row. This serves stacks that no prediction has, such as those whose frames are of
 * different sizes.
 */
struct short_stack {
	uint64_t times_emptied;		/* the memory's, when the stack was stored; 0: there is none */
	uint32_t value, count;
	uint32_t number[SHORT_FRAMES];
} __attribute__((aligned(64)));

/*
 * The value of a stack by its two parts: the prediction that holds, and the node of the suffix outward of it (a
 * prediction has the value of the last of its suffixes itself). A pair is one word:
 *
 *	bits	0-21	22-41		42-63
 *		value	outer's lower	inner
 *
 * inner is the prediction's place, and how many others were there before; outer is the node's number, mixed by a
 * multiplication, which loses nothing. The upper bits of outer, exclusive-or'ed with a few bits made of inner, are the
 * pair's first place. The others are those of the same cache line and its neighbour, so a pair and its place determine
 * both numbers. And where many predictions have one suffix, as is the case while a program is busy at one place, their
 * pairs lie side by side. 0: there is no pair.
 */
#define PAIR_VALUE_BITS	22
#define PAIR_LOWER_BITS	20
#define PAIR_OUTER_BITS	27
#define PAIR_INNER_BITS	(RECALL_LOG2_MOST + 8u)
#define PAIRS_MORE_LOG2	3		/* there can be eight times as many pairs as predictions */
#define PAIRS_LEAST_LOG2 11
#define PAIRS_SIDE_LOG2	8		/* so many places, as a logarithm, lie side by side */
#define PAIR_PLACES_LOG2 4		/* in so many places a pair can be: two cache lines */
#define PAIR_PLACES	(1u << PAIR_PLACES_LOG2)
_Static_assert(PAIR_OUTER_BITS - PAIR_LOWER_BITS == PAIRS_LEAST_LOG2 - PAIR_PLACES_LOG2,
	       "a pair and its place determine outer");
_Static_assert(PAIR_VALUE_BITS + PAIR_LOWER_BITS + PAIR_INNER_BITS == 64, "a pair is one word");

/* Which stack of the suffix cache is looked at for a position. */
struct stack_choice {
	uint16_t at;			/* the position's number in that stack, if it is still there */
	uint8_t stack;			/* the one that had the position last */
	uint8_t failures;		/* each time that it did not have the position adds FAILURE, each other time
					 * takes 1 away; at least 0 */
};
#define CHOICES_LOG2	8
#define FAILURE		8u
#define FAILURES_OWN	24u	/* from so many on the position gets a stack that no other one uses yet */

struct recall {
	/* The fields that recall_find() needs: one cache line. */
	uint64_t stamp;			/* rules_stamp when the memory was emptied last */
	struct stack_range own_range;	/* the part of the thread's own stack that is known to be readable */
	uintptr_t own_range_bytes;	/* the size of own_range, which every call needs */
	struct prediction *predictions;
	uint32_t hits;			/* stacks that were recalled, counted like the misses */
	uint32_t shift;			/* 64 minus the log2 of how many places for predictions are in use */

	struct stack_range range;	/* the part of the last walk's stack that is known to be readable */
	uintptr_t own_top;		/* see recall_begin() */
	uint16_t depth, walk_most;	/* the most frames of a stack, and of a walk */
	uint16_t levels;		/* the index of the last frame that a prediction can have */
	uint32_t least_shift;		/* the shift when all places are in use */
	uint8_t pairs_log2, pairs_most_log2;	/* of the places for pairs: in use, and at most */
	uint8_t stacks_most;		/* how many of stacks[] may be used */
	uint64_t *pairs;
	uint8_t *generations;		/* of each place: how many predictions were replaced there, modulo 256 */
	struct short_stack *shorts;
	uint64_t times_emptied;		/* at least 1 once a stack was walked */
	uint32_t short_turn;		/* counts the short stacks that were found */

	/* What is counted until WINDOW stacks have come, and what was found then. */
	uint32_t misses;		/* stacks that were not recalled */
	uint32_t frames_walked, frames_known;	/* of those whose frames are kept */
	bool few_hits;			/* of the last so many stacks few were recalled */
	bool few_known;			/* the suffix cache had few of the frames of those that were not recalled */
	uint32_t skipped, walks_skipped;	/* turns of SKIP_RATIO: stacks of which no prediction was made because
					 * of few_hits, walks whose frames were not kept because of few_known */
	uint32_t bad;			/* turns of BAD_RATIO. With one count for both ratios, which are even, their
					 * turns would never come together */

	uint16_t roots_used, roots_made;	/* now; and since all predictions were cleared */
	uint32_t replaced, pairs_replaced;	/* that took the place of others, since more places are in use */

	/* The results of the last recall_find(), for recall_learn(). */
	struct prediction *held;	/* the prediction that the stack begins with, or NULL */
	uint8_t stack;			/* of stacks[], the one that the walk looked at */
	uint16_t at;			/* its position where the known suffix begins, or 0 */
	bool foreign;			/* it is not known that the walk began on the thread's own stack */
	bool keeps;			/* the walk's frames are to be kept */
	bool complete;			/* they have all words, and lie on one stack */
	bool cut;			/* the walk did not come to the end of the stack */

	struct captured captured;
	uint8_t turn, newest;		/* the stack that took the place of another one last, and that was used last */
	struct stack_choice choices[1u << CHOICES_LOG2];	/* by a hash of the position */
	struct suffix_stack stacks[SUFFIX_STACKS];
	struct root roots[(1u << ROOTS_LOG2) + ROOT_TRIES - 1];
	uint16_t used_roots[(1u << ROOTS_LOG2) + ROOT_TRIES - 1];	/* the places of those that are in use */
	/* Behind this: the predictions, the pairs, the short stacks, and the generations. */
};

static inline struct root *root_slot(struct recall *r, uintptr_t pc, uintptr_t function, unsigned try)
{
	uint64_t h = (pc + function * 8) * 0x9e3779b97f4a7c15u;

	return &r->roots[(h >> (64 - ROOTS_LOG2)) + try];
}

static inline struct prediction *prediction_slot(const struct recall *r, const struct root *root, uintptr_t sp)
{
	return &r->predictions[probe_hash(root->probe, sp, root->number) >> r->shift];
}

/* The other place where a prediction can be. */
static inline struct prediction *prediction_neighbour(const struct recall *r, const struct prediction *p)
{
	return &r->predictions[(size_t)(p - r->predictions) ^ 1];
}

/* A pair of these two, without its value; in *place the first of its places. The node's number fits. */
static inline uint64_t pair_of(const struct recall *r, const struct prediction *p, uint32_t outer, uint64_t **place)
{
	uint32_t at = (uint32_t)(p - r->predictions), inner = (uint32_t)r->generations[at] << RECALL_LOG2_MOST | at;
	uint32_t mixed = outer * 0x9e3779b1u & ((1u << PAIR_OUTER_BITS) - 1);

	*place = &r->pairs[(mixed >> (PAIR_OUTER_BITS - r->pairs_log2)) ^
			   inner * 0x9e3779b1u >> (32 - PAIRS_SIDE_LOG2)];
	return (uint64_t)inner << (PAIR_VALUE_BITS + PAIR_LOWER_BITS) |
	       (uint64_t)(mixed & ((1u << PAIR_LOWER_BITS) - 1)) << PAIR_VALUE_BITS;
}

/* Another of its places: those of the first one's cache line come before the others. */
static inline uint64_t *pair_place(const struct recall *r, const uint64_t *first, unsigned number)
{
	return &r->pairs[(size_t)(first - r->pairs) ^ number];
}

static __attribute__((noinline)) uint32_t pair_value_elsewhere(const struct recall *r, const uint64_t *first,
							       uint64_t wanted)
{
	for (unsigned i = 1; i < PAIR_PLACES; i++) {
		uint64_t seen = *pair_place(r, first, i);

		if (!((seen ^ wanted) >> PAIR_VALUE_BITS))
			return (uint32_t)seen & ((1u << PAIR_VALUE_BITS) - 1);
	}
	return 0;
}

/* The value of a pair, or 0. */
static inline uint32_t pair_value(const struct recall *r, const struct prediction *p, uint32_t outer)
{
	uint64_t *place, wanted = pair_of(r, p, outer, &place), seen = *place;

	if (unlikely(outer >> PAIR_OUTER_BITS))
		return 0;
	if (likely(!((seen ^ wanted) >> PAIR_VALUE_BITS)))
		return (uint32_t)seen & ((1u << PAIR_VALUE_BITS) - 1);
	return pair_value_elsewhere(r, place, wanted);
}

static inline struct stack_choice *stack_choice(struct recall *r, uintptr_t pc, uintptr_t sp)
{
	return &r->choices[((sp + pc * 8) * 0x9e3779b97f4a7c15u) >> (64 - CHOICES_LOG2)];
}

/* The place of the captured stack among the short stacks. */
static inline struct short_stack *short_slot(const struct recall *r)
{
	return &r->shorts[r->captured.hash >> (r->shift + SHORTS_LESS)];
}

/* Empties the memory, because modules have come or gone. */
void recall_empty(struct recall *r, uint64_t stamp);

/* Walks the stack, up to its end or to a suffix that is known: fills in what recall_captured() returns. */
void recall_walk(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp);

#endif
