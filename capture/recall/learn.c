/* SPDX-License-Identifier: GPL-2.0-only */
/* See recall.h. This file stores a stack that was not recalled, so that it is recalled the next time. */
#include "recall.h"

#ifdef ARCH_DWARF_FP

#include "base/probe.h"
#include "state.h"

#include <string.h>

/* Only the places in use, since to clear others would allocate memory for them. What numbers pairs changes afterwards: a
 * handler's longjmp() or a fork may leave this in the middle, and no pair may be left that stands for other numbers. */
static void clear_pairs(struct recall *r)
{
	memset(r->pairs, 0, sizeof(*r->pairs) << r->pairs_log2);
	signal_fence();
}

/* Empties the memory, and clears all predictions, so that the numbers of roots can be given again. */
static __attribute__((cold)) void clear_predictions(struct recall *r)
{
	recall_empty(r, r->stamp);
	clear_pairs(r);
	memset(r->predictions, 0, sizeof(*r->predictions) << (64 - r->shift));
	signal_fence();
	r->roots_made = 0;
}

/* Makes a root at a free place. */
static void make_root(struct recall *r, struct root *root)
{
	const struct walked *w = r->captured.walked;

	if (r->roots_made == UINT16_MAX)
		clear_predictions(r);
	/* Listed before it is made: a fork may copy the memory in between, and what is listed is forgotten there. */
	r->used_roots[r->roots_used] = (uint16_t)(root - r->roots);
	signal_fence();
	store_relaxed(&r->roots_used, r->roots_used + 1u);
	signal_fence();
	*root = (struct root){ .pc = w[1].pc, .function = w[0].pc, .number = ++r->roots_made };
}

/* Finds or makes the root of the captured stack. NULL: there is no room. */
static struct root *root_for(struct recall *r)
{
	const struct walked *w = r->captured.walked;

	for (unsigned i = 0; i < ROOT_TRIES; i++) {
		struct root *root = root_slot(r, w[1].pc, w[0].pc, i);

		if (!root->pc)
			make_root(r, root);
		if (root->pc == w[1].pc && root->function == w[0].pc)
			return root;
	}
	return NULL;
}

static bool is_same_run(const struct prediction *a, const struct prediction *b)
{
	return a->root == b->root && a->kind == b->kind && !memcmp(a->run, b->run, sizeof(a->run));
}

/*
 * Puts a prediction to its place, or to that one's neighbour. Where predictions often take the place of others, more
 * places are used from then on; predictions that are in the wrong place then are made anew.
 */
static void put_prediction(struct recall *r, struct prediction *place, const struct prediction *made)
{
	struct prediction *other = prediction_neighbour(r, place);

	if (place->root && !is_same_run(place, made) &&
	    (!other->root || is_same_run(other, made) || r->replaced & 1))
		place = other;
	if (place->root) {
		uint8_t *generation = &r->generations[place - r->predictions];

		if (*generation == UINT8_MAX)
			clear_pairs(r);		/* numbers of predictions come again */
		++*generation;
		if (++r->replaced >> (64 - r->shift - 3) && r->shift > r->least_shift) {
			r->replaced = 0;
			r->shift--;
		}
	}
	*place = *made;
}

/* The position of the known suffix that is frame i of the captured stack. */
static const struct suffix_position *known_position(const struct recall *r, unsigned i)
{
	unsigned fresh = r->captured.count - r->captured.known;

	return &r->stacks[r->stack].positions[r->at - (i - fresh)];
}

/* Completes the frames that were walked up to frame `last` by those of the suffix that is known. */
static void add_frames(struct recall *r, unsigned last)
{
	struct captured *c = &r->captured;

	for (unsigned i = c->count - c->known; i <= last; i++) {
		const struct suffix_position *p = known_position(r, i);
		uint64_t step = steps_find(p->pc, r->stamp);

		c->walked[i].pc = p->pc;
		c->walked[i].sp = p->sp;
		c->walked[i].step = step ? step : step_of_rule(rules_find(p->pc, r->stamp));
	}
}

/* The node of the suffix that begins with frame i of the captured stack. */
static uint32_t outer_node(const struct recall *r, unsigned i)
{
	const struct captured *c = &r->captured;

	return i < c->count - c->known ? c->nodes[i] : known_position(r, i)->suffix.node;
}

/*
 * Whether predictions by the root's probes are often wrong. Each attempt at good ones gets more time than the one
 * before, because all predictions have to be made anew after it.
 */
