/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See paths.h. This file recognizes stacks; learn.c stores them. paths_find() tries, in this order:
 *	1. a guess, on the thread's own stack: paths_find() itself, or find_by_guess() for less common runs
 *	2. the tree: find_by_tree()
 *	3. the memo for the suffix, where a guess or the tree ends at its limit: find_from_guess(), find_at_limit()
 *	4. the plain walk, which looks into the memo at each position: find_slow(), walk_on()
 */
#include "paths.h"

#include "arch.h"
#include "base/arena.h"

#include <string.h>

#ifdef ARCH_DWARF_FP

#include "tree.h"

struct paths *paths_create(unsigned nodes_log2, unsigned max)
{
	struct paths *p;

	if (!rules_cache || nodes_log2 > PATHS_LOG2_MOST)
		return NULL;
	p = arena_map(sizeof(*p) + sizeof(*p->nodes) + (sizeof(*p->nodes) << nodes_log2));
	if (!p)
		return NULL;
	p->nodes = (struct tree_node *)(((uintptr_t)(p + 1) + 63) & ~(uintptr_t)63);
	p->limit = 1u << nodes_log2;
	p->used = 1;
	paths_limit(p, max);
	p->stamp = load_relaxed(&rules_stamp);
	memo_clear(&p->memo);
	return p;
}

static void forget_stack(struct paths *p)
{
	memo_clear(&p->memo);
	p->range = p->own_range = (struct stack_range){ 0, 0 };
	p->own_range_bytes = 0;
}

void paths_begin(struct paths *p, uintptr_t own_top)
{
	p->own_top = own_top;
	forget_stack(p);
}

void paths_clear_tree(struct paths *p)
{
	uintptr_t first = (uintptr_t)&p->tables, end = first + sizeof(p->tables);
	uintptr_t base = first / TREE_CHUNK_BYTES * TREE_CHUNK_BYTES;

	for (unsigned i = 0; i < TREE_CHUNKS / 64; i++) {
		for (; p->used_chunks[i]; p->used_chunks[i] &= p->used_chunks[i] - 1) {
			unsigned chunk = i * 64 + (unsigned)__builtin_ctzll(p->used_chunks[i]);
			uintptr_t from = base + chunk * TREE_CHUNK_BYTES, to = from + TREE_CHUNK_BYTES;

			if (from < first)
				from = first;
			if (to > end)
				to = end;
			memset((void *)from, 0, to - from);
		}
	}
	p->used = 1;
}

void paths_forget(struct paths *p)
{
	p->stamp = ~load_relaxed(&rules_stamp);
}

static void __attribute__((noinline)) forget(struct paths *p, uint64_t stamp)
{
	paths_clear_tree(p);
	forget_stack(p);
	p->stamp = stamp;
}

/* Finds a child in the hash table of nodes with many children. Now and then the child that was found moves into
 * the node, so that children which are asked for often end up where they are found at once. */
uint32_t paths_find_wide(struct paths *p, uint32_t parent, uintptr_t pc)
{
	struct tree_node *node = &p->nodes[parent];

	for (unsigned i = 0; i < WIDE_TRIES; i++) {
		const struct child *c = wide_slot(p, parent, pc, i);

		if (!c->node)
			break;
		if (c->pc != pc || c->parent != parent)
			continue;
		if (++p->wide_hits % PROMOTED == 0) {
			unsigned k = p->wide_hits / PROMOTED % CHILDREN;

			node->pc[k] = pc;
			node->child[k] = c->node;
		}
		return c->node;
	}
	return 0;
}

static inline struct root *find_root(struct paths *p, uintptr_t pc, uintptr_t function)
{
	for (unsigned i = 0; i < ROOT_TRIES; i++) {
		struct root *r = root_slot(p, pc, function, i);

		if (r->pc == pc && r->function == function)
			return r;
		if (!r->node)
			break;
	}
	return NULL;
}

/*
 * A step of the plain walk from frame n - 1, whose rule is of KIND_END. If the code there has no unwind
 * information, the frame pointer may lead on. Whether it does depends on words of the stack; so where it does not,
 * the tree, which knows addresses only, must end before this frame, and the memo must check the words. Returns
 * false if the walk ends here.
 */
