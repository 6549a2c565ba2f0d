/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memo: positions (address, stack pointer, frame pointer) of stacks that were walked, and the words of the
 * stack that a walk from each position reads. When another walk comes to such a position and all these words are
 * unchanged, the rest of the walk is known.
 *
 * A walk ends where the stack ends, or is cut some frames past the depth. Of a walk that was cut the memo knows
 * only the frames that were walked. They suffice for a later walk that needs no more frames outward of the
 * position. That is why walks go on past the depth: later walks may come to the same position after fewer
 * frames.
 *
 * The positions that one walk has added are a segment. They lie side by side, the outermost first, and so do
 * their words. Outward of its outermost position a segment goes on in the segment that was known then:
 *
 *	walk 1 came through a b c d to its end		segment [ d c b a ], a is its innermost position
 *	walk 2 came through f e to c			segment [ e f ], outer is c
 *	walk 3 came through g to e			segment [ g ], outer is e; the path of g is d c e g
 *
 * The path is the way outward from one position through these segments. The words of its positions are copied
 * to path_loads, one after the other, so that one loop with a predictable end compares them all. Most
 * walks come to a position on the path of the last walk, so that nothing has to be copied.
 *
 * When the memo holds more than the usual number of positions, it keeps the path and forgets the rest. When the path
 * itself is too long, the memo forgets everything. The less memory it goes through, the less it takes
 * from the program's caches.
 *
 * A memo belongs to one thread at a time, as everything in paths.h does.
 */
#ifndef CAPTURE_MEMO_H
#define CAPTURE_MEMO_H

#include "walk.h"

#include "base/suffix.h"

#define MEMO_POSITIONS	1024u
#define MEMO_USUAL	384u	/* positions; only paths of more than half as many may use the others */
#define MEMO_LOADS	2048u
#define MEMO_INDEX_LOG2	9
#define MEMO_AT_ONCE	8u	/* words that are compared in one iteration */
#define MEMO_ALL	UINT16_MAX	/* all frames, to the end of the stack */

/* One cache line. */
struct memo_position {
	uintptr_t sp, pc, fp;
	uintptr_t high;			/* an address above all words */
	struct suffix suffix;		/* the frames from this one outward that are known */
	uint16_t loads_end;		/* the end, in loads, of the words that this position's step reads; the
					 * step reads the last of them first */
	uint16_t words;			/* of this position and of all outward of it */
	uint16_t first, outer;		/* the segment's outermost position; where the segment goes on, or 0 */
	uint16_t frames;		/* of the suffix, with this one */
	uint16_t valid_frames;		/* suffix.node stands for the first so many of them, or MEMO_ALL */
	bool fp_matters;		/* a step from here outward uses fp before another step loads it anew */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct memo_position) == 64, "a position is one cache line");

/* A word of the stack that a step has read. */
struct memo_load {
	uintptr_t address, value;
};

struct memo {
	uint32_t count;			/* positions; number 0 is no position */
	uint32_t load_count;
	uint32_t path_frames;		/* frames of the path's innermost position */
	uint16_t index[1u << MEMO_INDEX_LOG2][2];	/* for each hash the newest position, and the one before */
	struct memo_position positions[MEMO_POSITIONS];
	struct memo_load loads[MEMO_LOADS];
	uint16_t path[MEMO_POSITIONS];	/* the position on the path that has so many frames */
	struct memo_load path_loads[MEMO_AT_ONCE + MEMO_LOADS];	/* some that never change, then those of the path,
								 * the outermost first */
};

/* A position of a plain walk, with the rule by which the walk went on. */
struct step {
	uintptr_t sp, fp, pc;
	uint64_t rule;
};

/* Empties a memo, or initializes a new one, which is zeroed. */
void memo_clear(struct memo *m);

/*
 * Adds the steps of a walk, the innermost first. The walk came to its end (then outer is 0), or to the position
 * `outer`, which memo_holds() has last found unchanged. cut: the walk's end is not the end of the stack.
 * valid_frames: the nodes of the suffixes take so many frames into account, counted from the first step, or
 * MEMO_ALL.
 */
void memo_learn(struct memo *m, const struct step *steps, unsigned count, const struct suffix *suffixes, bool cut,
		unsigned valid_frames, uint32_t outer);

