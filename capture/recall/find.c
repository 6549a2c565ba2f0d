/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See recall.h. This file recalls stacks; learn.c stores them. recall_find() tries, in this order:
 *	1. a prediction, on the thread's own stack: recall_find() itself, or find_predicted() for less common ones;
 *	   where the stack goes on, the suffix outward of it: find_outward()
 *	2. the walk, up to a position of the suffix cache: find_by_walk(), walk_on()
 */
#include "recall.h"

#include "base/arena.h"
#include "capture/arch.h"

#include <limits.h>
#include <string.h>

#ifdef ARCH_DWARF_FP

#include "state.h"

struct recall *recall_create(unsigned predictions_log2, unsigned max)
{
	struct recall *r;

	if (!rules_cache || predictions_log2 > RECALL_LOG2_MOST)
		return NULL;
	r = arena_map(sizeof(*r) + (sizeof(*r->predictions) << predictions_log2));
	if (!r)
		return NULL;
	_Static_assert(sizeof(*r) % 64 == 0, "the predictions behind it begin at a cache line");
	r->predictions = (struct prediction *)(r + 1);
	r->least_shift = 64 - predictions_log2;
	r->shift = 64 - (predictions_log2 < PLACES_LEAST_LOG2 ? predictions_log2 : PLACES_LEAST_LOG2);
	r->pairs_log2 = PAIRS_LEAST_LOG2;
	recall_limit(r, max);
	r->stamp = load_relaxed(&rules_stamp);
	return r;
}

static void forget_stacks(struct recall *r)
{
	if (r->whole.count)
		r->whole.count = 0;
	for (unsigned i = 0; i < SUFFIX_STACKS; i++) {
		if (r->stacks[i].count)		/* the pages of a new memory stay untouched until they are needed */
			r->stacks[i].count = 0;
	}
	r->range = r->own_range = (struct stack_range){ 0, 0 };
	r->own_range_bytes = 0;
}

void recall_begin(struct recall *r, uintptr_t own_top)
{
	r->own_top = own_top;
	forget_stacks(r);
}

void recall_forget(struct recall *r)
{
	r->stamp = ~load_relaxed(&rules_stamp);
}

static void __attribute__((noinline)) forget(struct recall *r, uint64_t stamp)
{
	/* Of predictions and pairs only the places in use, since clearing the others would allocate memory for them. */
	memset(r->predictions, 0, sizeof(*r->predictions) << (64 - r->shift));
	memset(r->pairs, 0, sizeof(*r->pairs) << r->pairs_log2);
	memset(r->roots, 0, sizeof(r->roots));
	forget_stacks(r);
	r->stamp = stamp;
}

/*
 * A step of the plain walk from frame n - 1, whose rule is of KIND_END. If the code there has no unwind
 * information, the frame pointer may lead on. Whether it does depends on words of the stack; so where it does not,
 * a prediction, which compares return addresses only, must end before this frame, and the suffix cache must have
 * the words. Returns false if the walk ends here.
 */
static bool __attribute__((noinline)) step_from_end(struct recall *r, struct walk *w, struct step *step, unsigned n)
{
	enum record_step record = RECORD_REFUSED;

	if (rule_has_record(step->rule)) {
		record = walk_record(w, step->rule);
		if (record == RECORD_LEADS) {
			step->rule = rule_of_record(step->rule);
			return true;
		}
		if (r->levels > n - 1)
			r->levels = (uint16_t)(n - 1);
		if (record == RECORD_UNREADABLE)
			r->steps_complete = false;	/* the page may become readable later */
	}
	if (rule_has_no_cfi(step->rule))
		r->captured.no_cfi_pc = step->pc;
	return false;
}

/*
 * A step of the plain walk from frame n - 1 that walk_fast() cannot make. asked: frames outward of this one were asked
 * for. Returns false if the walk ends here or is given up; in the latter case the step's rule becomes KIND_GIVE_UP.
 */
static bool __attribute__((noinline)) step_uncommon(struct recall *r, struct walk *w, struct step *step, unsigned n,
						    bool asked)
{
	bool signal = rule_kind(step->rule) == KIND_SIGNAL;

	if (rule_kind(step->rule) == KIND_END)
		return step_from_end(r, w, step, n);
	if (signal && asked) {
		r->steps_complete = false;
		if (r->levels > n - 1)
			r->levels = (uint16_t)(n - 1);
		r->range = w->range;	/* the interrupted frame can be on another stack */
	}
	if ((!signal || asked) && walk_by(w, step->rule))
		return true;
	step->rule = asked ? KIND_GIVE_UP : KIND_END;
	r->cut = true;
	return false;
}

