/* SPDX-License-Identifier: GPL-2.0-only */
/* See recall.h. This file walks stacks that are not recalled, up to what the suffix cache knows. */
#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "capture/walk.h"
#include "state.h"

/* A walk on its way: the position that it has come to, behind the n frames that it has noted. */
struct progress {
	uintptr_t pc, sp;
	uint64_t hash;			/* of the n frames, but for SUFFIX_FACTOR */
	unsigned n;
	bool interrupted;		/* pc is an interrupted instruction, and not a return address */
	unsigned fp_from;		/* a frame or, if it is n, the position */
	uintptr_t fp;			/* the frame pointer there; steps behind it may have saved another one */
	uintptr_t lr;			/* if interrupted: the link register, on machines that have one */
};

static void note_frame(struct recall *r, struct progress *at, uint64_t step)
{
	struct walked *w = &r->captured.walked[at->n++];

	w->pc = at->pc;
	w->sp = at->sp;
	w->step = step;
	at->hash += at->pc * w->power;
}

/* The frame pointer at the walk's position. */
static uintptr_t progress_fp(const struct recall *r, struct progress *at)
{
	const struct walked *w = r->captured.walked;

	at->fp = steps_fp(w + at->fp_from, w + at->n, at->fp, at->sp);
	at->fp_from = at->n;
	return at->fp;
}

/*
 * One step by the rule of the position, whatever its kind; *rule becomes the one that was followed. Returns false
 * if the walk does not lead on: because the stack ends (the rule is of KIND_END), or because the step cannot be
 * made.
 *
 * Where code has no unwind information, the frame pointer may lead on. Whether it does depends on words of the
 * stack that the suffix cache does not keep.
 */
static bool follow(struct recall *r, struct walk *w, uint64_t *rule)
{
	if (rule_kind(*rule) != KIND_END)
		return walk_by(w, *rule);
	if (rule_has_record(*rule)) {
		if (walk_record(w, *rule) == RECORD_LEADS) {
			*rule = rule_of_record(*rule);
			return true;
		}
		r->complete = false;
	}
	if (rule_has_no_cfi(*rule))
		r->captured.no_cfi_pc = w->pc;
	return false;
}

enum next { NEXT_GOES_ON, NEXT_ENDS, NEXT_GIVEN_UP };

/* Notes the frame at the position, and steps on to its caller. asked: the caller was asked for. */
static enum next __attribute__((noinline)) step_uncommon(struct recall *r, struct progress *at, bool asked)
{
	uint64_t rule = rules_find(at->pc | (at->interrupted ? INTERRUPTED : 0), r->stamp);
	uint32_t number = step_number(steps_find(at->pc, r->stamp));
	struct walk w = { .pc = at->pc, .sp = at->sp, .fp = progress_fp(r, at), .range = r->range,
			  .interrupted = at->interrupted, .lr = at->lr };
	bool signal = rule_kind(rule) == KIND_SIGNAL, leads;

	if (!number || at->pc >> 48)
		r->captured.numbered = false;
	if (signal || at->interrupted)
		r->complete = false;
	leads = (asked || !signal) && follow(r, &w, &rule);
	if (leads)
		r->range = w.range;	/* the interrupted frame can be on another stack */
	if (leads && !step_of_rule(rule))
		r->complete = false;	/* the suffix cache does not keep the words that such a step reads */
	note_frame(r, at, step_of_rule(rule) | number);
	if (!leads) {
		r->cut = rule_kind(rule) != KIND_END;
		return r->cut && asked ? NEXT_GIVEN_UP : NEXT_ENDS;
	}
	*at = (struct progress){ .pc = w.pc, .sp = w.sp, .hash = at->hash, .n = at->n, .interrupted = w.interrupted,
			      .fp_from = at->n, .fp = w.fp, .lr = w.lr };
	return NEXT_GOES_ON;
}

/*
 * Makes steps of the common kinds, as many as there are one after the other; not past `limit` frames, nor past a
 * position at meets_sp. All that a step by the stack pointer uses is in registers.
 */
