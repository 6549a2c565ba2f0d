/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one thread remembers of the stacks that it has captured. A stack that was seen before is recalled without
 * being walked in whole. The parts are:
 *
 *	malloc <- parse_name <- parse_value <- parse_file <- run <- main
 *	        |-- prediction, or walk --||----- suffix cache -----|
 *
 *	the predictor	 a hash of some words of the stack selects an earlier stack, whose inner return addresses, and
 *			 their places, are compared with the stack (predictor.h)
 *	the suffix cache has the positions of a few stacks and the words that a walk from there reads. A walk that comes
 *			 to such a position, all of whose words are unchanged, is at its end (suffixes.h)
 *	the step cache	 has of each address in one word how to get to the caller's frame, and the number that the table
 *			 has for the address: with these a walk takes few instructions for a frame. All threads share
 *			 it (steps.h)
 *	the short stacks are used where the depth is small and no prediction holds. The numbers of the frames that were
 *			 walked select and prove an earlier stack, so that the table need not be asked (state.h)
 *
 * Recalling is exact, whatever was predicted. By induction: from a position a walk reads the words that the
 * address's rule names, and as long as these words are unchanged, so is the next position. So a stack is recalled
 * only if each word that the plain walk would read has been compared with what it was when the stack was walked.
 * Words are read only where the plain walk would read, but for two kinds: the words that select a prediction, and
 * words of the suffix cache that lie outward of one that has changed. Both are read only on the thread's own stack, in
 * the part that is known to be readable. A build with CHECK compares answers with a plain walk (process/verify.h).
 *
 * A memory belongs to one thread at a time. The functions take no lock, allocate nothing after recall_create(), and are
 * not reentrant, so they may be used only inside the tracer's guard. What the memory has becomes void when modules come
 * or go (rules_stamp).
 */
#ifndef CAPTURE_RECALL_RECALL_H
#define CAPTURE_RECALL_RECALL_H

#include "capture/arch.h"
#include "capture/capture.h"

#include "base/suffix.h"

#ifdef ARCH_DWARF_FP
#define RECALL
#else
/* Without a fast unwinder no memory is ever made. So no function is called that takes one, and there is none. */
#define RECALL	__attribute__((weak)) HIDDEN
#endif

/*
 * A walk that meets nothing known goes on for at most so many frames past the depth. The suffix cache then has them,
 * which helps with stacks that have the same outer frames but fewer inner ones.
 */
#define RECALL_EXTRA	128
#define RECALL_FRAMES	(CAPTURE_MAX + 1 + RECALL_EXTRA)

/*
 * A captured stack that was not recalled, as table_find() and table_intern() take it. The outermost `known` frames
 * are a suffix that the cache has: suffixes[count - known] names it, and these frames are not in walked[]. When
 * frame max + 1 is one of them, suffixes[max + 1].hash is filled in, too.
 */
struct captured {
	unsigned count;		/* frames. At least max + 1 unless the stack has fewer. 0: the walk was given up, and
				 * capture_stack() has to be called */
	unsigned known;		/* frames of the suffix that is known */
	uint64_t hash;		/* of the innermost max + 1 frames, as suffix_mix() makes it */
	uintptr_t no_cfi_pc;	/* the address without unwind information at which the walk ended, or 0 */
	bool numbered;		/* all frames that were walked have numbers */
	uintptr_t fp;		/* the frame pointer where the walk began, at frame 1 */
	struct walked walked[RECALL_FRAMES + 1];	/* frames 0 and 1 are there in any case */
	uintptr_t frames[RECALL_FRAMES];	/* room in which the caller can list the addresses for table_intern() */
	struct suffix suffixes[RECALL_FRAMES + 1];
	uint32_t nodes[RECALL_FRAMES];	/* of the suffixes that begin with the frames that were walked; the caller
					 * fills them in for recall_learn() */
};

struct recall;

#define RECALL_LOG2_MOST	14	/* the largest predictions_log2 */

/*
 * Makes an empty memory with room for 2^predictions_log2 predictions, for stacks of at most max (1 to CAPTURE_MAX)
 * frames outward of frame 0. predictions_log2 is at most RECALL_LOG2_MOST. The memory's pages are touched as they are
 * needed. Returns NULL if libc has no unwind rules, or if there is no memory.
 */
RECALL struct recall *recall_create(unsigned predictions_log2, unsigned max);

/*
 * Recalls the stack from the point that pc, sp and fp name (struct capture_point), with `function` as frame 0: returns
 * the value that recall_learn() was given for this very stack. Returns 0 if the stack was not recalled; then it was
 * walked, and recall_captured() returns it, which is valid until the next call. Keeps errno.
 */
RECALL uint32_t recall_find(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp);
RECALL struct captured *recall_captured(struct recall *r);

/* Tells the step cache the number (not 0) that the table has for the address of a frame of that stack. */
RECALL void recall_number(struct recall *r, uintptr_t pc, uint32_t number);

/*
 * Stores the value (not 0) for the stack that recall_find() has just captured, or, if it is deeper, for its first
 * max + 1 frames. The caller has filled in captured.nodes.
 *
 * whole: the nodes take all frames into account, and not only the first max + 1.
 * seen: the table had this stack before. Some programs have many stacks that never come again. Therefore no prediction
 * is made of a new stack.
 */
RECALL void recall_learn(struct recall *r, uint32_t value, bool seen, bool whole);

/* Whether modules have come or gone since the stack was walked; then it has to be captured again. */
RECALL bool recall_is_void(const struct recall *r);

/*
 * A thread takes the memory over. own_top is an address above the thread's frames on its own stack. This stack stays
 * mapped as long as the thread lives. Other stacks (of coroutines, of signal handlers) may be unmapped and mapped
 * again, so a page of theirs that could be read once need not be readable later.
 */
RECALL void recall_begin(struct recall *r, uintptr_t own_top);

/* Empties the memory, which from now on is for stacks of at most max frames outward of frame 0. Nobody may be using
 * the memory. */
RECALL void recall_limit(struct recall *r, unsigned max);

/* Empties a memory that nobody owns now, and gives its pages back to the kernel. Keeps errno. */
RECALL void recall_release(struct recall *r);

/* Empties the memory, even if its owner has vanished in the middle of a change (after a fork). */
RECALL void recall_forget(struct recall *r);

#endif