/*
 * Makes at most `most` steps of the most common kind, as long as they lead to named callers, and not as far as
 * `meets_sp`, if that is not 0. Returns how many. A function of its own, so that all that it uses is in registers.
 */
static HOT_CODE unsigned __attribute__((noinline)) walk_common(const struct recall *r, struct walk *from,
							       struct step *step, uintptr_t *frame,
							       unsigned most, uintptr_t meets_sp)
{
	struct walk w = *from;
	uint64_t stamp = r->stamp;
	unsigned n = 0;

	meets_sp--;
	while (n < most && w.sp <= meets_sp) {
		const struct rule_slot *s = &rules_cache[w.pc & (((uint64_t)1 << RULES_CACHE_LOG2) - 1)];
		uint64_t rule = load_relaxed(&s->rule);

		if (unlikely((load_relaxed(&s->check) ^ rule) != (w.pc ^ stamp)))
			break;
		*step = (struct step){ w.sp, w.fp, w.pc, rule };
		if (unlikely(!walk_fast(&w, rule)))
			break;
		if (unlikely(!w.pc)) {
			w = (struct walk){ .pc = step->pc, .sp = step->sp, .fp = step->fp, .range = from->range };
			break;
		}
		step++;
		*frame++ = w.pc;
		n++;
	}
	*from = w;
	return n;
}

enum walk_end {
	WALK_ENDS,		/* the stack ends, or the walk was cut */
	WALK_MEETS,		/* a position of the suffix cache from which the rest is known */
	WALK_PAUSES,
	WALK_GIVEN_UP,
};

/*
 * The plain walk from w on, up to a position that the suffix cache has; it pauses when it has so many frames. It
 * goes on past the depth, for at most RECALL_EXTRA frames: what is learnt of these helps with later stacks that
 * reach the same position after fewer inner frames, and the table's chains for them have the same outer frames.
 */
static enum walk_end walk_on(struct recall *r, struct walk *w, unsigned pause)
{
	struct captured *c = &r->captured;
	unsigned n = c->count, max = r->max, at = r->can_meet;
	struct step *step = r->steps + r->step_count;
	unsigned stop = pause < max ? pause : max;	/* before this frame only common steps can happen */
	enum walk_end end = WALK_ENDS;
	bool leads = true;

	/* Here frames[n - 1] is w->pc. */
	for (;;) {
		unsigned more = n > max ? 0 : max + 1 - n;	/* frames outward of this one that are asked for */

		if (at && suffix_meets(r->stack, w, &at, more)) {
			r->at = (uint16_t)at;
			end = WALK_MEETS;
			break;
		}
		if (n == pause) {
			end = WALK_PAUSES;
			break;
		}
		*step = (struct step){ w->sp, w->fp, w->pc, KIND_END };
		r->cut = !more && (!r->steps_complete || n >= r->walk_max);
		if (r->cut) {
			step++;
			break;
		}
		step->rule = rules_find(w->pc | (w->interrupted ? INTERRUPTED : 0), r->stamp);
		if (unlikely(!walk_fast(w, step->rule)))
			leads = step_uncommon(r, w, step, n, more);
		step++;
		if (!leads || !w->pc)
			break;
		c->frames[n++] = w->pc;
		if (likely(n < stop && !w->interrupted)) {
			unsigned more_steps = walk_common(r, w, step, &c->frames[n], stop - n,
							  r->stack->positions[at].sp);

			n += more_steps;
			step += more_steps;
		}
	}
	r->can_meet = (uint16_t)at;
	r->step_count = (uint16_t)(step - r->steps);
	c->count = n;
	return !leads && rule_kind(step[-1].rule) == KIND_GIVE_UP ? WALK_GIVEN_UP : end;
}

/* Completes the captured stack by the suffix that the cache has. The last of the count frames is its first. */
static void add_known(struct recall *r)
{
	struct captured *c = &r->captured;
	const struct suffix_position *p = r->stack->positions;
	unsigned from = c->count - 1, window = r->max + 1u, copied = r->levels + 1u;

	c->known = r->at;
	c->count = from + c->known;
	c->suffixes[from] = p[r->at].suffix;
	if (from < window && c->count > window)
		c->suffixes[window].hash = p[r->at - (window - from)].suffix.hash;
	if (copied > c->count)
		copied = c->count;
	/* recall_learn() reads the frames that a prediction needs, known or not. */
	for (unsigned i = r->at; from < copied; i--)
		c->frames[from++] = p[i].pc;
}