static bool __attribute__((noinline)) step_from_end(struct paths *p, struct walk *w, struct step *step, unsigned n)
{
	enum record_step record = RECORD_REFUSED;

	if (rule_has_record(step->rule)) {
		record = walk_record(w, step->rule);
		if (record == RECORD_LEADS) {
			step->rule = rule_of_record(step->rule);
			return true;
		}
		if (p->levels > n - 1)
			p->levels = (uint16_t)(n - 1);
		if (record == RECORD_UNREADABLE)
			p->steps_complete = false;	/* the page may become readable later */
	}
	if (rule_has_no_cfi(step->rule))
		p->captured.no_cfi_pc = step->pc;
	return false;
}

/*
 * A step of the plain walk from frame n - 1 that walk_fast() cannot make. asked: frames outward of this one were
 * asked for. Returns false if the walk ends here or is given up; in the latter case the step's rule becomes
 * KIND_GIVE_UP.
 */
static inline bool step_uncommon(struct paths *p, struct walk *w, struct step *step, unsigned n, bool asked)
{
	bool signal = rule_kind(step->rule) == KIND_SIGNAL;

	if (rule_kind(step->rule) == KIND_END)
		return step_from_end(p, w, step, n);
	if (signal && asked) {
		p->steps_complete = false;
		if (p->levels > n - 1)
			p->levels = (uint16_t)(n - 1);
		p->range = w->range;	/* the interrupted frame can be on another stack */
	}
	if ((!signal || asked) && walk_by(w, step->rule))
		return true;
	step->rule = asked ? KIND_GIVE_UP : KIND_END;
	p->cut = true;
	return false;
}

/*
 * The plain walk from w on, which looks into the memo at each position. It goes on past the depth, for at most
 * PATHS_EXTRA frames, until it meets a position that the memo knows. What is learnt of these frames helps with
 * later stacks that reach the same position after fewer inner frames, and the table's chains for them
 * have the same outer frames. Returns false if the walk is given up.
 */
static bool walk_on(struct paths *p, struct walk *w)
{
	struct captured *c = &p->captured;
	unsigned n = c->count, max = p->max;
	uintptr_t from = 0;

	/* Here frames[n - 1] is w->pc. It is 0 where the tree came to the end of a stack that names no caller. */
	if (unlikely(!w->pc)) {
		c->count = n - 1;
		p->steps_complete = false;	/* the tree has not recorded its steps */
		return true;
	}
	for (;;) {
		uint32_t found = w->interrupted || w->sp < from ? 0 : memo_find(&p->memo, w->pc, w->sp, w->fp);
		unsigned more = n > max ? 0 : max + 1 - n;	/* frames outward of this one that are asked for */
		struct step *step;

		if (found && memo_reaches(&p->memo, found, more) &&
		    memo_holds(&p->memo, found, more, w->range.high, &from)) {
			p->memo_hit = found;
			break;
		}
		step = &p->steps[p->step_count++];
		*step = (struct step){ w->sp, w->fp, w->pc, KIND_END };
		p->cut = !more && (!p->steps_complete || n >= p->walk_max);
		if (p->cut)
			break;
		step->rule = rules_find(w->pc | (w->interrupted ? INTERRUPTED : 0), p->stamp);
		if (unlikely(!walk_fast(w, step->rule)) && !step_uncommon(p, w, step, n, more)) {
			if (rule_kind(step->rule) == KIND_GIVE_UP)
				return false;
			break;
		}
		if (!w->pc)
			break;
		c->frames[n++] = w->pc;
	}
	c->count = n;
	return true;
}

/* Completes the captured stack by the suffix that the memo knows. The last of the count frames is its first. */
static void add_known(struct paths *p)
{
	struct captured *c = &p->captured;
	const struct memo *m = &p->memo;
	const struct memo_position *f = &m->positions[p->memo_hit];
	unsigned at = c->count - 1, window = p->max + 1u, copied = p->levels + 1u;

	c->known = f->frames;
	c->count = at + c->known;
	c->suffixes[at] = f->suffix;
	if (at < window && c->count > window)
		c->suffixes[window].hash = m->positions[memo_outward(m, p->memo_hit, window - at)].suffix.hash;
	if (copied > c->count)
		copied = c->count;
	/* paths_learn() reads the frames of the tree's levels, known or not. */
	for (uint32_t i = p->memo_hit; at < copied; i = memo_outward(m, i, 1))
		c->frames[at++] = m->positions[i].pc;
}

