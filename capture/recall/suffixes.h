/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The suffix cache: a few of the stacks that were walked last. Of each it keeps the positions (address, stack
 * pointer, frame pointer), the outermost first, and the words of the stack that a walk from each position reads, in
 * the same order. When another walk comes to one of the positions, and all words up to that one's are unchanged,
 * the rest of the walk is known.
 *
 *	position	1: _start	2: main		3: run		4: parse	...
 *	words		-		| ra fp		| ra		| ra fp		the last of a walk from 4
 *								  ^ parse.words_end
 *
 * A walk that came to position n makes its own positions n + 1, n + 2, ... of that stack, and those that were there
 * are forgotten. So neighbouring stacks share what they have in common, and only frames that differ are walked and
 * stored anew.
 *
 * A walk ends where the stack ends, or is cut some frames past the depth. Of a stack that was cut the cache knows
 * only the frames that were walked. They suffice for a later walk that needs no more frames outward of the
 * position. That is why walks go on past the depth: later walks may come to the same position after fewer frames.
 */
#ifndef CAPTURE_RECALL_SUFFIXES_H
#define CAPTURE_RECALL_SUFFIXES_H

#include "capture/capture.h"
#include "capture/walk.h"

#include "base/suffix.h"

#define SUFFIX_STACKS_LOG2 5
#define SUFFIX_STACKS	(1u << SUFFIX_STACKS_LOG2)
#define SUFFIX_POSITIONS 320u
#define SUFFIX_WORDS	640u
#define SUFFIX_AT_ONCE	8u		/* words that are compared in one iteration */
#define SUFFIX_ALL	UINT16_MAX	/* all frames, to the end of the stack */

/* One cache line. */
struct suffix_position {
	uintptr_t sp, pc, fp;
	uintptr_t high;			/* an address above all words of this position and those outward of it */
	struct suffix suffix;		/* the frames from this one outward that are known */
	uint16_t words_end;		/* the end of the words of this position and of all outward of it; its own step
					 * reads the last of them first */
	uint16_t valid_frames;		/* suffix.node stands for the first so many of them, or SUFFIX_ALL */
	bool fp_matters;		/* a step from here outward uses fp before another step loads it anew */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct suffix_position) == 64, "a position is one cache line");

/* A word of the stack that a step has read. */
struct suffix_word {
	uintptr_t address, value;
};

struct suffix_stack {
	uint16_t count;			/* positions; number 0 is no position */
	uint16_t inner;			/* the frame of position `count`, as the walk that made it counted */
	bool cut;			/* the outermost position is not the end of the stack */
	struct suffix_position positions[1 + SUFFIX_POSITIONS];
	/* Some that never change, and then those of the stack. */
	struct suffix_word words[SUFFIX_AT_ONCE + SUFFIX_WORDS];
};

/* A position of a plain walk, with the rule by which the walk went on. */
struct step {
	uintptr_t sp, fp, pc;
	uint64_t rule;
};

static inline bool suffix_is(const struct suffix_position *f, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	return f->sp == sp && f->pc == pc && (f->fp == fp || !f->fp_matters);
}

/* Whether enough is known of the frames outward of this position for a walk that needs so many of them. */
static inline bool suffix_reaches(const struct suffix_position *f, unsigned frames)
{
	return f->valid_frames > frames;
}

/* Whether the eight words before l are unchanged. */
static inline __attribute__((always_inline)) bool suffix_eight_same(const struct suffix_word *l)
{
	_Static_assert(SUFFIX_AT_ONCE == 8, "there is a comparison for each word");
#define SAME(i)	(*(const uintptr_t *)l[-(i)].address == l[-(i)].value)
	return likely(SAME(1) && SAME(2) && SAME(3) && SAME(4) && SAME(5) && SAME(6) && SAME(7) && SAME(8));
#undef SAME
}

/*
 * How many positions are unchanged, from the outermost one or, when a walk needs only so many frames outward of
 * position `at`, from the last one that it needs. Returns `at` if all are; less: the word of the position after
 * that one has changed, or may not be readable. The stack can be read from the position's sp up to `high`.
 */
unsigned suffix_unchanged(const struct suffix_stack *s, unsigned at, unsigned frames, uintptr_t high);

/*
 * Whether a walk has come to a position of the stack from which the rest is known, when it needs `more` frames
 * outward of there. *at: the innermost position that the walk can still come to, which moves outward; 0: none.
 */
static inline bool suffix_meets(const struct suffix_stack *s, const struct walk *w, unsigned *at, unsigned more)
{
	const struct suffix_position *p = s->positions;
	unsigned same;

	while (*at && p[*at].sp < w->sp)
		--*at;
	if (!*at || w->interrupted || !suffix_is(&p[*at], w->pc, w->sp, w->fp) || !suffix_reaches(&p[*at], more))
		return false;
	same = suffix_unchanged(s, *at, more, w->range.high);
	if (same == *at)
		return true;
	*at = same;
	return false;
}

/*
 * Adds the steps of a walk, the innermost first, inward of position `at`. at 0: the walk came to its end, and the
 * stack becomes another one; otherwise the position was just found unchanged. cut: the walk's end is not the end of
 * the stack. first_frame: the frame of the first step. valid_frames: the nodes of the suffixes take so many frames
 * into account, counted from the first step, or SUFFIX_ALL.
 */
void suffix_learn(struct suffix_stack *s, unsigned at, const struct step *steps, unsigned count,
		  const struct suffix *suffixes, bool cut, unsigned first_frame, unsigned valid_frames);

#endif