static bool are_bad(const struct root *root)
{
	return root->attempts <= ATTEMPTS && root->wrong >> root->attempts >= PROBES_AGAIN / 2 &&
	       root->wrong > root->right / PROBES_BAD;
}

/*
 * Gives the root other probes: those of the stack at hand or, after the last attempt, the best so far. Returns false if
 * the stack's are too far away.
 */
static bool choose_probes(struct root *root, const struct prediction *made, uintptr_t sp, uintptr_t fp)
{
	uint64_t all = (uint64_t)root->wrong + root->right;
	uint32_t wrong = root->wrong ? (uint32_t)(255 * (uint64_t)root->wrong / all) : 255;

	if (!root->attempts || wrong < root->best_wrong) {
		root->best_wrong = (uint8_t)wrong;
		memcpy(root->best, root->probe, sizeof(root->best));
	}
	if (root->attempts == ATTEMPTS)
		memcpy(root->probe, root->best, sizeof(root->best));
	else if (!probes_set(root->probe, root->attempts % 2 ? PROBES_FEW : PROBES, made, sp, fp))
		return false;
	root->attempts++;
	root->wrong = root->right = 0;
	return true;
}

/*
 * Whether predictions from the root are found on the stack that was walked; if they often were not, the root gets new
 * probes. A hash of words of the stack that may be uninitialized in another stack would be reported by memcheck.
 */
static bool may_predict(struct recall *r, struct root *root, const struct prediction *made)
{
	uintptr_t sp = r->captured.walked[1].sp;

	if (probe_is_checked() || made->cfa * 8u + sp > r->range.high || r->own_top - sp > OWN_BYTES)
		return false;
	if (root->balance <= -FAILURES_MAX) {
		if (++root->rests < RESTS)
			return false;
		root->rests = 0;
		root->balance = -FAILURES_MAX / 2;
	}
	if ((!root->probe[PROBES - 1] || are_bad(root)) && !choose_probes(root, made, sp, r->captured.fp))
		return false;
	/* The best probes may be those of a root from which nothing was predicted. */
	return root->probe[PROBES - 1] && sp + root->probe[PROBES - 1] + 8 <= r->range.high;
}

/* Makes a prediction of the captured stack. */
static void learn_prediction(struct recall *r, uint32_t value)
{
	const struct captured *c = &r->captured;
	unsigned levels = r->levels, last = c->count - 1 < levels ? c->count - 1 : levels;
	struct root *root = root_for(r);
	struct prediction made;
	bool ends;

	if (!root || last < 2)
		return;
	/* Where even the best probes often take words that are different each time, most of the predictions that are
	 * missing would never be found again. So only one of several is made. */
	if (root->attempts > ATTEMPTS && root->wrong > root->right / PROBES_BAD && ++r->bad % BAD_RATIO)
		return;
	add_frames(r, last);
	ends = step_kind(c->walked[last].step) == STEP_END;
	/* Where a stack ends for another reason, words decide that which a prediction does not have. */
	if ((last < levels && !ends) ||
	    !prediction_make(&made, c->walked, last, last + 1u < r->depth && !ends))
		return;
	made.root = root->number;
	made.value = value;
	made.outer = made.kind & RUN_GOES_ON ? outer_node(r, last) : 0;
	if (may_predict(r, root, &made))
		put_prediction(r, prediction_slot(r, root, c->walked[1].sp), &made);
}

static void learn_pair(struct recall *r, uint32_t value)
{
	uint32_t outer = outer_node(r, 1 + run_count(r->held));
	uint64_t *first, *place, pair = pair_of(r, r->held, outer, &first);
	unsigned tries = 0;

	r->held->outer = outer;
	r->held->value = value;
	if (unlikely(outer >> PAIR_OUTER_BITS || value >> PAIR_VALUE_BITS))
		return;
	do
		place = pair_place(r, first, tries++);
	while (*place && tries < PAIR_PLACES);
	if (*place && ++r->pairs_replaced >> (r->pairs_log2 - 6) && r->pairs_log2 < r->pairs_most_log2) {
		/* A pair in a place of before would stand for other numbers. */
		clear_pairs(r);
		r->pairs_replaced = 0;
		r->pairs_log2++;
		pair = pair_of(r, r->held, outer, &place);
	} else if (*place) {
		place = pair_place(r, first, r->pairs_replaced % PAIR_PLACES);
	}
	*place = pair | value;
}