/* Captures the stack by the plain walk from w on, behind the count frames that have been captured. Returns 0,
 * as paths_find() does for a stack that is not recognized. */
static uint32_t __attribute__((noinline)) find_slow(struct paths *p, struct walk *w)
{
	struct captured *c = &p->captured;

	p->levels = tree_levels(p->max);
	p->step_count = 0;
	p->steps_complete = true;
	p->cut = false;
	p->first_step = (uint16_t)(c->count - 1);
	if (!p->memo_hit && !walk_on(p, w)) {
		p->range = w->range;
		c->count = 0;
		return 0;
	}
	p->range = w->range;
	if (p->memo_hit)
		add_known(p);
	return 0;
}

/*
 * Returns the value of the stack whose prefix is this node of the tree and whose suffix begins at the position
 * (pc, sp, fp), or 0 if the memo does not know this suffix or the pair of both. frames: the number of frames of
 * the prefix, with the function. The stack can be read below `high`.
 */
static inline __attribute__((always_inline)) uint32_t find_at_limit(struct paths *p, uint32_t at, unsigned frames,
								     uintptr_t pc, uintptr_t sp, uintptr_t fp,
								     uintptr_t high)
{
	struct tree_node *node = &p->nodes[at];
	uint32_t found = memo_find(&p->memo, pc, sp, fp), outer;
	const struct memo_position *f = &p->memo.positions[found];
	uintptr_t from;
	struct pair *pair;

	if (!found || !memo_reaches(&p->memo, found, p->max + 1u - frames) ||
	    !memo_holds(&p->memo, found, p->max + 1u - frames, high, &from))
		return 0;
	p->memo_hit = found;
	outer = f->suffix.node;
	if (likely(node->end.outer == outer))
		return node->end.value;
	pair = pair_slot(p, at, outer);
	if (pair->path != at || pair->outer != outer)
		return 0;
	node->end.outer = outer;
	node->end.value = pair->value;
	return pair->value;
}

static inline uintptr_t quick_base(const struct walk *w, const struct tree_node *node)
{
	return node->quick.kind & QUICK_BY_FP ? w->fp : w->sp;
}

/* Whether the step reads only words of the stack that are known to be readable. */
static inline bool quick_fits(const struct walk *w, const struct tree_node *node)
{
	uintptr_t base = w->sp;

	if (likely(!(node->quick.kind & QUICK_BY_FP)))
		return base + node->quick.cfa * 8u <= w->range.high;
	base = w->fp;
	return base >= w->sp && base < w->range.high && base + node->quick.cfa * 8u <= w->range.high &&
	       base % sizeof(base) == 0;
}

static inline void quick_step(struct walk *w, const struct tree_node *node)
{
	uintptr_t base = quick_base(w, node);

	if (node->quick.fp != QUICK_SAME)
		w->fp = walk_load(base + node->quick.fp * 8u);
	w->pc = arch_return_address(walk_load(base + node->quick.ra * 8u));
	w->sp = base + node->quick.cfa * 8u;
}

/* Whether the stack, which can be read below `high`, has the return addresses of a run of which some steps go
 * by frame pointer. *end gets the position of the run's last frame. */
static inline bool holds_by_fp(const struct tree_node *node, uintptr_t sp, uintptr_t fp, uintptr_t high,
			       struct run_end *end)
{
	const uint64_t *at = node->run, *lead = at + run_lead(node), *last = at + run_count(node);
	uintptr_t low = sp + node->quick.cfa * 8u, odd = 0;

	if (unlikely(low > high || high - low < 16))
		return false;
	for (; at < lead; at++) {
		if (arch_return_address(walk_load(sp + (*at >> RUN_PC_BITS) * 8u)) != run_pc(*at))
			return false;
	}
	for (high -= 16; at < last; at++) {
		if (unlikely(fp < low || fp > high) || arch_return_address(walk_load(fp + 8)) != *at)
			return false;
		odd |= fp;
		low = fp + 16;
		fp = walk_load(fp);
	}
	end->sp = low;
	end->fp = fp;
	return likely(odd % sizeof(fp) == 0);
}

