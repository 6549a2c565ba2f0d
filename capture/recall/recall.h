/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one thread remembers of the stacks that it has captured. A stack that was seen before is recalled without
 * being walked in whole, and without its frames being hashed or compared with those of a row. The memory has two
 * parts:
 *
 *	malloc <- parse_name <- parse_value <- parse_file <- run <- main
 *	        |----- prefix: the predictor -----||-- suffix cache --|
 *
 *	the predictor	a hash of some words of the stack selects an earlier stack, whose inner return addresses, and
 *			their places, are compared with the stack (predictor.h)
 *	the suffixes	of a few stacks: the position (address, stack pointer, frame pointer) of each frame, and the
 *			words of the stack that a walk from there reads. When a walk comes to such a position and
 *			all these words are unchanged, the rest of the walk is known (suffixes.h)
 *
 * Recalling is exact, whatever was predicted. By induction: from a position a walk reads the words that the
 * address's rule names, and as long as these words are unchanged, so is the next position. So a stack is recalled
 * only if each word that the plain walk would read has been compared with what it was when the stack was walked.
 * Words are read only where the plain walk would read, but for two: the words that select a prediction, which lie
 * on the thread's own stack, and words of the suffix cache that lie outward of one that has changed, which lie in
 * the part of the current stack that is known to be readable. A build with CHECK compares every answer with a plain
 * walk (process/verify.h).
 *
 * What is not recalled is walked, frame by frame, up to the first position of the suffix cache whose words are all
 * unchanged. Only the frames up to there are new to the table, and to the memory.
 *
 * A memory belongs to one thread at a time. It takes no lock, allocates nothing and is not reentrant, so it may be
 * used only inside the tracer's guard. It becomes void when modules come or go (rules_stamp).
 */
#ifndef CAPTURE_RECALL_RECALL_H
#define CAPTURE_RECALL_RECALL_H

#include "capture/capture.h"

#include "base/suffix.h"

/*
 * A walk that meets nothing known goes on for at most so many frames past the depth. The suffix cache then has them,
 * which helps with stacks that have the same outer frames but fewer inner ones.
 */
#define RECALL_EXTRA	128

/*
 * A captured stack that was not recalled, as table_intern() takes it. The outermost `known` frames are a suffix that
 * the cache has: suffixes[count - known] names it, and not all of its frames need be in `frames`. When there are more
 * than max frames outward of frame 0, suffixes[max + 1].hash is filled in, too.
 */
struct captured {
	unsigned count;		/* frames. At least max + 1 unless the stack has fewer. 0: the walk was given up, and
				 * capture_stack() has to be called */
	uintptr_t no_cfi_pc;	/* the address without unwind information at which the walk ended, or 0 */
	unsigned known;		/* frames of the suffix that is known */
	uintptr_t frames[CAPTURE_MAX + 1 + RECALL_EXTRA];
	struct suffix suffixes[CAPTURE_MAX + 1 + RECALL_EXTRA];
};

struct recall;

#define RECALL_LOG2_MOST	15	/* the largest predictions_log2 */

/*
 * Makes an empty memory with room for 2^predictions_log2 predictions, for stacks of at most max (1 to CAPTURE_MAX)
 * frames. Its pages are touched as they are needed. Returns NULL if the machine or libc has no fast unwinder, or if
 * there is no memory.
 */
struct recall *recall_create(unsigned predictions_log2, unsigned max);

/*
 * Recalls the stack from the point that pc, sp and fp name (struct capture_point), with `function` as frame 0: returns
 * the value that recall_learn() was given for this very stack. Returns 0 if the stack was not recalled; then
 * recall_captured() returns the stack, which is valid until the next call. Keeps errno.
 */
uint32_t recall_find(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp);
struct captured *recall_captured(struct recall *r);

/* Returns the point at which the stack begins that was not recalled; *function gets its frame 0. */
struct capture_point recall_point(const struct recall *r, uintptr_t *function);

/*
 * Stores the value (not 0) for the stack that recall_find() has just captured, or, if it is deeper, for its first
 * max + 1 frames. The caller has filled in the suffixes of all frames but the known ones.
 *
 * whole: the nodes of the suffixes take all frames into account, and not only those up to max + 1.
 * seen: the table had this stack before. Some programs have many stacks that never come again. Therefore a new stack
 * is predicted only if its inner frames have come before in some stack.
 *
 * Returns false if modules have come or gone meanwhile; then the stack has to be captured again.
 */
bool recall_learn(struct recall *r, uint32_t value, bool seen, bool whole);

/*
 * A thread takes the memory over. own_top is an address above the thread's frames on its own stack. This stack stays
 * mapped as long as the thread lives. Other stacks (of coroutines, of signal handlers) may be unmapped and mapped
 * again, so a page of theirs that could be read once need not be readable later.
 */
void recall_begin(struct recall *r, uintptr_t own_top);

/* Empties the memory, which from now on is for stacks of at most max frames. Nobody may be using it. */
void recall_limit(struct recall *r, unsigned max);

/* Empties the memory, even if its owner has vanished in the middle of a change (after a fork). */
void recall_forget(struct recall *r);

#endif
