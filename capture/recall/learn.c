/* SPDX-License-Identifier: GPL-2.0-only */
/* See recall.h. This file stores a stack that was not recalled, so that it is recalled the next time. */
#include "recall.h"

#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "base/probe.h"
#include "state.h"

#include <string.h>

void recall_limit(struct recall *r, unsigned max)
{
	r->max = (uint16_t)max;
	r->levels = (uint16_t)predicted_levels(max);
	r->walk_max = (uint16_t)(max > PREDICTED_LEVELS ? max + RECALL_EXTRA : max);
	recall_forget(r);
}

/* Whether to keep the steps of the walk. Where stacks have little in common, keeping them costs more than it saves. */
static bool worth_keeping(struct recall *r)
{
	r->walked += r->step_count;
	r->saved += r->captured.known;
	return !r->few_saved || ++r->suffix_skipped % SKIP_RATIO == 0;
}

/* Adds the steps of the walk to the suffix cache, inward of the position that was found to be unchanged. */
static void learn_suffix(struct recall *r, bool whole)
{
	unsigned valid = whole ? SUFFIX_ALL : r->max + 1u - r->first_step;

	/* If the depth is within the predicted levels, and nothing has reduced these, predictions have all frames. */
	if (!r->steps_complete || r->max == r->levels || !r->step_count)
		return;
	if (valid < r->step_count)
		return;		/* there was no room for the nodes of the outer suffixes */
	/* A stack that ends because no caller is named has no outermost position. */
	if (!r->at && rule_kind(r->steps[r->step_count - 1].rule) != KIND_END)
		return;
	if (!worth_keeping(r))
		return;
	suffix_learn(r->stack, r->at, r->steps, r->step_count, &r->captured.suffixes[r->first_step], r->cut,
		     r->first_step, valid);
}

/* Finds or makes the root of the captured stack. NULL: there is no room. */
static struct root *root_for(struct recall *r)
{
	const struct captured *c = &r->captured;

	/* recall_find() looks at the first two only. */
	for (unsigned i = 0; i < 2; i++) {
		struct root *root = root_slot(r, c->frames[1], c->frames[0], i);

		if (!root->pc)
			*root = (struct root){ .pc = c->frames[1], .function = c->frames[0],
					       .number = (uint16_t)(root - r->roots + 1) };
		if (root->pc == c->frames[1] && root->function == c->frames[0])
			return root;
	}
	return NULL;
}

/*
 * A prediction takes the place of another one. Where that is often so, more places are used from then on;
 * predictions that are in the wrong place then are made anew.
 */
static void count_replaced(struct recall *r, const struct prediction *slot)
{
	uint8_t *generation = &r->generations[slot - r->predictions];

	if (!++*generation)
		memset(r->pairs, 0, sizeof(*r->pairs) << r->pairs_log2);	/* numbers of predictions come again */
	if (++r->replaced >> (64 - r->shift - 3) && r->shift > r->least_shift) {
		r->replaced = 0;
		r->shift--;
	}
}

/* Puts a prediction to its place, or to that one's neighbour. */
static void put_prediction(struct recall *r, struct prediction *place, const struct prediction *made)
{
	struct prediction *other = prediction_neighbour(r, place);

	if (place->root && (!other->root || r->replaced & 1))
		place = other;
	if (place->root)
		count_replaced(r, place);
	*place = *made;
}

static bool is_same_run(const struct prediction *a, const struct prediction *b)
{
	return a->root == b->root && a->kind == b->kind && !memcmp(a->run, b->run, sizeof(a->run));
}

void recall_predict(struct recall *r, struct root *root, const struct prediction *made)
{
	struct prediction *place;

	/* A hash of words of the stack that may be uninitialized in another stack would be reported by memcheck. */
	if (root->balance <= -FAILURES_MAX || probe_is_checked() || made->cfa * 8u + r->sp > r->range.high ||
	    r->own_top - r->sp > OWN_BYTES)
		return;
	/* Each attempt gets more time than the one before, as all predictions are made anew after it. */
	if (!root->probe[PROBES - 1] || (uint32_t)root->failures >> root->attempts >= PROBES_AGAIN / 2) {
		if (!probes_set(root->probe, root->attempts % 2 ? PROBES_FEW : PROBES, made, r->sp, r->fp))
			return;
		root->failures = 0;
		root->attempts++;
	}
	if (r->sp + root->probe[PROBES - 1] + 8 > r->range.high)
		return;
	place = prediction_slot(r, root, r->sp);
	if (!is_same_run(place, made) && !is_same_run(prediction_neighbour(r, place), made))
		put_prediction(r, place, made);
}

