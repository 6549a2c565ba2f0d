/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See recall.h. This file recalls stacks by predictions, and what lies outward of these by the suffix cache. Stacks
 * that are not recalled are walked (walk.c) and learnt (learn.c).
 */
#include "recall.h"

#include "base/arena.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#ifdef ARCH_DWARF_FP

#include "state.h"

/* The size of a memory with all that lies behind it. */
static size_t recall_bytes(unsigned predictions_log2)
{
	size_t predictions = (size_t)1 << predictions_log2;

	return sizeof(struct recall) + predictions * sizeof(struct prediction) +
	       (predictions << PAIRS_MORE_LOG2) * sizeof(uint64_t) +
	       (predictions >> SHORTS_LESS) * sizeof(struct short_stack) + predictions;
}

struct recall *recall_create(unsigned predictions_log2, unsigned max)
{
	struct recall *r;

	if (!rules_cache || predictions_log2 > RECALL_LOG2_MOST || !steps_init())
		return NULL;
	r = arena_map(recall_bytes(predictions_log2));
	if (!r)
		return NULL;
	_Static_assert(sizeof(*r) % 64 == 0, "the predictions behind it begin at a cache line");
	r->predictions = (struct prediction *)(r + 1);
	r->least_shift = 64 - predictions_log2;
	r->shift = 64 - (predictions_log2 < PLACES_LEAST_LOG2 ? predictions_log2 : PLACES_LEAST_LOG2);
	r->pairs = (uint64_t *)(r->predictions + ((size_t)1 << predictions_log2));
	r->pairs_log2 = PAIRS_LEAST_LOG2;
	r->pairs_most_log2 = (uint8_t)(predictions_log2 + PAIRS_MORE_LOG2);
	r->shorts = (struct short_stack *)(r->pairs + ((size_t)1 << r->pairs_most_log2));
	r->generations = (uint8_t *)(r->shorts + ((size_t)1 << (predictions_log2 - SHORTS_LESS)));
	r->stacks_most = predictions_log2 < STACKS_FEW_LOG2 ? SUFFIX_STACKS / 4 : SUFFIX_STACKS;
	recall_limit(r, max);
	return r;
}

/* Sets the powers of all frames that a walk can have. */
static void set_powers(struct recall *r)
{
	uint64_t power = 1;

	for (unsigned i = 0; i <= r->walk_most; i++, power *= SUFFIX_STEP)
		r->captured.walked[i].power = power;
}

void recall_limit(struct recall *r, unsigned max)
{
	r->depth = (uint16_t)(max + 1);
	r->levels = (uint16_t)(max < PREDICTED_LEVELS ? max : PREDICTED_LEVELS);
	/* Where the depth is small, predictions have whole stacks, and the suffix cache is of no use. */
	r->walk_most = (uint16_t)(max > PREDICTED_LEVELS ? r->depth + RECALL_EXTRA : r->depth);
	set_powers(r);
	recall_forget(r);
}

static void forget_stacks(struct recall *r)
{
	for (unsigned i = 0; i < SUFFIX_STACKS; i++) {
		if (r->stacks[i].count)		/* the pages of a new memory stay untouched until they are needed */
			r->stacks[i].count = r->stacks[i].last = 0;
	}
	r->range = r->own_range = (struct stack_range){ 0, 0 };
	r->own_range_bytes = 0;
}

void recall_begin(struct recall *r, uintptr_t own_top)
{
	r->own_top = own_top;
	if (!r->captured.walked[0].power)
		set_powers(r);
	forget_stacks(r);
}

void recall_forget(struct recall *r)
{
	steps_release();
	r->stamp = ~load_relaxed(&rules_stamp);
}

void recall_release(struct recall *r)
{
	char *from = (char *)&r->captured, *end = (char *)r + recall_bytes(64 - r->least_shift);
	int saved = errno;

	r->stamp = ~load_relaxed(&rules_stamp);
	r->captured.walked[0].power = 0;	/* its page stays, and those of other powers do not: see recall_begin() */
	signal_fence();		/* a fork may copy the memory while a part of it is gone */
	from += -(uintptr_t)from % getauxval(AT_PAGESZ);
	madvise(from, (size_t)(end - from), MADV_DONTNEED);
	signal_fence();
	r->roots_used = 0;
	errno = saved;
}

bool recall_is_void(const struct recall *r)
{
	return r->stamp != load_acquire(&rules_stamp);
}

/*
 * Without its root a prediction is never found again, because the next root has another number. So nothing is touched
 * but the roots that are in use: threads that do little do not get more memory when modules come and go.
 */
void __attribute__((noinline)) recall_empty(struct recall *r, uint64_t stamp)
{
	while (r->roots_used > 0)
		r->roots[r->used_roots[--r->roots_used]] = (struct root){ .pc = 0 };
	forget_stacks(r);
	r->times_emptied++;
	r->stamp = stamp;
}

/* The value of the short stack that was walked, or 0. */
static uint32_t find_short(struct recall *r)
{
	const struct captured *c = &r->captured;
	const struct short_stack *s = short_slot(r);

	if (unlikely(!c->numbered) || s->times_emptied != r->times_emptied || s->count != c->count)
		return 0;
	for (unsigned i = 0; i < c->count; i++) {
		if (unlikely(s->number[i] != step_number(c->walked[i].step)))
			return 0;
	}
	r->hits++;
	if (++r->short_turn % SHORT_TURNS == 0)
		recall_learn(r, s->value, true, true);
	return s->value;
}