/* The prediction that has just these inner frames, up to the one with the number `last`; NULL: there is none. */
static inline struct prediction *prediction_by_frames(const struct recall *r, const struct root *root,
						      const uintptr_t *frames, unsigned last)
{
	struct prediction *p = prediction_place(r, frames_hash(frames, last - 1, root->number));

	if (likely(p->root == root->number && run_count(p) == last - 1 && prediction_has(p, frames)))
		return p;
	p = prediction_neighbour(r, p);
	return p->root == root->number && run_count(p) == last - 1 && prediction_has(p, frames) ? p : NULL;
}

/* Finds the captured stack, of which the inner frames are known, by a prediction that has these frames. Returns its
 * value or 0. */
static uint32_t find_by_frames(struct recall *r)
{
	struct captured *c = &r->captured;
	struct root *root = root_find(r, c->frames[1], c->frames[0]);
	unsigned last = c->count - 1 < r->levels ? c->count - 1 : r->levels;
	struct prediction *p = root && last >= 2 ? prediction_by_frames(r, root, c->frames, last) : NULL;
	uint32_t inner, outer;
	const struct pair *pair;

	if (!p)
		return 0;
	if (r->hits % PREDICT_RATIO == 0) {
		struct prediction made = *p;	/* whose place may be taken */

		recall_predict(r, root, &made);
	}
	if (!(p->kind & RUN_LIMITED))
		return p->value;
	r->held = p;
	if (!r->at || last < c->count - c->known)
		return 0;	/* it is not known yet which suffix this is */
	outer = recall_outer(r, last);
	if (outer == p->outer && p->value)
		return p->value;
	inner = pair_inner(r, p);
	pair = pair_slot(r, inner, outer);
	return pair->inner == inner && pair->outer == outer ? pair->value : 0;
}

/*
 * Captures the stack by the walk from w on, behind the count frames that have been captured. Returns the stack's
 * value if its frames are those of a prediction; otherwise 0, as recall_find() does for a stack that is not
 * recalled.
 */
static uint32_t __attribute__((noinline)) capture_on(struct recall *r, struct walk *w)
{
	struct captured *c = &r->captured;
	enum walk_end end = WALK_MEETS;
	bool asked = r->held;
	uint32_t value = 0;

	r->levels = (uint16_t)predicted_levels(r->max);
	r->step_count = 0;
	r->steps_complete = true;
	r->cut = false;
	r->first_step = (uint16_t)(c->count - 1);
	if (!r->at)
		end = walk_on(r, w, r->held ? UINT_MAX : r->levels + 1u);
	for (;;) {
		r->range = w->range;
		if (end == WALK_GIVEN_UP) {
			c->count = 0;
			return 0;
		}
		if (end == WALK_MEETS)
			add_known(r);
		if (!asked)
			value = find_by_frames(r);
		asked = true;
		if (value) {
			r->hits++;
			return value;
		}
		if (end != WALK_PAUSES)
			return 0;
		end = walk_on(r, w, UINT_MAX);
	}
}

static void begin(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	struct captured *c = &r->captured;

	r->sp = sp;
	r->fp = fp;
	r->held = NULL;
	r->at = 0;
	r->stack = &r->whole;
	r->can_meet = r->stack->count;
	c->known = 0;
	c->no_cfi_pc = 0;
	c->frames[0] = function;
	c->frames[1] = pc;
	c->count = 2;
}

/*
 * Finds a stack by its frames where these are all within the reach of a prediction, and all steps are of the most common
 * kind. Returns 0 otherwise.
 */