/* Whether the stack has the run's return addresses. *end is for run_along(). */
static bool run_holds(const struct walk *w, const struct tree_node *node, struct run_end *end)
{
	if (node->quick.kind & RUN_BY_FP)
		return holds_by_fp(node, w->sp, w->fp, w->range.high, end);
	if (unlikely(w->sp + node->quick.cfa * 8u > w->range.high))
		return false;
	for (const uint64_t *at = node->run, *last = at + run_count(node); at < last; at++) {
		uint64_t step = *at;

		if (arch_return_address(walk_load(w->sp + (step >> RUN_PC_BITS) * 8u)) != run_pc(step))
			return false;
	}
	return true;
}

/* Moves the walk to the last frame of a run for which run_holds() was true. */
static inline void run_along(struct walk *w, const struct tree_node *node, const struct run_end *end)
{
	w->pc = run_pc(node->run[run_count(node) - 1]);
	if (node->quick.kind & RUN_BY_FP) {
		w->sp = end->sp;
		w->fp = end->fp;
		return;
	}
	if (node->quick.fp != QUICK_SAME)
		w->fp = walk_load(w->sp + node->quick.fp * 8u);
	w->sp += node->quick.cfa * 8u;
}

/* The slow path of a step along the tree: the step is not of KIND_QUICK, or it reads words of the stack that are
 * not known to be readable yet. */
static bool __attribute__((noinline)) step_slow(struct paths *p, struct walk *w,
						      const struct tree_node *node)
{
	uintptr_t base = quick_base(w, node), cfa = base + node->quick.cfa * 8u;
	bool done;

	if (rule_kind(node->rule) != KIND_QUICK)
		done = walk_step(w, node->rule);
	else	/* the base can be a frame pointer, which may have any value */
		done = base >= w->sp && cfa > base && base % sizeof(base) == 0 && stack_reaches(&w->range, cfa);
	if (done && rule_kind(node->rule) == KIND_QUICK)
		quick_step(w, node);
	p->range = w->range;
	return done;
}

/* A step by the frame record of code without unwind information. Returns false, with *w unchanged, if the record
 * does not lead to one of the node's children. */
static bool __attribute__((noinline)) step_by_record(struct paths *p, struct walk *w, uint32_t at)
{
	const struct tree_node *node = &p->nodes[at];
	struct walk from = *w;

	if (!walk_record_fits(w->sp, w->fp) || !stack_reaches(&w->range, w->fp + node->quick.cfa * 8u))
		return false;
	p->range = w->range;
	quick_step(w, node);
	if (find_child(p, at, w->pc))
		return true;
	*w = from;
	return false;
}

/* Records that a guess from this root has failed. Returns whether the stack shall be found the slow way, which
 * makes a new guess. */
static bool __attribute__((noinline)) guess_again(struct paths *p, struct root *r)
{
	if (r->successes) {
		int32_t balance = r->balance + 2 * r->successes;

		r->balance = (int16_t)(balance < 0 ? balance : 0);
		r->successes = r->failures = 0;
	}
	r->failures++;
	if (--r->balance <= -FAILURES_MAX) {	/* guesses from this root cost more than they save */
		r->probe[PROBES - 1] = 0;
		return false;
	}
	return ++p->guess_failures % GUESS_AGAIN == 0;
}

/* The stack was neither recognized nor walked, so that capture_stack() has to be called. */
static uint32_t give_up(struct paths *p)
{
	p->captured.count = 0;
	return 0;
}

static void append_run(struct captured *c, const struct tree_node *node)
{
	for (unsigned k = 0; k < run_count(node); k++)
		c->frames[c->count++] = run_pc(node->run[k]);
}

static void begin(struct paths *p, uintptr_t function, const struct walk *w)
{
	struct captured *c = &p->captured;

	p->sp = w->sp;
	p->fp = w->fp;
	p->at_limit = 0;
	p->tree_missed = true;
	c->known = 0;
	c->no_cfi_pc = 0;
	c->frames[0] = function;
	c->frames[1] = w->pc;
	c->count = 2;
}

