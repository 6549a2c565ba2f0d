/* SPDX-License-Identifier: GPL-2.0-only */
/* See paths.h. This file stores a stack that was not recognized, so that it is recognized the next time. */
#include "paths.h"

#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "base/probe.h"
#include "tree.h"

void paths_limit(struct paths *p, unsigned max)
{
	p->max = (uint16_t)max;
	p->levels = tree_levels(max);
	p->walk_max = (uint16_t)(max > PATHS_LEVELS ? max + PATHS_EXTRA : max);
	paths_forget(p);
}

/* Adds the steps of the plain walk to the memo, inward of the position that was found to be unchanged. */
static void learn_memo(struct paths *p, bool whole)
{
	unsigned valid = whole ? MEMO_ALL : p->max + 1u - p->first_step;

	/* If the depth is within the tree's levels, and nothing has reduced these levels, the tree knows all frames. */
	if (!p->steps_complete || p->max == p->levels || !p->step_count)
		return;
	if (valid < p->step_count)
		return;		/* there was no room for the nodes of the outer suffixes */
	/* A stack that ends because no caller is named has no outermost position. */
	if (!p->memo_hit && rule_kind(p->steps[p->step_count - 1].rule) != KIND_END)
		return;
	memo_learn(&p->memo, p->steps, p->step_count, &p->captured.suffixes[p->first_step], p->cut, valid, p->memo_hit);
}

/* The node of the suffix that begins with frame i of the captured stack. */
static uint32_t outer_of(const struct paths *p, unsigned i)
{
	const struct captured *c = &p->captured;
	unsigned fresh = c->count - c->known;

	if (!c->known || i <= fresh)
		return c->suffixes[i].node;
	return p->memo.positions[memo_outward(&p->memo, p->memo_hit, i - fresh)].suffix.node;
}

static uint32_t new_node(struct paths *p, uint64_t rule)
{
	struct tree_node *node;

	if (p->used >= p->limit)
		return 0;
	node = &p->nodes[p->used];
	*node = (struct tree_node){ .rule = rule };
	return p->used++;
}

/* Turns a rule into one of KIND_QUICK if it has the usual form: all offsets are then counted from the stack pointer
 * or frame pointer, not from the CFA, and are known to lie within the frame. Returns other rules unchanged. */
static uint64_t quicken(uint64_t rule)
{
	bool by_fp = rule_kind(rule) == KIND_FP, same = rule_fp_kind(rule) == FP_SAME;
	int64_t cfa = rule_field(rule, CFA_BITS, CFA_SHIFT);
	int64_t ra = cfa + rule_field(rule, OFFSET_BITS, RA_SHIFT);
	int64_t fp = (rule_fp_kind(rule) == FP_AT_CFA ? cfa : 0) + rule_field(rule, OFFSET_BITS, FP_SHIFT);

	if ((!by_fp && (rule_kind(rule) != KIND_SP || rule_fp_kind(rule) == FP_AT_FP)) || cfa <= 0 ||
	    cfa / 8 > 0xffff || ra < 0 || ra >= cfa || (!same && (fp < 0 || fp >= cfa)))
		return rule;
	return KIND_QUICK | (by_fp ? QUICK_BY_FP : 0) | (uint64_t)(cfa / 8) << 16 | (uint64_t)(ra / 8) << 32 |
	       (same ? (uint64_t)QUICK_SAME : (uint64_t)(fp / 8)) << 48;
}

/* The tree's rule for frame i of the captured stack. */
static uint64_t rule_for(struct paths *p, unsigned i)
{
	uint64_t rule = rules_find(p->captured.frames[i], p->stamp);
	unsigned kind = rule_kind(rule);

	if (i == p->max || (kind == KIND_END && !rule_has_record(rule)))
		return KIND_END;	/* no frames past the depth are asked for */
	if (kind == KIND_END && i < p->levels && i + 1 < p->captured.count)
		return KIND_RECORD | quicken(rule_of_record(rule));
	if (kind == KIND_END)
		return KIND_LIMIT;	/* the memo knows the words because of which the frame pointer leads nowhere */
	if (i == p->levels || kind >= KIND_SIGNAL || kind == KIND_UNKNOWN)
		return KIND_LIMIT;
	return quicken(rule);
}