/* Walks the stack that no prediction has. held: the prediction that the stack begins with, or NULL. */
static uint32_t __attribute__((noinline)) miss(struct recall *r, uintptr_t function, uintptr_t pc, uintptr_t sp,
					       uintptr_t fp, struct prediction *held)
{
	r->held = held;
	recall_walk(r, function, pc, sp, fp);
	return r->depth <= SHORT_FRAMES ? find_short(r) : 0;
}

/* Both predictions from this root were wrong. */
static void count_wrong(struct root *root)
{
	int32_t balance = root->balance + 2 * root->successes - 1;

	root->balance = (int16_t)(balance < 0 ? balance : 0);
	root->right += root->successes;
	root->wrong++;
	root->successes = 0;
	if (root->balance <= -FAILURES_MAX)
		root->probe[PROBES - 1] = 0;	/* predictions from this root cost more than they save */
}

/*
 * The position of a stack of the suffix cache where a prediction ends. NULL: the stack does not have this position, or
 * its node stands for too few frames, or words have changed.
 */
static inline __attribute__((always_inline)) const struct suffix_position *
find_end(const struct recall *r, struct suffix_stack *s, struct stack_choice *choice, const struct run_end *end,
	 unsigned needed)
{
	const struct suffix_position *p = &s->positions[choice->at];

	if (unlikely(choice->at > s->count || p->sp != end->sp)) {
		choice->at = (uint16_t)suffix_outward(s, end->sp);
		p = &s->positions[choice->at];
	}
	return likely(suffix_is(p, end->pc, end->sp, needed)) && likely(!p->fp_matters || p->fp == end->fp) &&
	       suffix_unchanged(s, choice->at, needed, r->own_range.high) == choice->at ? p : NULL;
}

/* As find_end(), in the stack that was used last. */
static const struct suffix_position * __attribute__((noinline))
find_end_newest(const struct recall *r, struct suffix_stack *newest, struct stack_choice *choice,
		const struct run_end *end, unsigned needed)
{
	const struct suffix_position *p = NULL;

	if (choice->stack != r->newest)
		p = find_end(r, newest, choice, end, needed);
	if (p)
		choice->stack = r->newest;
	else if (choice->failures < FAILURES_OWN)
		choice->failures = (uint8_t)(choice->failures + FAILURE);
	return p;
}

/* Finds the stack whose inner part is the prediction, of which all return addresses are on the stack, by the suffix
 * outward of it. */
static inline __attribute__((always_inline)) uint32_t find_outward(struct recall *r, uintptr_t function, uintptr_t pc,
								   uintptr_t sp, uintptr_t fp, struct prediction *held,
								   const struct run_end *end)
{
	struct stack_choice *choice = stack_choice(r, end->pc, end->sp);
	unsigned needed = r->depth - 1u - run_count(held);
	const struct suffix_position *p;
	uint32_t value;

	p = find_end(r, &r->stacks[choice->stack], choice, end, needed);
	if (unlikely(!p)) {
		p = find_end_newest(r, &r->stacks[r->newest], choice, end, needed);
		if (!p)
			return miss(r, function, pc, sp, fp, held);
	} else if (unlikely(choice->failures)) {
		choice->failures--;
	}
	if (unlikely(p->suffix.node != held->outer || !held->value)) {
		value = pair_value(r, held, p->suffix.node);
		if (unlikely(!value))
			return miss(r, function, pc, sp, fp, held);
		held->outer = p->suffix.node;
		held->value = value;
	}
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
		if (p->root != root->number || !prediction_holds(p, sp, fp, r->own_range.high, &end)) {
			count_wrong(root);
			return miss(r, function, pc, sp, fp, NULL);
		}
	}
	root->successes++;
	if (p->kind & RUN_GOES_ON)
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
		return miss(r, function, pc, sp, fp, NULL);
	room = r->own_range.high - sp;
	if (unlikely(room - 1 >= r->own_range_bytes))
		return miss(r, function, pc, sp, fp, NULL);
	root = root_slot(r, pc, function, 0);
	__asm__("" : "+r"(root));	/* without this, GCC 12 computes the address twice */
	if (unlikely(root->pc != pc || root->function != function)) {
		root++;
		if (root->pc != pc || root->function != function)
			return miss(r, function, pc, sp, fp, NULL);
	}
	last = root->probe[PROBES - 1];
	if (unlikely(!last || last + 8 > room))
		return miss(r, function, pc, sp, fp, NULL);
	predicted = prediction_slot(r, root, sp);
	if (unlikely(predicted->root != root->number || (predicted->kind & (RUN_COUNT | RUN_BY_FP)) != RUN_MAX ||
		     predicted->cfa * 8u > room || !six_hold(sp, predicted)))
		return find_predicted(r, function, pc, sp, fp, root);
	root->successes++;
	if (predicted->kind & RUN_GOES_ON)
		return find_outward_six(r, function, pc, sp, fp, predicted);
	r->hits++;
	return predicted->value;
}

struct captured *recall_captured(struct recall *r)
{
	return &r->captured;
}

void recall_number(struct recall *r, uintptr_t pc, uint32_t number)
{
	steps_number(pc, r->stamp, number);
}

#endif