static HOT_CODE uint32_t __attribute__((noinline)) find_short(struct recall *r, uintptr_t function, uintptr_t pc,
							      uintptr_t sp, uintptr_t fp)
{
	struct root *root = root_find(r, pc, function);
	struct walk w = { .pc = pc, .sp = sp, .fp = fp, .range = r->own_range };
	uintptr_t frames[PREDICTED_LEVELS + 1];
	const struct prediction *p;
	unsigned last = 1;

	if (!root)
		return 0;
	for (;;) {
		const struct rule_slot *s = &rules_cache[w.pc & (((uint64_t)1 << RULES_CACHE_LOG2) - 1)];
		uint64_t rule = load_relaxed(&s->rule);

		if (unlikely((load_relaxed(&s->check) ^ rule) != (w.pc ^ r->stamp)))
			return 0;
		if (unlikely(!walk_fast(&w, rule))) {
			if (rule_kind(rule) != KIND_END || rule_has_record(rule))
				return 0;
			break;
		}
		if (unlikely(!w.pc))
			return 0;
		frames[++last] = w.pc;
		if (last == r->max)
			break;
	}
	if (unlikely(last < 2))
		return 0;
	p = prediction_by_frames(r, root, frames, last);
	/* Now and then the slow path is to make a prediction that the probes find. */
	return p && !(p->kind & RUN_LIMITED) && r->hits % PREDICT_RATIO ? p->value : 0;
}

/* Captures the stack by the walk. */
static HOT_CODE uint32_t __attribute__((noinline)) find_by_walk(struct recall *r, uintptr_t function, uintptr_t pc,
								uintptr_t sp, uintptr_t fp)
{
	struct walk w = { .pc = pc, .sp = sp, .fp = fp };
	uint32_t value;

	if (r->max <= PREDICTED_LEVELS && likely(r->stamp == load_acquire(&rules_stamp) &&
						 r->own_range.high - sp - 1 < r->own_range_bytes && sp % sizeof(sp) == 0)) {
		value = find_short(r, function, pc, sp, fp);
		if (value) {
			r->hits++;
			return value;
		}
	}
	begin(r, function, pc, sp, fp);
	if (unlikely(r->stamp != load_acquire(&rules_stamp)))
		forget(r, load_acquire(&rules_stamp));
	if (unlikely(sp % sizeof(sp) || !stack_enter(&r->range, sp))) {
		r->captured.count = 0;
		return 0;
	}
	w.range = r->range;
	return capture_on(r, &w);
}

/* Both predictions from this root were wrong. */
static uint32_t __attribute__((noinline)) find_mispredicted(struct recall *r, uintptr_t function, uintptr_t pc,
							    uintptr_t sp, uintptr_t fp, struct root *root)
{
	if (root->successes) {
		int32_t balance = root->balance + 2 * root->successes;

		root->balance = (int16_t)(balance < 0 ? balance : 0);
		root->successes = root->failures = 0;
	}
	root->failures++;
	if (--root->balance <= -FAILURES_MAX)
		root->probe[PROBES - 1] = 0;	/* predictions from this root cost more than they save */
	return find_by_walk(r, function, pc, sp, fp);
}

/* As find_outward(), without its conditions. */
static HOT_CODE uint32_t __attribute__((noinline)) find_outward_slow(struct recall *r, uintptr_t function,
								     uintptr_t pc, uintptr_t sp, uintptr_t fp,
								     struct prediction *held,
								     const struct run_end *end)
{
	unsigned at;
	struct walk w = { .pc = end->pc, .sp = end->sp, .fp = end->fp, .range = r->range };

	/* The suffix cache may compare words outside of own_range. */
	if (unlikely(sp < w.range.low || w.range.high < r->own_range.high))
		return find_by_walk(r, function, pc, sp, fp);
	begin(r, function, pc, sp, fp);
	r->stack = suffix_stack_for(r, end->pc, end->sp);
	at = r->stack->count;
	if (suffix_meets(r->stack, &w, &at, r->max - 1u - run_count(held))) {
		uint32_t inner = pair_inner(r, held), outer = r->stack->positions[at].suffix.node;
		const struct pair *pair = pair_slot(r, inner, outer);

		if (likely(pair->inner == inner && pair->outer == outer)) {
			r->hits++;
			held->outer = outer;
			held->value = pair->value;
			return held->value;
		}
		r->at = (uint16_t)at;
	}
	r->can_meet = (uint16_t)at;
	r->held = held;
	for (unsigned i = 0; i < run_count(held); i++)
		r->captured.frames[r->captured.count++] = run_pc(held->run[i]);
	return capture_on(r, &w);
}

/* Finds the stack whose inner part is the prediction, of which all return addresses are on the stack, by the suffix
 * outward of it. This is the fast path for the same suffix as the last time. */
static inline uint32_t find_outward(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp,
				    struct prediction *held, const struct run_end *end)
{
	const struct suffix_stack *s = suffix_stack_for(r, end->pc, end->sp);
	unsigned more = r->max - 1u - run_count(held), at = s->count;
	const struct suffix_position *p;