/* Whether a run can contain a step by this rule. */
static bool is_quick(uint64_t rule)
{
	return rule_kind(rule) == KIND_QUICK || rule_kind(rule) == KIND_RECORD;
}

static bool is_usual_fp(const struct tree_node *step)
{
	return step->quick.kind & QUICK_BY_FP && step->quick.cfa == 2 && step->quick.ra == 1 && step->quick.fp == 0;
}

/* Makes *node the run from frame i of the captured stack to its end or the limit. Returns false if the steps cannot
 * be a run. */
static bool make_run(struct paths *p, unsigned i, struct tree_node *node)
{
	const struct captured *c = &p->captured;
	unsigned last = c->count - 1 < p->levels ? c->count - 1 : p->levels, lead = 0;
	uint32_t sp = 0, fp = QUICK_SAME;
	uint64_t rule;

	if (last <= i || last - i > RUN_MAX)
		return false;
	*node = (struct tree_node){ .rule = 0 };
	for (unsigned k = i; k < last; k++) {
		struct tree_node step = { .rule = rule_for(p, k) };
		bool by_fp = step.quick.kind & QUICK_BY_FP;
		uint32_t ra = by_fp ? 0 : sp + step.quick.ra;

		/* Behind the first step of KIND_FP all steps have to be of that kind. */
		if (!is_quick(step.rule) || (by_fp && (!is_usual_fp(&step) || fp != QUICK_SAME)) ||
		    (!by_fp && lead < k - i) || ra > UINT16_MAX || c->frames[k + 1] >> RUN_PC_BITS)
			return false;
		node->run[k - i] = (uint64_t)ra << RUN_PC_BITS | c->frames[k + 1];
		if (by_fp)
			continue;
		lead++;
		if (step.quick.fp != QUICK_SAME)
			fp = sp + step.quick.fp;
		sp += step.quick.cfa;
	}
	rule = rule_for(p, last);
	if (sp > UINT16_MAX || (rule != KIND_END && rule != KIND_LIMIT))
		return false;
	node->quick.kind = (uint16_t)(KIND_RUN | (last - i) << RUN_COUNT_SHIFT |
				      (rule == KIND_LIMIT ? RUN_LIMITED : 0) |
				      (lead < last - i ? RUN_BY_FP | lead << RUN_LEAD_SHIFT : 0));
	node->quick.cfa = (uint16_t)sp;
	node->quick.fp = (uint16_t)fp;
	return true;
}

/* Makes the node for frame i of the captured stack: a run of all steps from there on, or else a single step. */
static uint32_t make_node(struct paths *p, unsigned i)
{
	struct tree_node run;
	uint32_t made;

	if (!make_run(p, i, &run))
		return new_node(p, rule_for(p, i));
	made = new_node(p, 0);
	if (made)
		p->nodes[made] = run;
	return made;
}

/* Whether the captured stack has the run's return addresses behind frame i. */
static bool run_goes(const struct paths *p, const struct tree_node *node, unsigned i)
{
	const struct captured *c = &p->captured;
	unsigned count = run_count(node);

	if (i + count >= c->count)
		return false;
	for (unsigned k = 0; k < count; k++) {
		if (c->frames[i + 1 + k] != run_pc(node->run[k]))
			return false;
	}
	return true;
}

/* Splits the run at frame i into a node for its first step and a node for the rest. */
static bool split_run(struct paths *p, uint32_t at, unsigned i)
{
	struct tree_node run = p->nodes[at], first = { .rule = rule_for(p, i) };
	unsigned count = run_count(&run);
	uint32_t rest;
	struct tree_node *node;

	if (!is_quick(first.rule))
		return false;
	rest = new_node(p, run.quick.kind & RUN_LIMITED ? KIND_LIMIT : KIND_END);
	if (!rest)
		return false;
	node = &p->nodes[rest];
	if (count > 1) {
		unsigned lead = run_lead(&run), by_fp = run.quick.kind & RUN_BY_FP;
		uint16_t taken = lead ? first.quick.cfa : 0;

		node->quick.kind = (uint16_t)(KIND_RUN | (count - 1) << RUN_COUNT_SHIFT | by_fp |
					      (by_fp && lead ? (lead - 1) << RUN_LEAD_SHIFT : 0) |
					      (run.quick.kind & RUN_LIMITED));
		node->quick.cfa = run.quick.cfa - taken;
		/* If the frame pointer is saved in the first frame, the first step restores it, and not the rest. */
		if (run.quick.fp == QUICK_SAME || run.quick.fp < taken)
			node->quick.fp = QUICK_SAME;
		else
			node->quick.fp = run.quick.fp - taken;
		for (unsigned k = 1; k < count; k++)
			node->run[k - 1] = run.run[k] - (k < lead ? (uint64_t)taken << RUN_PC_BITS : 0);
	}
	node->end = run.end;
	first.pc[0] = run_pc(run.run[0]);
	first.child[0] = rest;
	p->nodes[at] = first;
	return true;
}