static inline __attribute__((always_inline)) void walk_common(struct recall *r, struct progress *at, unsigned limit,
							      uintptr_t meets_sp)
{
	struct walked *w = &r->captured.walked[at->n], *end = &r->captured.walked[limit];
	const struct step_slot *cache = steps_cache;
	uint64_t stamp = r->stamp, mask = load_relaxed(&steps_mask), hash = at->hash;
	uintptr_t pc = at->pc, sp = at->sp, high = r->range.high, bound = high < meets_sp ? high : meets_sp;

	while (w < end) {
		uint64_t step, differs = step_differs(&cache[pc & mask], pc, stamp, &step);
		uintptr_t cfa = sp;
		bool last;

		if (unlikely(differs)) {
			if (differs != STEP_OTHER_CHECK)	/* the other slot of the pair may have it */
				differs = step_differs(&cache[(pc & mask) ^ 1], pc, stamp, &step);
			if (differs == STEP_OTHER_CHECK && step_kind(step) == STEP_FP)
				cfa = steps_fp(&r->captured.walked[at->fp_from], w, at->fp, sp);
			else if (differs)
				break;
			if (unlikely(cfa < sp || cfa % sizeof(cfa) || cfa > high))
				break;
		}
		cfa += step_cfa(step);
		last = cfa >= bound;
		if (unlikely(last) && cfa > high)
			break;
		w->pc = pc;
		w->sp = sp;
		w->step = step;
		hash += pc * w->power;
		w++;
		pc = arch_return_address(walk_load(cfa - step_ra(step)));
		sp = cfa;
		if (unlikely(last))
			break;
	}
	at->pc = pc;
	at->sp = sp;
	at->hash = hash;
	at->n = (unsigned)(w - r->captured.walked);
}

/*
 * Walks on up to the end of the stack, to `limit` frames, or to a position of the suffix cache that is *meets or
 * outward of that one: r->at. A walk is made in two calls: the first one's limit is the depth, the second one goes on
 * from there. *meets is moved outward with the walk.
 */
static inline __attribute__((always_inline)) enum next walk_on(struct recall *r, struct progress *at, unsigned *meets,
							       unsigned limit)
{
	struct suffix_stack *s = &r->stacks[r->stack];
	const struct suffix_position *p = s->positions;

	for (;;) {
		unsigned needed = at->n < r->depth ? r->depth - at->n : 0;
		uint64_t step;
		enum next next;

		for (; *meets && unlikely(p[*meets].sp <= at->sp); --*meets) {
			if (suffix_is(&p[*meets], at->pc, at->sp, needed) && !at->interrupted &&
			    (!p[*meets].fp_matters || p[*meets].fp == progress_fp(r, at))) {
				/* A large frame lies where several positions were, whose words it has not changed. So
				 * too few positions outward of this one were compared. */
				unsigned known = *meets;

				if (unlikely(r->foreign)) {
					known = suffix_same(s, known, needed);
				} else if (unlikely(s->last - known > at->n)) {
					s->last = (uint16_t)known;
					known = suffix_unchanged(s, known, r->depth, r->own_range.high);
				}
				if (likely(known == *meets)) {
					r->at = (uint16_t)known;
					return NEXT_ENDS;
				}
				*meets = known + 1;
			}
		}
		if (at->n >= limit)
			return NEXT_GOES_ON;
		if (unlikely(!at->pc)) {
			r->complete = false;	/* the word that names no caller would have to be kept */
			return NEXT_ENDS;
		}
		if (likely(!at->interrupted)) {
			unsigned n = at->n;

			walk_common(r, at, limit, *meets ? p[*meets].sp : UINTPTR_MAX);
			if (at->n > n)
				continue;
		}
		step = steps_find(at->pc, r->stamp);
		if (needed == 1 && step && !r->keeps) {	/* the last frame, however its caller is found */
			note_frame(r, at, step_number(step));
			return NEXT_GOES_ON;
		}
		if (step_kind(step) == STEP_END && !at->interrupted) {
			note_frame(r, at, step);
			return NEXT_ENDS;
		}
		next = step_uncommon(r, at, needed > 1);
		if (next != NEXT_GOES_ON)
			return next;
	}
}