static void learn_short(struct recall *r, uint32_t value)
{
	const struct captured *c = &r->captured;
	struct short_stack *s = short_slot(r);

	*s = (struct short_stack){ .times_emptied = r->times_emptied, .value = value, .count = c->count };
	for (unsigned i = 0; i < c->count; i++)
		s->number[i] = step_number(c->walked[i].step);
}

/* Counts a stack that was not recalled. After so many stacks it is decided what is learnt of the next ones. */
static void count_miss(struct recall *r)
{
	const struct captured *c = &r->captured;

	r->misses++;
	if (r->keeps) {
		r->frames_walked += c->count - c->known;
		r->frames_known += c->known;
	}
	if (r->hits + r->misses < WINDOW)
		return;
	r->few_hits = r->hits < r->misses;
	r->few_known = 2 * r->frames_known < r->frames_walked;
	r->hits = r->misses = r->frames_known = r->frames_walked = 0;
}

/* Keeps the part of the thread's own stack that was found to be readable: it stays readable as long as the thread
 * lives. */
static void learn_own_range(struct recall *r)
{
	uintptr_t sp = r->captured.walked[1].sp;

	if (r->own_top - sp > OWN_BYTES || sp < r->range.low || sp >= r->range.high)
		return;		/* the walk began on another stack, or has passed on to another one */
	if (r->range.low >= r->own_range.low && r->range.low < r->own_range.high)
		return;
	/* Another stack can lie near, below a page that cannot be read. */
	if (!stack_reaches(&r->range, r->own_range.low ? r->own_range.low : r->own_top))
		return;
	r->own_range.low = r->own_top - r->range.low > OWN_BYTES ? r->own_top - OWN_BYTES : r->range.low;
	r->own_range.high = r->own_top;
	r->own_range_bytes = r->own_range.high - r->own_range.low;
}

/*
 * The stack of the suffix cache that gets the frames of the walk. Stacks that are called in turn, again and again, each
 * get one of their own: that is so where a position was not found in the stack that should have it, several times in a
 * row. All others go where the suffix was that they met.
 */
static unsigned stack_to_keep(struct recall *r, const struct stack_choice *end)
{
	if (end->failures < FAILURES_OWN)
		return r->stack;
	do
		r->turn = (uint8_t)((r->turn + 1u) % r->stacks_most);
	while (r->turn == r->stack);
	if (r->at)
		suffix_copy(&r->stacks[r->turn], &r->stacks[r->stack], r->at);
	return r->turn;
}

/* Adds the frames of the walk to the suffix cache, inward of the position that was found to be unchanged. */
static void learn_suffix(struct recall *r, bool whole)
{
	struct captured *c = &r->captured;
	const struct walked *w = c->walked;
	unsigned fresh = c->count - c->known, valid = whole ? SUFFIX_ALL : r->depth;
	unsigned levels = r->levels, to;
	struct stack_choice *start = stack_choice(r, w[1].pc, w[1].sp), *end = start;

	/* Not whole: there was no room for the nodes of the outer frames. */
	if (!r->keeps || !r->complete || valid < fresh)
		return;
	if (levels < fresh)
		end = stack_choice(r, w[levels].pc, w[levels].sp);
	else if (levels < c->count)
		end = stack_choice(r, known_position(r, levels)->pc, known_position(r, levels)->sp);
	to = stack_to_keep(r, end);
	if (to != r->stack)
		end->failures = 0;
	end->stack = start->stack = (uint8_t)to;
	r->newest = (uint8_t)to;
	if (fresh > 1)
		suffix_learn(&r->stacks[to], r->at, w, fresh, r->cut, r->captured.fp, c->nodes, valid);
}

void recall_learn(struct recall *r, uint32_t value, bool seen, bool whole)
{
	learn_own_range(r);
	count_miss(r);
	if (r->held) {
		if (r->complete)
			learn_pair(r, value);
	} else if (seen && (!r->few_hits || ++r->skipped % SKIP_RATIO == 0)) {
		learn_prediction(r, value);	/* hardly worth its cost where few stacks are recalled */
	}
	if (seen && r->depth <= SHORT_FRAMES && r->captured.numbered)
		learn_short(r, value);
	learn_suffix(r, whole);	/* last, because it may forget the position at which the known suffix begins */
}

#endif
