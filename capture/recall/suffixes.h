/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The suffix cache: a few stacks that were walked lately. Of each are kept the positions (address, stack pointer,
 * frame pointer), the outermost first, and the words of the stack that a walk from each position reads, in the same
 * order. When another walk comes to one of the positions, and all words up to that one's are unchanged, the rest of
 * the walk is known.
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
#include "steps.h"

#include "base/suffix.h"

#define SUFFIX_STACKS	16u	/* at most */
#define SUFFIX_POSITIONS 320u		/* of a stack, at most */
#define SUFFIX_WORDS	640u		/* of all its positions */
#define SUFFIX_AT_ONCE	8u		/* words that are compared in one iteration */
#define SUFFIX_ALL	UINT16_MAX	/* all frames, to the end of the stack */

/* One cache line. */
struct suffix_position {
	uintptr_t sp, pc, fp;
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
	uint16_t last;			/* the position near which the last walk began */
	struct suffix_position positions[1 + SUFFIX_POSITIONS];
	/* Some that never change, and then those of the stack. */
	struct suffix_word words[SUFFIX_AT_ONCE + SUFFIX_WORDS];
};

/* The innermost position at sp or outward of it; 0: there is none. */
unsigned suffix_outward(struct suffix_stack *s, uintptr_t sp);

/*
 * The innermost position, from number `at` outward, from which the rest is known. Compared are the words of `frames`
 * positions: position `at` and those outward of it. Returned is `at` or, if words have changed, the innermost position
 * that is outward of all these words. 0: there is none, or the outermost position lies above `high`, where the part of
 * the stack ends that is known to be readable.
 */
unsigned suffix_unchanged(const struct suffix_stack *s, unsigned at, unsigned frames, uintptr_t high);

/*
 * Compares the words of the `frames` positions from number `at` outward, the innermost first. So no word is read that
 * the plain walk, which has come to that position, would not read. Returns `at` if all are unchanged, and otherwise the
 * innermost position that is outward of the change.
 */
unsigned suffix_same(const struct suffix_stack *s, unsigned at, unsigned frames);

/* Makes `to` have the positions of `from` up to number `at`, and no others. */
void suffix_copy(struct suffix_stack *to, const struct suffix_stack *from, unsigned at);

/* Whether the position that suffix_unchanged() found is that of a walk that needs so many frames from there on,
 * if its frame pointer is the same, too, or does not matter. */
static inline bool suffix_is(const struct suffix_position *p, uintptr_t pc, uintptr_t sp, unsigned frames)
{
	return p->sp == sp && p->pc == pc && p->valid_frames >= frames;
}

/*
 * Adds the frames [1, end) of a walk inward of position `at`. at 0: the walk came to its end, and the stack becomes
 * another one; otherwise the position was just found unchanged. cut: the walk's end is not the end of the stack.
 * fp: the frame pointer at frame 1. nodes: the suffixes' nodes of the frames. valid_frames: the nodes take so many
 * frames into account, counted from frame 0, or SUFFIX_ALL.
 */
void suffix_learn(struct suffix_stack *s, unsigned at, const struct walked *w, unsigned end, bool cut, uintptr_t fp,
		  const uint32_t *nodes, unsigned valid_frames);

#endif