/* Adds the known suffix to the frames that were walked. */
static inline void add_known(struct recall *r, unsigned n)
{
	struct captured *c = &r->captured;
	const struct suffix_position *p = &r->stacks[r->stack].positions[r->at];

	c->known = r->at;
	c->count = n + c->known;
	c->suffixes[n] = p->suffix;
	if (n >= r->depth)
		return;
	c->hash += p->suffix.hash * c->walked[n].power;
	if (c->count > r->depth) {
		c->suffixes[r->depth].hash = (p - (r->depth - n))->suffix.hash;
		c->hash -= c->suffixes[r->depth].hash * c->walked[r->depth].power;
	}
}

/* The innermost position of the stack that the walk from sp can meet. */
static unsigned may_meet(const struct recall *r, struct suffix_stack *s, uintptr_t sp)
{
	unsigned at = suffix_outward(s, sp);

	/* What lies outward of a change may have been unmapped, so no word is compared before the walk comes to it. */
	return unlikely(r->foreign) ? at : suffix_unchanged(s, at, r->depth, r->own_range.high);
}

/*
 * Chooses the stack of the suffix cache that has most in common with the one at hand: the one that had this
 * position last, or the one that was used last. Returns the innermost position that the walk can meet.
 */
static unsigned choose_stack(struct recall *r, uintptr_t pc, uintptr_t sp)
{
	unsigned stack = stack_choice(r, pc, sp)->stack, meets, meets_newest;
	struct suffix_stack *chosen = &r->stacks[stack], *newest = &r->stacks[r->newest];

	r->stack = (uint8_t)stack;
	r->foreign = r->own_range.high - sp - 1 >= r->own_range_bytes;
	meets = may_meet(r, chosen, sp);
	if (chosen == newest || (meets && unlikely(r->foreign)))
		return meets;
	meets_newest = may_meet(r, newest, sp);
	if (meets && (!meets_newest || chosen->positions[meets].sp <= newest->positions[meets_newest].sp))
		return meets;
	r->stack = r->newest;
	return meets_newest;
}

HOT_CODE void recall_walk(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	struct captured *c = &r->captured;
	struct progress at = { .pc = pc, .sp = sp, .hash = function, .n = 1, .fp_from = 1, .fp = fp };
	uint64_t stamp = load_acquire(&rules_stamp);
	enum next next;
	unsigned meets = 0;

	if (unlikely(r->stamp != stamp))
		recall_empty(r, stamp);
	c->fp = fp;
	r->at = 0;
	c->known = c->count = 0;
	c->no_cfi_pc = 0;
	c->walked[0].pc = function;
	c->walked[1].pc = pc;
	c->walked[1].sp = sp;
	c->walked[0].step = step_number(steps_find(function, stamp));
	c->numbered = c->walked[0].step;
	if (unlikely(sp % sizeof(sp) || !stack_enter(&r->range, sp)))
		return;
	r->complete = true;
	r->cut = false;
	/* Where stacks have little in common, to keep the frames of a walk costs more than it saves. */
	r->keeps = r->walk_most > r->depth && (!r->few_known || ++r->walks_skipped % SKIP_RATIO == 0);
	if (r->keeps)
		meets = choose_stack(r, pc, sp);
	next = walk_on(r, &at, &meets, r->depth);
	c->hash = at.hash * SUFFIX_FACTOR;
	if (r->keeps && next == NEXT_GOES_ON)
		next = walk_on(r, &at, &meets, r->walk_most);
	if (unlikely(next == NEXT_GIVEN_UP))
		return;
	if (next == NEXT_GOES_ON)
		r->cut = true;
	c->count = at.n;
	if (r->at)
		add_known(r, at.n);
}

#endif