/* The slot of the index for positions with this hash. */
static inline uint16_t *memo_slots(struct memo *m, uintptr_t sp, uintptr_t pc)
{
	uint64_t h = (sp + (uint64_t)pc * 8) * 0x9e3779b97f4a7c15u;

	return m->index[h >> (64 - MEMO_INDEX_LOG2)];
}

static inline bool memo_is(const struct memo_position *f, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	return f->sp == sp && f->pc == pc && (f->fp == fp || !f->fp_matters);
}

/* Finds the position at which a walk stands, or returns 0. */
static inline uint32_t memo_find(struct memo *m, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	const uint16_t *slots = memo_slots(m, sp, pc);

	if (likely(memo_is(&m->positions[slots[0]], pc, sp, fp)))
		return slots[0];
	return memo_is(&m->positions[slots[1]], pc, sp, fp) ? slots[1] : 0;
}

static inline bool memo_on_path(const struct memo *m, uint32_t at)
{
	unsigned frames = m->positions[at].frames;

	return frames <= m->path_frames && m->path[frames] == at;
}

/* Returns the position so many frames outward of one on the path, or 0. */
static inline uint32_t memo_outward(const struct memo *m, uint32_t at, unsigned frames)
{
	unsigned known = m->positions[at].frames;

	return frames < known ? m->path[known - frames] : 0;
}

/* Whether enough is known for a walk that needs so many frames outward of this position. */
static inline bool memo_reaches(const struct memo *m, uint32_t at, unsigned frames)
{
	return m->positions[at].valid_frames > frames;
}

/* Makes the path that of this position. */
void memo_follow(struct memo *m, uint32_t at);

/* Whether the eight words before l are unchanged. */
static inline __attribute__((always_inline)) bool memo_eight_same(const struct memo_load *l)
{
	_Static_assert(MEMO_AT_ONCE == 8, "there is a comparison for each word");
#define SAME(i)	(*(const uintptr_t *)l[-(i)].address == l[-(i)].value)
	return likely(SAME(1) && SAME(2) && SAME(3) && SAME(4) && SAME(5) && SAME(6) && SAME(7) && SAME(8));
#undef SAME
}

/*
 * Whether a walk of so many frames from this position reads the words that are known. The stack can be read below
 * `high`. If so, the position is on the path afterwards. If a word has changed, *from gets its address: positions
 * with a lower stack pointer need that word, too, so it makes no sense to try them.
 */
static inline __attribute__((always_inline)) bool memo_holds(struct memo *m, uint32_t at, unsigned frames,
							      uintptr_t high, uintptr_t *from)
{
	const struct memo_position *f = &m->positions[at];
	const struct memo_load *first = m->path_loads + MEMO_AT_ONCE, *l;

	if (unlikely(high < f->high)) {
		*from = UINTPTR_MAX;	/* some of the words may not be readable now */
		return false;
	}
	if (!memo_on_path(m, at))
		memo_follow(m, at);
	l = first + f->words;
	if (unlikely(frames < f->frames))
		first += m->positions[m->path[f->frames - frames]].words;
	/* The last iteration may compare words of frames that are not needed; they also lie below `high`. If a word
	 * has changed, the loop below finds out which. */
	while (l > first && memo_eight_same(l))
		l -= MEMO_AT_ONCE;
	while (unlikely(l > first)) {
		l--;
		if (*(const uintptr_t *)l->address != l->value) {
			*from = l->address;
			return false;
		}
	}
	return true;
}

/*
 * As memo_holds(), in fewer instructions, for a walk that needs all frames that the position knows. Returns false
 * also if the walk needs fewer. The stack must be readable below the position's `high`.
 */
static inline __attribute__((always_inline)) bool memo_holds_all(struct memo *m, uint32_t at, unsigned frames)
{
	const struct memo_position *f = &m->positions[at];
	const struct memo_load *first = m->path_loads + MEMO_AT_ONCE, *l;

	if (unlikely(!memo_reaches(m, at, frames) || frames < f->frames))
		return false;
	if (unlikely(!memo_on_path(m, at)))
		memo_follow(m, at);
	for (l = first + f->words; l > first; l -= MEMO_AT_ONCE) {
		if (unlikely(!memo_eight_same(l)))
			return false;
	}
	return true;
}

#endif