	p = &s->positions[at];
	if (unlikely(!suffix_is(p, end->pc, end->sp, end->fp) || !suffix_reaches(p, more) || sp < r->range.low ||
		     r->range.high < r->own_range.high || p->suffix.node != held->outer || !held->value ||
		     suffix_unchanged(s, at, more, r->range.high) != at))
		return find_outward_slow(r, function, pc, sp, fp, held, end);
	r->hits++;
	return held->value;
}

/* Finds the stack by a prediction of any kind: the one at the stack's place or, if that one is wrong, its neighbour. */
static HOT_CODE uint32_t __attribute__((noinline)) find_predicted(struct recall *r, uintptr_t function, uintptr_t pc,
								  uintptr_t sp, uintptr_t fp, struct root *root)
{
	struct prediction *p = prediction_slot(r, root, sp);
	struct run_end end;

	if (p->root != root->number || !prediction_holds(p, sp, fp, r->own_range.high, &end)) {
		p = prediction_neighbour(r, p);
		if (p->root != root->number || !prediction_holds(p, sp, fp, r->own_range.high, &end))
			return find_mispredicted(r, function, pc, sp, fp, root);
	}
	root->successes++;
	if (p->kind & RUN_LIMITED)
		return find_outward(r, function, pc, sp, fp, p, &end);
	r->hits++;
	return p->value;
}

/* find_outward() of a prediction for which six_hold() is true. */
static HOT_CODE uint32_t __attribute__((noinline)) find_outward_six(struct recall *r, uintptr_t function, uintptr_t pc,
								    uintptr_t sp, uintptr_t fp, struct prediction *held)
{
	struct run_end end = six_end(held, sp, fp);

	return find_outward(r, function, pc, sp, fp, held, &end);
}

/*
 * The fast path: a prediction that is right, on the thread's own stack. Nearly every call ends here. Every other
 * case is a tail call, so that this function need not save any register.
 */
HOT_CODE uint32_t recall_find(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	struct prediction *predicted;
	struct root *root;
	uintptr_t room;
	uint32_t last;

	if (unlikely(r->stamp != load_acquire(&rules_stamp)))
		return find_by_walk(r, function, pc, sp, fp);
	room = r->own_range.high - sp;
	if (unlikely(room - 1 >= r->own_range_bytes))
		return find_by_walk(r, function, pc, sp, fp);
	root = root_slot(r, pc, function, 0);
	__asm__("" : "+r"(root));	/* without this, GCC 12 computes the address twice */
	if (unlikely(root->pc != pc || root->function != function)) {
		root++;
		if (root->pc != pc || root->function != function)
			return find_by_walk(r, function, pc, sp, fp);
	}
	last = root->probe[PROBES - 1];
	if (unlikely(!last || last + 8 > room))
		return find_by_walk(r, function, pc, sp, fp);
	predicted = prediction_slot(r, root, sp);
	if (unlikely(predicted->root != root->number || (predicted->kind & (RUN_COUNT | RUN_BY_FP)) != RUN_MAX ||
		     predicted->cfa * 8u > room || !six_hold(sp, predicted)))
		return find_predicted(r, function, pc, sp, fp, root);
	root->successes++;
	if (predicted->kind & RUN_LIMITED)
		return find_outward_six(r, function, pc, sp, fp, predicted);
	r->hits++;
	return predicted->value;
}

struct captured *recall_captured(struct recall *r)
{
	return &r->captured;
}

struct capture_point recall_point(const struct recall *r, uintptr_t *function)
{
	*function = r->captured.frames[0];
	return (struct capture_point){ r->captured.frames[1], r->sp, r->fp };
}

#else

struct recall *recall_create(unsigned predictions_log2, unsigned max)
{
	(void)predictions_log2;
	(void)max;
	return NULL;
}

uint32_t recall_find(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	(void)r;
	(void)function;
	(void)pc;
	(void)sp;
	(void)fp;
	return 0;
}

struct captured *recall_captured(struct recall *r)
{
	(void)r;
	return NULL;
}

struct capture_point recall_point(const struct recall *r, uintptr_t *function)
{
	(void)r;
	*function = 0;
	return (struct capture_point){ .pc = 0 };
}

void recall_forget(struct recall *r)
{
	(void)r;
}

void recall_begin(struct recall *r, uintptr_t own_top)
{
	(void)r;
	(void)own_top;
}

#endif