/* Finds the stack by the tree or, if the tree does not know it, by the plain walk. failed: a guess was wrong. */
static HOT_CODE uint32_t __attribute__((noinline)) find_by_tree(struct paths *p, uintptr_t function, uintptr_t pc,
						       uintptr_t sp, uintptr_t fp, bool failed)
{
	struct captured *c = &p->captured;
	struct walk w = { .pc = pc, .sp = sp, .fp = fp }, slow;
	struct run_end end;
	struct root *root;
	unsigned n = 2, kind = KIND_UNKNOWN;
	uint32_t i = 0, value;

	begin(p, function, &w);
	if (unlikely(p->stamp != load_acquire(&rules_stamp)))
		forget(p, load_acquire(&rules_stamp));
	if (unlikely(w.sp % sizeof(w.sp) || !stack_enter(&p->range, w.sp)))
		return give_up(p);
	w.range = p->range;
	p->memo_hit = 0;
	root = find_root(p, w.pc, function);
	if (root && !(failed && guess_again(p, root)))
		i = root->node;
	for (; i; i = find_child(p, i, w.pc)) {
		const struct tree_node *node = &p->nodes[i];

		kind = rule_kind(node->rule);
		if (likely(kind == KIND_QUICK && quick_fits(&w, node))) {
			quick_step(&w, node);
			c->frames[n++] = w.pc;
			continue;
		}
		if (kind == KIND_RUN && !run_holds(&w, node, &end)) {
			i = 0;
			break;
		}
		if (kind == KIND_END || (kind == KIND_RUN && !(node->quick.kind & RUN_LIMITED))) {
			p->hits++;
			return node->end.value;
		}
		if (kind == KIND_LIMIT || kind == KIND_RUN)
			break;
		slow = w;	/* w itself stays in registers */
		if (kind == KIND_RECORD) {
			if (!step_by_record(p, &slow, i)) {
				i = 0;
				break;
			}
		} else if (!step_slow(p, &slow, node)) {
			return give_up(p);
		}
		w = slow;
		c->frames[n++] = w.pc;
	}
	c->count = n;
	slow = w;
	if (!i)
		return find_slow(p, &slow);
	if (kind == KIND_RUN) {
		append_run(c, &p->nodes[i]);
		run_along(&slow, &p->nodes[i], &end);
	}
	p->at_limit = i;
	value = find_at_limit(p, i, c->count, slow.pc, slow.sp, slow.fp, slow.range.high);
	if (likely(value)) {
		p->hits++;
		return value;
	}
	p->tree_missed = false;
	return find_slow(p, &slow);
}

/* As find_from_guess(), without its conditions. */
static uint32_t __attribute__((noinline)) find_from_guess_slow(struct paths *p, uintptr_t function, uintptr_t pc,
								 uintptr_t sp, uintptr_t fp, uint32_t held)
{
	struct walk w = { .pc = pc, .sp = sp, .fp = fp, .range = p->range };
	const struct tree_node *node = &p->nodes[held];
	uint32_t value;

	/* The memo may compare words outside of own_range. */
	if (unlikely(sp < w.range.low || w.range.high < p->own_range.high))
		return find_by_tree(p, function, pc, sp, fp, false);
	begin(p, function, &w);
	p->memo_hit = 0;
	run_along(&w, node, &p->end);
	value = find_at_limit(p, held, 2 + run_count(node), w.pc, w.sp, w.fp, w.range.high);
	if (likely(value)) {
		p->hits++;
		return value;
	}
	p->at_limit = held;
	p->tree_missed = false;
	append_run(&p->captured, node);
	return find_slow(p, &w);
}

/* Finds the stack whose prefix is a guessed run, `held`, of which all return addresses are on the stack (p->end is
 * its last frame if it goes by frame pointer). This is the fast path for the same suffix as the last time. */
static HOT_CODE uint32_t __attribute__((noinline)) find_from_guess(struct paths *p, uintptr_t function, uintptr_t pc,
							  uintptr_t sp, uintptr_t fp, uint32_t held)
{
	struct walk w = { .sp = sp, .fp = fp };
	const struct tree_node *node = &p->nodes[held];
	const struct memo_position *f;
	uintptr_t high = p->range.high;
	uint32_t found;

	run_along(&w, node, &p->end);
	found = memo_find(&p->memo, w.pc, w.sp, w.fp);
	f = &p->memo.positions[found];
	if (unlikely(!found || sp < p->range.low || high < f->high || high < p->own_range.high ||
		     f->suffix.node != node->end.outer || !node->end.value) ||
	    unlikely(!memo_holds_all(&p->memo, found, p->max - 1u - run_count(node))))
		return find_from_guess_slow(p, function, pc, sp, fp, held);
	p->hits++;
	return node->end.value;
}