static struct root *root_for(struct paths *p)
{
	const struct captured *c = &p->captured;

	for (unsigned i = 0; i < ROOT_TRIES; i++) {
		struct root *r = root_slot(p, c->frames[1], c->frames[0], i);

		if (!r->node) {
			uint32_t made = make_node(p, 1);

			if (!made)
				return NULL;
			tree_use(p, r, sizeof(*r));
			*r = (struct root){ .pc = c->frames[1], .function = c->frames[0], .node = made };
			return r;
		}
		if (r->pc == c->frames[1] && r->function == c->frames[0])
			return r;
	}
	return NULL;
}

/* Sets the probes to the places of the run's first return addresses, in bytes from sp. A run of fewer steps
 * repeats the last one. Returns false if a place is too far away. */
static bool set_probes(uint16_t probe[PROBES], const struct tree_node *run, uintptr_t sp, uintptr_t fp)
{
	uintptr_t at = 0;

	for (unsigned i = 0; i < PROBES; i++) {
		if (i < run_lead(run)) {
			at = (run->run[i] >> RUN_PC_BITS) * 8;
		} else if (i < run_count(run)) {
			at = fp + 8 - sp;
			fp = walk_load(fp);
		}
		if (at > UINT16_MAX)
			return false;
		probe[i] = (uint16_t)at;
	}
	return true;
}

/* Stores the whole path of the captured stack as a guess. */
static void learn_guess(struct paths *p, struct root *r, uint32_t value)
{
	struct tree_node run;
	uint32_t made;
	guess *slot;

	/* A guess hashes words of the stack that may be uninitialized in another stack; memcheck would report that. */
	if (probe_is_checked())
		return;
	if (!make_run(p, 1, &run) || run_count(&run) < PROBES_LEAST || run.quick.cfa * 8u + p->sp > p->range.high)
		return;
	if (!r->probe[PROBES - 1] || r->failures % GUESS_AGAIN == GUESS_AGAIN - 1) {
		if (r->balance <= -FAILURES_MAX || !set_probes(r->probe, &run, p->sp, p->fp))
			return;
	}
	if (!can_guess(p, r->probe, p->sp))
		return;
	made = new_node(p, 0);	/* the old guess's node cannot be reused, since pairs refer to nodes */
	if (!made)
		return;
	run.quick.ra = (uint16_t)r->node;
	run.end.value = value;
	run.end.outer = outer_of(p, 1 + run_count(&run));
	p->nodes[made] = run;
	slot = guess_slot(p, r->node, r->probe, p->sp);
	tree_use(p, slot, sizeof(*slot));
	*slot = (guess)made;
}

/* Adds a child to the hash table. Returns false if there is no room. */
static bool add_wide(struct paths *p, uint32_t parent, uintptr_t pc, uint32_t node)
{
	for (unsigned i = 0; i < WIDE_TRIES; i++) {
		struct child *c = wide_slot(p, parent, pc, i);

		if (!c->node) {
			tree_use(p, c, sizeof(*c));
			*c = (struct child){ pc, parent, node };
			return true;
		}
	}
	return false;
}

/* Finds or makes the child of a node for frame i of the captured stack. Returns 0 if there is no room. */
static uint32_t child_for(struct paths *p, uint32_t parent, unsigned i)
{
	uintptr_t pc = p->captured.frames[i];
	struct tree_node *node = &p->nodes[parent];
	uint32_t made = find_child(p, parent, pc);

	if (made)
		return made;
	made = make_node(p, i);
	if (!made)
		return 0;
	for (unsigned k = 0; k < CHILDREN; k++) {
		if (!node->child[k]) {
			node->pc[k] = pc;
			node->child[k] = made;
			return made;
		}
	}
	for (unsigned k = 0; k < CHILDREN && !node->wide; k++)
		add_wide(p, parent, node->pc[k], node->child[k]);
	node->wide = 1;
	return add_wide(p, parent, pc, made) ? made : 0;
}

