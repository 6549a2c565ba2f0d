/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recognizer: what one thread remembers of the stacks that it has captured. A stack that was seen before
 * is recognized without hashing its frames or comparing them one by one. The memory has three parts:
 *
 *	malloc <- parse_name <- parse_value <- parse_file <- run <- main
 *	        |--------- prefix: the tree --------||- suffix: the memo -|
 *
 *	the tree	a prefix tree of stacks, from the innermost frame outward. An edge is a return address,
 *			and a node holds the rule by which the walk steps on from that address. Several steps
 *			without a branch are one node, a run. Where the stack ends, or at the depth, the
 *			node holds the value (a row) of the stack. The tree is at most PATHS_LEVELS deep, or as
 *			deep as the depth if that is little more.
 *	the guesses	whole paths of the tree, as runs, that are looked up by a hash of a few words of the
 *			stack. A guess is nearly always right and costs less than the branches of the tree,
 *			which the processor cannot predict. The return addresses of the run prove or refute
 *			the guess.
 *	the memo	the suffixes of the last stacks, outward of the tree, and also outward of code without
 *			unwind information, where a frame pointer may or may not lead on. It holds positions
 *			(address, stack pointer, frame pointer) together with the words of the stack that a walk
 *			from each of them reads. When a walk comes to such a position and all these words
 *			are unchanged, the rest of the walk is known (memo.h).
 *
 * Recognition is exact, whatever was guessed. By induction: from a position a walk reads the words that the
 * address's rule names, and as long as these words are unchanged, so is the next position. Words
 * are compared in the order in which the plain walk would read them, up to the first that differs, so the
 * recognizer reads nothing that the plain walk would not read. The only exceptions are the words that
 * select a guess: they lie in the same page as a word that the plain walk would read, or on the thread's own
 * stack.
 *
 * A memory belongs to one thread at a time. It takes no lock, allocates nothing and is not reentrant, so it
 * may be used only inside the tracer's guard. It becomes void when modules come or go (rules_stamp).
 */
#ifndef CAPTURE_PATHS_H
#define CAPTURE_PATHS_H

#include "capture.h"

#include "base/suffix.h"

/*
 * A walk that meets nothing known goes on for at most so many frames past the depth. The memo then knows them,
 * which helps with stacks that have the same outer frames but fewer inner ones.
 */
#define PATHS_EXTRA	128

/*
 * A captured stack that was not recognized, as table_intern() takes it. The outermost `known` frames are a suffix
 * that was recognized: suffixes[count - known] names it, and not all of its frames need be in `frames`. When
 * there are more than max frames outward of frame 0, suffixes[max + 1].hash is filled in, too.
 */
struct captured {
	unsigned count;		/* frames. At least max + 1 unless the stack has fewer. 0: the recognizer has given
				 * up, and capture_stack() has to be called */
	uintptr_t no_cfi_pc;	/* the address without unwind information at which the walk ended, or 0 */
	unsigned known;		/* frames of the recognized suffix */
	uintptr_t frames[CAPTURE_MAX + 1 + PATHS_EXTRA];
	struct suffix suffixes[CAPTURE_MAX + 1 + PATHS_EXTRA];
};

struct paths;

#define PATHS_LOG2_MOST	15	/* the largest nodes_log2 */

/*
 * Makes an empty memory with room for 2^nodes_log2 nodes of the tree, for stacks of at most max (1 to
 * CAPTURE_MAX) frames. Its pages are touched as they are needed. Returns NULL if the machine or libc has no
 * fast unwinder, or if there is no memory.
 */
struct paths *paths_create(unsigned nodes_log2, unsigned max);

/*
 * Walks the stack from the point that pc, sp and fp name (struct capture_point), with `function` as frame 0.
 * Returns the value that paths_learn() was given for this very stack. Returns 0 if the stack is not
 * known; then paths_captured() returns the stack, which is valid until the next call. Keeps errno.
 */
uint32_t paths_find(struct paths *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp);
struct captured *paths_captured(struct paths *p);

/* Returns the point at which the walk began that was not recognized; *function gets its frame 0. */
struct capture_point paths_point(const struct paths *p, uintptr_t *function);

/*
 * Stores the value (not 0) for the stack that paths_find() has just captured, or, if it is deeper, for its first
 * max + 1 frames. The caller has filled in the suffixes of all frames but the known ones.
 *
 * whole: the nodes of the suffixes take all frames into account, and not only those up to max + 1.
 * seen: the table had this stack before. Some programs have many stacks that never come again. Therefore a
 * new stack is stored in the tree only if its inner frames have come before in some stack.
 *
 * Returns false if modules have come or gone meanwhile; then the stack has to be captured again.
 */
bool paths_learn(struct paths *p, uint32_t value, bool seen, bool whole);

/*
 * A thread takes the memory over. own_top is an address above the thread's frames on its own stack. This stack
 * stays mapped as long as the thread lives. Other stacks (of coroutines, of signal handlers) may be
 * unmapped and mapped again, so a page of theirs that could be read once need not be readable later.
 */
void paths_begin(struct paths *p, uintptr_t own_top);

/* Empties the memory, which from now on is for stacks of at most max frames. Nobody may be using it. */
void paths_limit(struct paths *p, unsigned max);

/* Empties the memory, even if its owner has vanished in the middle of a change (after a fork). */
void paths_forget(struct paths *p);

#endif