/* Makes a prediction of the captured stack: one that is found by the frames, and one that is found by the probes. */
static void learn_prediction(struct recall *r, uint32_t value)
{
	const struct captured *c = &r->captured;
	struct run_source from = { c->frames, c->count, r->levels, r->max, r->stamp };
	struct prediction made;
	struct root *root = root_for(r);

	if (!root || !prediction_make(&made, &from))
		return;
	made.root = root->number;
	made.value = value;
	made.outer = made.kind & RUN_LIMITED ? recall_outer(r, 1 + run_count(&made)) : 0;
	put_prediction(r, prediction_place(r, frames_hash(c->frames, run_count(&made), root->number)), &made);
	recall_predict(r, root, &made);
}

/* Counts a stack that was not recalled. After each window of stacks it is decided what the next one learns. */
static void count_miss(struct recall *r)
{
	r->misses++;
	if (r->hits + r->misses < WINDOW)
		return;
	r->few_hits = r->hits < r->misses;
	r->few_saved = r->few_hits && r->saved < r->walked;
	r->hits = r->misses = r->saved = r->walked = 0;
}

/* Whether to make a prediction of the captured stack. When there are few hits, they are hardly worth their cost. */
static bool worth_learning(struct recall *r)
{
	return !r->few_hits || ++r->skipped % SKIP_RATIO == 0;
}

/* Keeps the part of the thread's own stack that was found to be readable: it stays readable as long as the thread
 * lives. */
static void learn_own_range(struct recall *r)
{
	if (r->own_top - r->sp > OWN_BYTES || r->sp < r->range.low || r->sp >= r->range.high)
		return;		/* the walk began on another stack, or has passed on to another one */
	r->own_range.low = r->own_top - r->range.low > OWN_BYTES ? r->own_top - OWN_BYTES : r->range.low;
	r->own_range.high = r->range.high < r->own_top ? r->range.high : r->own_top;
	r->own_range_bytes = r->own_range.high - r->own_range.low;
}

/* Whether the captured stack's inner frames have come before in any stack. Only a few bits of a hash are compared, so
 * the answer can be wrong. */
static bool inner_seen(struct recall *r)
{
	const struct captured *c = &r->captured;
	unsigned n = c->count < r->levels + 1u ? c->count : r->levels + 1u;
	uint64_t h = 0;
	uint16_t *tag;

	for (unsigned i = 0; i < n; i++)
		h = (h ^ c->frames[i]) * 0x9e3779b97f4a7c15u;
	tag = &r->inner_tags[(h >> 32) % INNER_TAGS];
	if (*tag == (uint16_t)(h >> 48))
		return true;
	*tag = (uint16_t)(h >> 48);
	return false;
}

static void learn_pair(struct recall *r, uint32_t value)
{
	uint32_t inner = pair_inner(r, r->held), outer = recall_outer(r, 1 + run_count(r->held));
	struct pair *pair = pair_slot(r, inner, outer);

	if (pair->inner && ++r->pairs_replaced >> (r->pairs_log2 - 4) && r->pairs_log2 < PAIRS_LOG2) {
		r->pairs_replaced = 0;
		r->pairs_log2++;
		pair = pair_slot(r, inner, outer);
	}
	*pair = (struct pair){ inner, outer, value };
	r->held->outer = outer;
	r->held->value = value;
}

bool recall_learn(struct recall *r, uint32_t value, bool seen, bool whole)
{
	if (unlikely(r->stamp != load_acquire(&rules_stamp)))
		return false;
	learn_own_range(r);
	count_miss(r);
	if (r->held) {
		if (r->steps_complete)
			learn_pair(r, value);
	} else if ((seen || inner_seen(r)) && worth_learning(r)) {
		learn_prediction(r, value);
	}
	learn_suffix(r, whole);	/* last, because it may forget the position at which the known suffix begins */
	return true;
}

#else

void recall_limit(struct recall *r, unsigned max)
{
	(void)r;
	(void)max;
}

bool recall_learn(struct recall *r, uint32_t value, bool seen, bool whole)
{
	(void)r;
	(void)value;
	(void)seen;
	(void)whole;
	return true;
}

#endif
