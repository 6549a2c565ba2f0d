/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one thread remembers of the stacks it has captured, so that a stack seen before is
 * recognized without being hashed or compared frame by frame:
 *
 *	the tree	innermost frame first, a node for each proven chain of (address, rule)
 *			steps, or for a run of them that does not branch; where the stack ends,
 *			or the depth, the node holds the value (a row) that belongs to the chain.
 *			At most PATHS_LEVELS deep, or as deep as all stacks are when that is
 *			little more.
 *	the guesses	whole paths of the tree as one run, found by what the stack has at a few
 *			places: right nearly always, and cheaper than branches that the processor
 *			cannot foresee. A run's return addresses tell whether it is the path.
 *	the memo	for what lies outward of the tree, and from code without unwind information on, where
 *			a frame pointer may lead on or not: positions of the last stacks, and the words
 *			of the stack that a walk from each of them reads. When a walk comes to one of
 *			them, and all words from there on are still the same, the rest of the walk is
 *			known; of a stack that is deeper than the depth, as far as that (memo.h).
 *
 * It is exact by induction, whatever was guessed. From a position (address, stack pointer, frame
 * pointer) a walk reads words that the address's rule tells; when they are what they were, the
 * next position is what it was. Words are compared in the order in which the plain walk would read
 * them, up to the first that differs, so nothing is read that the plain walk would not read; but
 * for a guess's, which lie in the page of a word that it would, or on the thread's own stack.
 *
 * All of it belongs to one thread at a time. No lock, no allocation; not reentrant: call it
 * inside the tracer's guard only. Void when modules come or go (rules_stamp).
 */
#ifndef CAPTURE_PATHS_H
#define CAPTURE_PATHS_H

#include "capture.h"

#include "base/suffix.h"

#define PATHS_EXTRA	128	/* the most frames that are walked beyond what is asked for */

/* A captured stack that was not recognized; what table_intern() takes. */
struct captured {
	unsigned count;		/* frames, max + 1 or fewer if the stack has no more; 0: given up, ask
				 * capture_stack() */
	uintptr_t no_cfi_pc;	/* the address without unwind information at which the walk ended; 0: it ended otherwise */
	unsigned known;		/* the outermost of them, which suffixes[count - known] stands for: not all
				 * of these are among the frames. suffixes[max + 1].hash is there too if they
				 * are so many. */
	uintptr_t frames[CAPTURE_MAX + 1 + PATHS_EXTRA];
	struct suffix suffixes[CAPTURE_MAX + 1 + PATHS_EXTRA];
};

struct paths;

#define PATHS_LOG2_MOST	15	/* of nodes_log2 */

/* An empty memory with room for 2^nodes_log2 nodes of the tree, of stacks of at most max (1 to
 * CAPTURE_MAX) frames. NULL: the machine or libc has no fast unwinder, or there is no memory. Pages
 * are touched as they are needed. */
struct paths *paths_create(unsigned nodes_log2, unsigned max);

/*
 * Walks the stack from the point that pc, sp and fp name (struct capture_point), with `function` as
 * frame 0. Returns the value that paths_learn() was given for this very stack; or 0, then
 * paths_captured() has the stack, until the next call. Keeps errno.
 */
uint32_t paths_find(struct paths *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp);
struct captured *paths_captured(struct paths *p);

/* Where the walk began that was not recognized, and its frame 0. */
struct capture_point paths_point(const struct paths *p, uintptr_t *function);

/*
 * The value (not 0) for what paths_find() has just given, or rather for its first max + 1 frames, with
 * the suffixes of all frames that had none filled in. whole: the suffixes' nodes are right beyond these frames,
 * too. seen: the stack is not new. Only then, or when the tree has its inner part, is it learnt whole:
 * most stacks of some programs never come again. False: modules have come or gone meanwhile, the stack
 * has to be found again.
 */
bool paths_learn(struct paths *p, uint32_t value, bool seen, bool whole);

/*
 * A thread takes it over. own: an address above the thread's frames on its own stack, which is
 * mapped as long as the thread lives (other stacks may come and go, and what was once seen to be
 * readable need not be any more).
 */
void paths_begin(struct paths *p, uintptr_t own);

/* Makes it empty. Also when its owner has vanished, perhaps in the middle of a change (fork). */
void paths_forget(struct paths *p);

#endif
