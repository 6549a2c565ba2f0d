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
 * the words; outward of them it goes on in the strand that was known then. When there is no room the
 * memo is emptied, and learns anew.
 *
 * It belongs to one thread at a time, as all of paths.h.
 */
#ifndef CAPTURE_MEMO_H
#define CAPTURE_MEMO_H

#include "walk.h"

#include "base/mark.h"

#define MEMO_POSITIONS	1024u
#define MEMO_LOADS	2048u
#define MEMO_INDEX_LOG2	10
#define MEMO_ALL	UINT16_MAX

/* One cache line. */
struct memo_position {
	uintptr_t sp, pc, fp;
	uintptr_t high;			/* above all words */
	struct mark mark;		/* of the frames from here on that were known */
	uint16_t loads_end, loads_first;	/* the last is read first; of the strand, first */
	uint16_t first, outer;		/* the strand's outermost position; where it goes on, or 0 */
	uint16_t frames;		/* of the mark, with this one */
	uint16_t right;			/* for so many the mark's node is theirs; MEMO_ALL: to the stack's end */
	bool fp_matters;		/* a rule from here outward uses it before it is loaded anew */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct memo_position) == 64, "a position is one cache line");

struct memo_load {
	uintptr_t address, value;
};

struct memo {
	uint32_t count;			/* positions; number 0 is none */
	uint32_t load_count;
	uint16_t index[1u << MEMO_INDEX_LOG2][2];	/* the newest position there, and the one before */
	struct memo_position positions[MEMO_POSITIONS];
	struct memo_load loads[MEMO_LOADS];
};

/* A position that was walked the plain way. */
struct step {
	uintptr_t sp, fp, pc;
	uint64_t rule;
};

/* Also what a new memo, zeroed, needs. */
void memo_clear(struct memo *m);

/* Adds the steps of a walk, innermost first, that came to its end or to the position `outer`. cut: the end is
 * not the stack's. right: for so many frames from the first step on the marks' nodes are right, or MEMO_ALL. */
void memo_learn(struct memo *m, const struct step *steps, unsigned count, const struct mark *marks, bool cut,
		unsigned right, uint32_t outer);

/* Where the two newest positions are named that come to this place. */
static inline uint16_t *memo_slots(struct memo *m, uintptr_t sp, uintptr_t pc)
{
	uint64_t h = (sp ^ (uint64_t)pc << 20) * 0x9e3779b97f4a7c15u;

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

/* The position so many frames outward, or 0. */
static inline uint32_t memo_outward(const struct memo *m, uint32_t at, unsigned frames)
{
	while (at && frames) {
		const struct memo_position *f = &m->positions[at];
		unsigned count = at - f->first;

		if (frames <= count)
			return at - frames;
		frames -= count + 1;
		at = f->outer;
	}
	return at;
}

/* Whether enough is known for a walk that asks for so many frames outward of this position. */
static inline bool memo_reaches(const struct memo *m, uint32_t at, unsigned frames)
{
	return m->positions[at].right > frames;
}

/*
 * Whether a walk from this position reads, for so many frames, what it read then; the stack can be read
 * below `high`. If not, *from is the stack pointer beyond which it makes sense to ask again.
 */
static inline __attribute__((always_inline)) bool memo_holds(const struct memo *m, uint32_t at, unsigned frames,
							      uintptr_t high, uintptr_t *from)
{
	if (unlikely(high < m->positions[at].high)) {
		*from = UINTPTR_MAX;	/* that stack was larger than what is known of this one */
		return false;
	}
	do {
		const struct memo_position *f = &m->positions[at];
		const struct memo_load *l = m->loads + f->loads_end, *first = m->loads + f->loads_first;
		unsigned count = at - f->first + 1u;

		if (frames < count)
			first = m->loads + m->positions[at - frames].loads_end;
		/* Four at a time while all is as it was; if not, the loop below finds which is not. */
#define SAME(i)	(*(const uintptr_t *)l[i].address == l[i].value)
		while (l - first >= 4 && likely(SAME(-1) && SAME(-2) && SAME(-3) && SAME(-4)))
			l -= 4;
#undef SAME
		while (l > first) {
			l--;
			if (unlikely(*(const uintptr_t *)l->address != l->value)) {
				*from = l->address;
				return false;
			}
		}
		if (frames <= count)
			break;
		frames -= count;
		at = f->outer;
	} while (at);
	return true;
}

#endif