/* Checks a guess that is a run of any kind. */
static HOT_CODE uint32_t __attribute__((noinline)) find_by_guess(struct paths *p, uintptr_t function, uintptr_t pc,
							uintptr_t sp, uintptr_t fp, uint32_t guessed)
{
	const struct tree_node *node = &p->nodes[guessed];
	bool holds;

	if (node->quick.kind & RUN_BY_FP)
		holds = holds_by_fp(node, sp, fp, p->own_range.high, &p->end);
	else
		holds = run_holds(&(struct walk){ .sp = sp, .fp = fp, .range = p->own_range }, node, &p->end);
	if (!holds)
		return find_by_tree(p, function, pc, sp, fp, true);
	if (node->quick.kind & RUN_LIMITED)
		return find_from_guess(p, function, pc, sp, fp, guessed);
	p->hits++;
	return node->end.value;
}

/* Whether the stack has the six return addresses of the longest run, which goes by the stack pointer only. */
static inline __attribute__((always_inline)) bool six_hold(uintptr_t sp, const struct tree_node *node)
{
	_Static_assert(RUN_MAX == 6, "as many steps");
#define HOLDS(i)	(arch_return_address(walk_load(sp + run_offset(node, i))) == run_pc(node->run[i]))
	return likely(HOLDS(0) && HOLDS(1) && HOLDS(2) && HOLDS(3) && HOLDS(4) && HOLDS(5));
#undef HOLDS
}

/* The fast path: a guess that is right, on the thread's own stack. Nearly every call ends here. Every other case
 * is a tail call, so that this function need not save any register. */
HOT_CODE uint32_t paths_find(struct paths *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	const struct tree_node *node;
	struct root *root;
	uintptr_t room;
	uint32_t guessed, last;

	if (unlikely(p->stamp != load_acquire(&rules_stamp)))
		return find_by_tree(p, function, pc, sp, fp, false);
	room = p->own_range.high - sp;
	if (unlikely(room - 1 >= p->own_range_bytes))
		return find_by_tree(p, function, pc, sp, fp, false);
	root = root_slot(p, pc, function, 0);
	__asm__("" : "+r"(root));	/* without this, GCC 12 computes the address twice */
	if (unlikely(root->pc != pc || root->function != function)) {
		root++;
		if (root->pc != pc || root->function != function)
			return find_by_tree(p, function, pc, sp, fp, false);
	}
	last = root->probe[PROBES - 1];
	if (unlikely(!last || last + 8 > room))
		return find_by_tree(p, function, pc, sp, fp, false);
	guessed = *guess_slot(p, root->node, root->probe, sp);
	node = &p->nodes[guessed];
	if (unlikely(node->quick.ra != root->node))
		return find_by_tree(p, function, pc, sp, fp, true);
	root->successes++;
	if ((node->quick.kind & (7u << RUN_COUNT_SHIFT | RUN_BY_FP)) != RUN_MAX << RUN_COUNT_SHIFT)
		return find_by_guess(p, function, pc, sp, fp, guessed);
	if (unlikely(node->quick.cfa * 8u > room || !six_hold(sp, node)))
		return find_by_tree(p, function, pc, sp, fp, true);
	if (node->quick.kind & RUN_LIMITED)
		return find_from_guess(p, function, pc, sp, fp, guessed);
	p->hits++;
	return node->end.value;
}

struct captured *paths_captured(struct paths *p)
{
	return &p->captured;
}

struct capture_point paths_point(const struct paths *p, uintptr_t *function)
{
	*function = p->captured.frames[0];
	return (struct capture_point){ p->captured.frames[1], p->sp, p->fp };
}

#else

struct paths *paths_create(unsigned nodes_log2, unsigned max)
{
	(void)nodes_log2;
	(void)max;
	return NULL;
}

uint32_t paths_find(struct paths *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	(void)p;
	(void)function;
	(void)pc;
	(void)sp;
	(void)fp;
	return 0;
}

struct captured *paths_captured(struct paths *p)
{
	(void)p;
	return NULL;
}

struct capture_point paths_point(const struct paths *p, uintptr_t *function)
{
	(void)p;
	*function = 0;
	return (struct capture_point){ .pc = 0 };
}

void paths_forget(struct paths *p)
{
	(void)p;
}

void paths_begin(struct paths *p, uintptr_t own_top)
{
	(void)p;
	(void)own_top;
}

#endif
