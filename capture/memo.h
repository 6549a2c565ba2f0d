/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memo: positions of stacks that were walked, and the words of the stack that a walk from each
 * of them reads. When another walk stands at one of them, and all these words are still the same,
 * the rest of it is known.
 *
 * A walk ends where the stack does, or is cut some way beyond the depth. Of one that was cut the memo
 * knows what it has walked, which serves a walk that asks for no more frames than that: hence the way
 * beyond, for walks that come to the same position after fewer others.
 *
 * What one walk has added is a strand: its positions lie side by side, outermost first, and so do
 * the words; outward of them it goes on in the strand that was known then. Of the strands that lead
 * outward from one position, the path, the words lie once more in one row: most walks come to where
 * the last one was, and one loop whose end can be foreseen compares them all.
 *
 * When there is more than usual, the memo keeps the path and forgets the rest, and when that is too
 * long for it, all: the less memory it goes through, the less it takes from the program's caches.
 *
 * It belongs to one thread at a time, as all of paths.h.
 */
#ifndef CAPTURE_MEMO_H
#define CAPTURE_MEMO_H

#include "walk.h"

#include "base/suffix.h"

#define MEMO_POSITIONS	1024u
#define MEMO_USUAL	384u	/* positions; the others are for paths of more than half of these */
#define MEMO_LOADS	2048u
#define MEMO_INDEX_LOG2	9
#define MEMO_AT_ONCE	8u	/* words that are compared at once */
#define MEMO_ALL	UINT16_MAX

/* One cache line. */
struct memo_position {
	uintptr_t sp, pc, fp;
	uintptr_t high;			/* above all words */
	struct suffix suffix;		/* of the frames from here on that were known */
	uint16_t loads_end;		/* of the words that its own step reads: the last is read first */
	uint16_t words;			/* of this and all outward of it */
	uint16_t first, outer;		/* the strand's outermost position; where it goes on, or 0 */
	uint16_t frames;		/* of the suffix, with this one */
	uint16_t valid_frames;			/* for so many the suffix's node is theirs; MEMO_ALL: to the stack's end */
	bool fp_matters;		/* a rule from here outward uses it before it is loaded anew */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct memo_position) == 64, "a position is one cache line");

struct memo_load {
	uintptr_t address, value;
};

struct memo {
	uint32_t count;			/* positions; number 0 is none */
	uint32_t load_count;
	uint32_t path_frames;		/* of the path's innermost position */
	uint16_t index[1u << MEMO_INDEX_LOG2][2];	/* the newest position there, and the one before */
	struct memo_position positions[MEMO_POSITIONS];
	struct memo_load loads[MEMO_LOADS];
	uint16_t path[MEMO_POSITIONS];			/* the positions, by their frames */
	struct memo_load path_loads[MEMO_AT_ONCE + MEMO_LOADS];	/* the outermost first, after some that always hold */
};

/* A position that was walked the plain way. */
struct step {
	uintptr_t sp, fp, pc;
	uint64_t rule;
};

/* Also what a new memo, zeroed, needs. */
void memo_clear(struct memo *m);

/*
 * Adds the steps of a walk, innermost first. It came to its end (outer is 0), or to the position `outer`, which
 * memo_holds() has found last. cut: the walk's end is not the stack's. valid_frames: the number of frames, from the
 * first step on, whose suffixes have the right nodes, or MEMO_ALL.
 */
void memo_learn(struct memo *m, const struct step *steps, unsigned count, const struct suffix *suffixes, bool cut,
		unsigned valid_frames, uint32_t outer);

/* Where the two newest positions are named that come to this place. */
static inline uint16_t *memo_slots(struct memo *m, uintptr_t sp, uintptr_t pc)
{
	uint64_t h = (sp + (uint64_t)pc * 8) * 0x9e3779b97f4a7c15u;

	return m->index[h >> (64 - MEMO_INDEX_LOG2)];
}

static inline bool memo_is(const struct memo_position *f, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	return f->sp == sp && f->pc == pc && (f->fp == fp || !f->fp_matters);
}

/* The position at which a walk stands, or 0. */
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

/* The position so many frames outward of one on the path, or 0. */
static inline uint32_t memo_outward(const struct memo *m, uint32_t at, unsigned frames)
{
	unsigned known = m->positions[at].frames;

	return frames < known ? m->path[known - frames] : 0;
}

/* Whether enough is known for a walk that asks for so many frames outward of this position. */
static inline bool memo_reaches(const struct memo *m, uint32_t at, unsigned frames)
{
	return m->positions[at].valid_frames > frames;
}

/* The path is from now on that of this position. */
void memo_follow(struct memo *m, uint32_t at);

/* Whether the eight words before l are as they were. */
static inline __attribute__((always_inline)) bool memo_eight_same(const struct memo_load *l)
{
	_Static_assert(MEMO_AT_ONCE == 8, "as many comparisons");
#define SAME(i)	(*(const uintptr_t *)l[-(i)].address == l[-(i)].value)
	return likely(SAME(1) && SAME(2) && SAME(3) && SAME(4) && SAME(5) && SAME(6) && SAME(7) && SAME(8));
#undef SAME
}

/*
 * Whether a walk from this position reads, for so many frames, what it read then; the stack can be read
 * below `high`. If so the position is on the path. If not, *from is the stack pointer beyond which it
 * makes sense to ask again.
 */
static inline __attribute__((always_inline)) bool memo_holds(struct memo *m, uint32_t at, unsigned frames,
							      uintptr_t high, uintptr_t *from)
{
	const struct memo_position *f = &m->positions[at];
	const struct memo_load *first = m->path_loads + MEMO_AT_ONCE, *l;

	if (unlikely(high < f->high)) {
		*from = UINTPTR_MAX;	/* that stack was larger than what is known of this one */
		return false;
	}
	if (!memo_on_path(m, at))
		memo_follow(m, at);
	l = first + f->words;
	if (unlikely(frames < f->frames))
		first += m->positions[m->path[f->frames - frames]].words;
	/* The last ones may be of frames that are not asked for: below `high`, too. If not all are as they
	 * were, the loop below finds which is not. */
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
 * The same in fewer instructions where the frames that are asked for are all that the position knows; false
 * too when they are not, and without saying where to ask again. The stack can be read below the position's `high`.
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