static void learn_tree(struct paths *p, uint32_t value)
{
	const struct captured *c = &p->captured;
	struct root *root = root_for(p);
	uint32_t node;
	unsigned i = 1;

	if (!root)
		return;
	learn_guess(p, root, value);
	node = root->node;
	while (node && rule_kind(p->nodes[node].rule) != KIND_END && rule_kind(p->nodes[node].rule) != KIND_LIMIT) {
		if (rule_kind(p->nodes[node].rule) != KIND_RUN) {
			if (i + 1 >= c->count)
				return;		/* the stack ends without naming a caller, see walk_on() */
			node = child_for(p, node, ++i);
		} else if (run_goes(p, &p->nodes[node], i)) {
			i += run_count(&p->nodes[node]);
			break;
		} else if (!split_run(p, node, i)) {
			return;
		}
	}
	if (!node)
		return;
	p->nodes[node].end.value = value;
	p->nodes[node].end.outer = outer_of(p, i);
}

/* Whether to add the captured stack to the tree. When there are few hits, the tree is hardly worth its cost: then
 * little is learnt, and a full tree is emptied. */
static bool worth_learning(struct paths *p)
{
	p->misses++;
	if (p->hits + p->misses >= WINDOW) {
		p->few_hits = p->hits < p->misses;
		p->hits = p->misses = 0;
	}
	if (p->few_hits && ++p->skipped % SKIP_RATIO)
		return false;
	if (p->used >= p->limit) {
		if (!p->few_hits)
			return false;
		paths_clear_tree(p);
	}
	return true;
}

/* Keeps the part of the thread's own stack that was found to be readable: it stays readable as long as the thread
 * lives. */
static void learn_own_range(struct paths *p)
{
	if (p->own_top - p->sp > OWN_BYTES || p->sp < p->range.low || p->sp >= p->range.high)
		return;		/* the walk began on another stack, or has passed on to another one */
	p->own_range.low = p->own_top - p->range.low > OWN_BYTES ? p->own_top - OWN_BYTES : p->range.low;
	p->own_range.high = p->range.high < p->own_top ? p->range.high : p->own_top;
	p->own_range_bytes = p->own_range.high - p->own_range.low;
}

/* Whether the captured stack's inner frames have come before in any stack. Only a few bits of a hash are compared, so
 * the answer can be wrong. */
static bool inner_seen(struct paths *p)
{
	const struct captured *c = &p->captured;
	unsigned n = c->count < p->levels + 1u ? c->count : p->levels + 1u;
	uint64_t h = 0;
	uint16_t *tag;

	for (unsigned i = 0; i < n; i++)
		h = (h ^ c->frames[i]) * 0x9e3779b97f4a7c15u;
	tag = &p->inner_tags[(h >> 32) % INNER_TAGS];
	if (*tag == (uint16_t)(h >> 48))
		return true;
	*tag = (uint16_t)(h >> 48);
	return false;
}

static void learn_stack(struct paths *p, uint32_t value)
{
	if (p->at_limit && p->steps_complete) {
		uint32_t outer = outer_of(p, p->first_step);
		struct pair *pair = pair_slot(p, p->at_limit, outer);

		tree_use(p, pair, sizeof(*pair));
		*pair = (struct pair){ p->at_limit, outer, value };
		p->nodes[p->at_limit].end.outer = outer;
		p->nodes[p->at_limit].end.value = value;
	} else if (p->tree_missed && worth_learning(p)) {
		learn_tree(p, value);
	}
}

bool paths_learn(struct paths *p, uint32_t value, bool seen, bool whole)
{
	if (unlikely(p->stamp != load_acquire(&rules_stamp)))
		return false;
	learn_own_range(p);
	if (seen || !p->tree_missed || inner_seen(p))
		learn_stack(p, value);
	learn_memo(p, whole);	/* last, because it may forget the position at which the known suffix begins */
	return true;
}

#else

void paths_limit(struct paths *p, unsigned max)
{
	(void)p;
	(void)max;
}

bool paths_learn(struct paths *p, uint32_t value, bool seen, bool whole)
{
	(void)p;
	(void)value;
	(void)seen;
	(void)whole;
	return true;
}

#endif
