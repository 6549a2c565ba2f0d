/* SPDX-License-Identifier: GPL-2.0-only */
/* See paths.h. */
#include "paths.h"

#include "arch.h"
#include "base/arena.h"

#include <string.h>

#ifdef ARCH_DWARF_FP

#include "walk.h"

#define PATHS_LEVELS	7	/* of the tree, when stacks are deeper than... */
#define PATHS_ALL	15	/* ...this */
#define ROOTS		1024u
#define ROOT_TRIES	4u
#define PAIRS		4096u
#define GUESSES		4096u
#define PROBES		3
#define GUESS_AGAIN	64u	/* one of so many failures makes a new guess */
#define FAILURES_MAX	1000u	/* in a row: this root is not guessed any more */
#define CHILDREN	4
#define WIDE		8192u	/* children of nodes that have more */
#define WIDE_TRIES	4u
#define PROMOTED	32u	/* one of so many that are found there moves into the node */
#define WINDOW		1024u	/* captures after which hits and misses are compared */
#define SPARE		16u	/* with few hits, one of so many misses is learnt */

/*
 * Kinds of rules that only the tree has, by the numbers of kinds that it never has:
 *
 *	QUICK	one of KIND_SP with all offsets counted from the stack pointer, checked when the
 *		node is made
 *	RUN	several such steps to the end or the limit, with nothing branching off
 *	LIMIT	the deepest level: the stack goes on
 */
#define KIND_QUICK	KIND_UNKNOWN
#define KIND_RUN	KIND_SIGNAL
#define KIND_LIMIT	KIND_LEAF

#define QUICK_SAME	0xffffu		/* the frame pointer is not saved */
#define RUN_MAX		6
#define RUN_COUNT_SHIFT	KIND_BITS
#define RUN_LIMITED	0x100u		/* it leads to the limit */
#define RUN_PC_BITS	48

/* One cache line. Offsets are from the stack pointer and in units of 8 bytes. */
struct path {
	union {
		uint64_t rule;
		struct {
			uint16_t kind;		/* its lower bits; a run's count and flag */
			uint16_t cfa;		/* of a run: its last frame's stack pointer */
			uint16_t ra;
			uint16_t fp;		/* or QUICK_SAME */
		} quick;
	};
	union {
		struct {			/* end, limit, run */
			uint32_t value;
			uint32_t outer;		/* with this mark's node for what lies outward */
		} end;
		uint32_t wide;			/* all children are in paths.wide, some here too */
	};
	union {
		struct {
			uint64_t pc[CHILDREN];	/* of the children; 0: none */
			uint32_t child[CHILDREN];
		};
		uint64_t run[RUN_MAX];		/* where the return address is, 16 bits, and what */
	};
};
_Static_assert(sizeof(struct path) == 64, "a path is one cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the kind is in a rule's first bytes");

struct root {
	uintptr_t pc, function;
	uint32_t node;
	uint16_t probe[PROBES];	/* see struct guess; the last is the largest, 0: none */
	uint16_t failures;	/* of guesses in a row */
};

/*
 * A whole path, guessed: the words at a few places of the stack, where some stack from this root
 * had its next return addresses, name a run. Whether that is the path, its own return addresses
 * tell. It spares the walk along branches that cannot be foreseen.
 */
struct guess {
	const struct root *root;
	uint32_t node;
};

struct child {
	uint64_t pc;
	uint32_t parent, node;
};

/* At the limit: the tree's node, and the mark's node -> value. */
struct pair {
	uint32_t path, outer, value;
};

/* A position in the memo, and how many of memo_loads a walk from there makes. */
struct memo_frame {
	uintptr_t sp, fp, pc;
	struct mark mark;
	uint32_t loads;
	bool fp_matters;	/* a rule from here outward uses it before it is loaded anew */
};

struct memo_load {
	uintptr_t address, value;
};

/* A position that was walked the plain way. */
struct step {
	uintptr_t sp, fp, pc;
	uint64_t rule;
};

struct paths {
	uint64_t stamp;
	struct stack_range range;
	uintptr_t sp;			/* where the last walk began */
	struct path *nodes;
	uint32_t used, limit;		/* nodes; 0 is none */
	uint32_t hits, misses, spared;	/* in this window */
	uint32_t wide_hits, guess_failures;
	bool poor;			/* the last window had few hits */

	/* Of the last paths_find(), for paths_learn(). */
	uint32_t at_limit;		/* the tree's node there, or 0 */
	uint16_t first_step, step_count;	/* frame of steps[0] */
	uint16_t levels;		/* frames that may become nodes of the tree */
	uint16_t max;
	bool whole;			/* the stack was walked to its end on one stack */
	bool miss;			/* the tree did not know it */
	int synced;			/* the memo's frame where it took over, or -1 */

	/* Outermost frame first. */
	unsigned memo_count, memo_at;
	uintptr_t memo_high;		/* above all loads */
	struct memo_frame memo[CAPTURE_MAX];
	struct memo_load loads[3 * CAPTURE_MAX];

	struct step steps[CAPTURE_MAX];
	struct captured captured;
	struct root roots[ROOTS];
	struct child wide[WIDE];
	struct guess guesses[GUESSES];
	struct pair pairs[PAIRS];
};

struct paths *paths_create(unsigned nodes_log2)
{
	struct paths *p;

	if (!rules_cache)
		return NULL;
	p = arena_map(sizeof(*p) + sizeof(*p->nodes) + (sizeof(*p->nodes) << nodes_log2));
	if (!p)
		return NULL;
	p->nodes = (struct path *)(((uintptr_t)(p + 1) + 63) & ~(uintptr_t)63);
	p->limit = 1u << nodes_log2;
	p->used = 1;
	p->stamp = load_relaxed(&rules_stamp);
	return p;
}

static void clear_tree(struct paths *p)
{
	memset(p->roots, 0, sizeof(p->roots));
	memset(p->wide, 0, sizeof(p->wide));
	memset(p->guesses, 0, sizeof(p->guesses));
	memset(p->pairs, 0, sizeof(p->pairs));
	p->used = 1;
}

void paths_forget(struct paths *p)
{
	p->stamp = ~load_relaxed(&rules_stamp);
}

static void __attribute__((noinline)) forget(struct paths *p, uint64_t stamp)
{
	clear_tree(p);
	p->memo_count = 0;
	p->range = (struct stack_range){ 0, 0 };
	p->stamp = stamp;
}

static inline struct root *root_slot(struct paths *p, uintptr_t pc, uintptr_t function, unsigned try)
{
	uint64_t h = (pc ^ function << 20) * 0x9e3779b97f4a7c15u;

	return &p->roots[((h >> 40) + try) % ROOTS];
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

static inline struct child *wide_slot(struct paths *p, uint32_t parent, uintptr_t pc, unsigned try)
{
	uint64_t h = (pc ^ (uint64_t)parent << 32) * 0x9e3779b97f4a7c15u;

	return &p->wide[((h >> 40) + try) % WIDE];
}

/* What is asked for often moves to where it is found at once. */
static uint32_t __attribute__((noinline)) find_wide(struct paths *p, uint32_t parent, uintptr_t pc)
{
	struct path *node = &p->nodes[parent];

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

static inline uint32_t find_child(struct paths *p, uint32_t parent, uintptr_t pc)
{
	const struct path *node = &p->nodes[parent];

	/* Not a loop: each branch is to have its own prediction. */
	_Static_assert(CHILDREN == 4, "as many lines");
	if (node->pc[0] == pc)
		return node->child[0];
	if (node->pc[1] == pc)
		return node->child[1];
	if (node->pc[2] == pc)
		return node->child[2];
	if (node->pc[3] == pc)
		return node->child[3];
	return unlikely(node->wide) ? find_wide(p, parent, pc) : 0;
}

static inline struct pair *pair_slot(struct paths *p, uint32_t path, uint32_t outer)
{
	uint32_t h = (path * 0x9e3779b1u ^ outer) * 0x85ebca6bu;

	return &p->pairs[(h >> 12) % PAIRS];
}

/* The frame of the memo at which the walk stands, or -1; frames from `below` on are not asked. */
static inline int memo_find(struct paths *p, const struct walk *w, unsigned below)
{
	unsigned i = p->memo_at;

	if (!below)
		return -1;
	if (i >= below)
		i = below - 1;
	while (i + 1 < below && p->memo[i].sp > w->sp)
		i++;
	while (i > 0 && p->memo[i].sp < w->sp)
		i--;
	p->memo_at = i;
	if (p->memo[i].sp != w->sp || p->memo[i].pc != w->pc ||
	    (p->memo[i].fp_matters && p->memo[i].fp != w->fp))
		return -1;
	return (int)i;
}

/* Whether a walk from the memo's frame reads what it read then. If not, *below gets the frame
 * from which on inward it does not. */
static inline bool memo_holds(const struct paths *p, const struct walk *w, unsigned frame,
			      unsigned *below)
{
	const struct memo_load *first = p->loads, *l = first + p->memo[frame].loads;

	if (unlikely(w->range.high < p->memo_high)) {
		*below = 0;	/* the memo's stack was larger than what is known of this one */
		return false;
	}
	do {
		if (l == first)
			return true;
		l--;
	} while (likely(*(const uintptr_t *)l->address == l->value));
	while (frame > 0 && p->memo[frame - 1].loads > l - first)
		frame--;
	*below = frame;
	return false;
}

/* The plain walk from w on, with an eye on the memo. False: given up. */
static bool walk_on(struct paths *p, struct walk *w, unsigned max)
{
	struct captured *c = &p->captured;
	unsigned below = p->memo_count, n = c->count;

	/* Here frames[n - 1] is w's. */
	if (unlikely(!w->pc)) {		/* the tree came to an end that names no caller */
		c->count = n - 1;
		p->whole = false;	/* it has not noted the steps */
		return true;
	}
	for (;;) {
		uint64_t rule;
		int found = w->exact ? -1 : memo_find(p, w, below);

		if (found >= 0 && n + (unsigned)found <= max + 1 &&
		    memo_holds(p, w, (unsigned)found, &below)) {
			p->synced = found;
			break;
		}
		if (n == max + 1) {
			p->whole = false;
			break;
		}
		rule = rules_find(w->pc | (w->exact ? EXACT : 0), p->stamp);
		p->steps[p->step_count++] = (struct step){ w->sp, w->fp, w->pc, rule };
		switch (rule_kind(rule)) {
		case KIND_SP:
		case KIND_FP:
		case KIND_DEREF:
			if (unlikely(!walk_step(w, rule)))
				return false;
			break;
		case KIND_SIGNAL:
			p->whole = false;
			if (p->levels > n - 1)
				p->levels = (uint16_t)(n - 1);
			p->range = w->range;	/* what follows may be another stack */
			if (!walk_signal(w))
				return false;
			break;
		case KIND_LEAF:
			if (!ARCH_LINK_REGISTER || !walk_leaf(w, rule))
				return false;
			break;
		case KIND_END:
			c->count = n;
			return true;
		default:
			return false;
		}
		if (!w->pc)
			break;
		c->frames[n++] = w->pc;
	}
	c->count = n;
	return true;
}

static inline unsigned tree_levels(unsigned max)
{
	return max <= PATHS_ALL ? max : PATHS_LEVELS;
}

/* The outer frames that the memo knows, after count - 1 others. */
static void add_known(struct paths *p)
{
	struct captured *c = &p->captured;
	unsigned at = c->count - 1;

	for (int i = p->synced; i >= 0; i--, at++) {
		c->frames[at] = p->memo[i].pc;
		c->marks[at] = p->memo[i].mark;
	}
	c->count = at;
	c->known = (unsigned)p->synced + 1;
}

static uint32_t __attribute__((noinline)) find_slowly(struct paths *p, struct walk *w, unsigned max,
						       struct captured **out)
{
	struct captured *c = &p->captured;

	*out = c;
	p->max = (uint16_t)max;
	p->levels = (uint16_t)tree_levels(max);
	p->step_count = 0;
	p->whole = true;
	p->first_step = (uint16_t)(c->count - 1);
	if (p->synced < 0 && !walk_on(p, w, max)) {
		p->range = w->range;
		c->count = 0;
		return 0;
	}
	p->range = w->range;
	if (p->synced >= 0)
		add_known(p);
	return 0;
}

/*
 * The value of the stack whose inner part is this node of the tree and whose outer part the
 * memo knows; 0: not known. frames: how many have been walked, with the function.
 */
static inline uint32_t find_at_limit(struct paths *p, const struct walk *w, uint32_t at, unsigned frames,
				     unsigned max)
{
	struct path *node = &p->nodes[at];
	unsigned below = p->memo_count;
	int found = memo_find(p, w, below);
	uint32_t outer;
	struct pair *pair;

	if (found < 0 || frames + (unsigned)found > max + 1 || !memo_holds(p, w, (unsigned)found, &below))
		return 0;
	p->synced = found;
	outer = p->memo[found].mark.node;
	if (likely(node->end.outer == outer))
		return node->end.value;
	pair = pair_slot(p, at, outer);
	if (pair->path != at || pair->outer != outer)
		return 0;
	node->end.outer = outer;
	node->end.value = pair->value;
	return pair->value;
}

static inline void quick_step(struct walk *w, const struct path *node)
{
	if (node->quick.fp != QUICK_SAME)
		w->fp = walk_load(w->sp + node->quick.fp * 8u);
	w->pc = arch_return_address(walk_load(w->sp + node->quick.ra * 8u));
	w->sp += node->quick.cfa * 8u;
}

static inline unsigned run_count(const struct path *node)
{
	return node->quick.kind >> RUN_COUNT_SHIFT & 7u;
}

static inline uintptr_t run_pc(uint64_t step)
{
	return (uintptr_t)(step & (((uint64_t)1 << RUN_PC_BITS) - 1));
}

/* Whether the stack has the run's return addresses. */
static inline bool run_holds(const struct walk *w, const struct path *node)
{
	unsigned count = run_count(node);

	if (unlikely(w->sp + node->quick.cfa * 8u > w->range.high))
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint64_t step = node->run[i];

		if (arch_return_address(walk_load(w->sp + (step >> RUN_PC_BITS) * 8u)) != run_pc(step))
			return false;
	}
	return true;
}

/* To the run's last frame. */
static inline void run_along(struct walk *w, const struct path *node)
{
	if (node->quick.fp != QUICK_SAME)
		w->fp = walk_load(w->sp + node->quick.fp * 8u);
	w->pc = run_pc(node->run[run_count(node) - 1]);
	w->sp += node->quick.cfa * 8u;
}

/* Where a path from this root is noted, by what the stack at sp has at the probes. */
static inline struct guess *guess_slot(struct paths *p, const struct root *r, uintptr_t sp)
{
	uint64_t h = walk_load(sp + r->probe[0] * 8u) * 0x9e3779b97f4a7c15u;

	h ^= walk_load(sp + r->probe[1] * 8u) * 0xc2b2ae3d27d4eb4fu;
	h ^= walk_load(sp + r->probe[2] * 8u) * 0x165667b19e3779f9u;
	return &p->guesses[((h >> 32) ^ (uintptr_t)r >> 3) % GUESSES];
}

static inline bool can_guess(const struct root *r, const struct walk *w)
{
	return r->probe[PROBES - 1] && w->sp + r->probe[PROBES - 1] * 8u + 8 <= w->range.high;
}

/* A step that is not quick, or that needs more of the stack than is known. */
static bool __attribute__((noinline)) step_otherwise(struct paths *p, struct walk *w,
						      const struct path *node)
{
	bool done;

	if (rule_kind(node->rule) != KIND_QUICK)
		done = walk_step(w, node->rule);
	else if ((done = stack_reaches(&w->range, w->sp + node->quick.cfa * 8u)))
		quick_step(w, node);
	p->range = w->range;
	return done;
}

/* After a guess that failed: whether to find the stack the slow way, which makes a new one. */
static bool __attribute__((noinline)) guess_again(struct paths *p, struct root *r)
{
	if (++r->failures >= FAILURES_MAX) {
		r->probe[PROBES - 1] = 0;
		return false;
	}
	return ++p->guess_failures % GUESS_AGAIN == 0;
}

/* Neither recognized nor walked: somebody else has to find the stack. */
static uint32_t give_up(struct paths *p, struct captured **out)
{
	p->captured.count = 0;
	*out = &p->captured;
	return 0;
}

uint32_t paths_find(struct paths *p, uintptr_t function, const struct capture_point *at,
		    unsigned max, struct captured **out)
{
	struct captured *c = &p->captured;
	uint64_t stamp = load_acquire(&rules_stamp);
	struct walk w = { .pc = at->pc, .sp = at->sp, .fp = at->fp, .range = p->range }, slow;
	struct root *root;
	unsigned n = 2;
	uint32_t i;

	if (unlikely(p->stamp != stamp))
		forget(p, stamp);
	if (unlikely(w.sp - w.range.low >= w.range.high - w.range.low || w.sp % sizeof(w.sp))) {
		if (w.sp % sizeof(w.sp) || !stack_enter(&p->range, w.sp))
			return give_up(p, out);
		w.range = p->range;
	}
	p->sp = w.sp;
	p->at_limit = 0;
	p->miss = true;
	p->synced = -1;
	c->known = 0;
	c->frames[0] = function;
	c->frames[1] = w.pc;
	root = find_root(p, w.pc, function);
	i = 0;
	if (likely(root != NULL)) {
		i = root->node;
		if (can_guess(root, &w)) {
			const struct guess *g = guess_slot(p, root, w.sp);

			if (likely(g->root == root && run_holds(&w, &p->nodes[g->node]))) {
				root->failures = 0;
				i = g->node;
			} else if (unlikely(guess_again(p, root))) {
				i = 0;
			}
		}
	}
	for (; i; i = find_child(p, i, w.pc)) {
		const struct path *node = &p->nodes[i];
		unsigned kind = rule_kind(node->rule);

		if (kind == KIND_RUN) {
			unsigned count = run_count(node);
			uint32_t value;

			if (!run_holds(&w, node))
				break;
			if (!(node->quick.kind & RUN_LIMITED)) {
				p->hits++;
				return node->end.value;
			}
			run_along(&w, node);
			value = find_at_limit(p, &w, i, n + count, max);
			if (likely(value)) {
				p->hits++;
				return value;
			}
			for (unsigned k = 0; k < count; k++)
				c->frames[n++] = run_pc(node->run[k]);
			p->miss = false;
			p->at_limit = i;
			break;
		}
		if (likely(kind == KIND_QUICK && w.sp + node->quick.cfa * 8u <= w.range.high)) {
			quick_step(&w, node);
		} else if (kind == KIND_END) {
			p->hits++;
			return node->end.value;
		} else if (kind == KIND_LIMIT) {
			uint32_t value = find_at_limit(p, &w, i, n, max);

			if (likely(value)) {
				p->hits++;
				return value;
			}
			p->miss = false;
			p->at_limit = i;
			break;
		} else {
			slow = w;	/* w itself stays in registers */
			if (!step_otherwise(p, &slow, node))
				return give_up(p, out);
			w = slow;
		}
		c->frames[n++] = w.pc;
	}
	c->count = n;
	slow = w;
	return find_slowly(p, &slow, max, out);
}

/* ---- Learning ---- */

static bool uses_fp(uint64_t rule)
{
	return rule_kind(rule) != KIND_SP || rule_fp_kind(rule) == FP_AT_FP;
}

/* Adds the position s, whose caller is `outer` (NULL: it is the outermost). */
static void memo_push(struct paths *p, const struct step *s, const struct mark *mark)
{
	const struct memo_frame *outer = p->memo_count ? &p->memo[p->memo_count - 1] : NULL;
	struct memo_frame *f = &p->memo[p->memo_count];
	uint32_t n = outer ? outer->loads : 0;

	*f = (struct memo_frame){ .sp = s->sp, .fp = s->fp, .pc = s->pc, .mark = *mark };
	if (rule_kind(s->rule) != KIND_END && outer) {
		uintptr_t cfa = outer->sp, at;
		unsigned fp_kind = rule_fp_kind(s->rule);

		/* The last in this list is read first. */
		at = cfa + (uintptr_t)rule_field(s->rule, OFFSET_BITS, RA_SHIFT);
		p->loads[n++] = (struct memo_load){ at, walk_load(at) };
		if (fp_kind != FP_SAME && outer->fp_matters) {
			at = (fp_kind == FP_AT_CFA ? cfa : s->fp) +
			     (uintptr_t)rule_field(s->rule, OFFSET_BITS, FP_SHIFT);
			p->loads[n++] = (struct memo_load){ at, walk_load(at) };
		}
		if (rule_kind(s->rule) == KIND_DEREF) {
			at = s->fp + (uintptr_t)rule_field(s->rule, CFA_BITS, CFA_SHIFT);
			p->loads[n++] = (struct memo_load){ at, walk_load(at) };
		}
		f->fp_matters = uses_fp(s->rule) || (fp_kind == FP_SAME && outer->fp_matters);
	}
	f->loads = n;
	for (uint32_t i = outer ? outer->loads : 0; i < n; i++) {
		if (p->loads[i].address + sizeof(uintptr_t) > p->memo_high)
			p->memo_high = p->loads[i].address + sizeof(uintptr_t);
	}
	p->memo_count++;
}

/* The plain steps become the memo's inner part, on what of it was found to hold. */
static void learn_memo(struct paths *p)
{
	const struct captured *c = &p->captured;

	if (!p->whole || !p->step_count)
		return;
	p->memo_count = (unsigned)(p->synced + 1);
	if (!p->memo_count) {
		p->memo_high = 0;
		/* A stack that ends because no caller is named has no position to start with. */
		if (rule_kind(p->steps[p->step_count - 1].rule) != KIND_END)
			return;
	}
	for (unsigned i = p->step_count; i-- > 0; )
		memo_push(p, &p->steps[i], &c->marks[p->first_step + i]);
}

static uint32_t new_node(struct paths *p, uint64_t rule)
{
	struct path *node;

	if (p->used >= p->limit)
		return 0;
	node = &p->nodes[p->used];
	*node = (struct path){ .rule = rule };
	return p->used++;
}

/* The same rule for the tree. */
static uint64_t quicken(uint64_t rule)
{
	int64_t cfa = rule_field(rule, CFA_BITS, CFA_SHIFT);
	int64_t ra = cfa + rule_field(rule, OFFSET_BITS, RA_SHIFT);
	int64_t fp = cfa + rule_field(rule, OFFSET_BITS, FP_SHIFT);
	bool same = rule_fp_kind(rule) == FP_SAME;

	if (rule_kind(rule) != KIND_SP || rule_fp_kind(rule) == FP_AT_FP || cfa <= 0 ||
	    cfa / 8 > 0xffff || ra < 0 || ra >= cfa || (!same && (fp < 0 || fp >= cfa)))
		return rule;
	return KIND_QUICK | (uint64_t)(cfa / 8) << 16 | (uint64_t)(ra / 8) << 32 |
	       (same ? (uint64_t)QUICK_SAME : (uint64_t)(fp / 8)) << 48;
}

/* The rule of frame i of the captured stack, for the tree. */
static uint64_t rule_for(struct paths *p, unsigned i)
{
	uint64_t rule = rules_find(p->captured.frames[i], p->stamp);
	unsigned kind = rule_kind(rule);

	if (i == p->max || kind == KIND_END)
		return KIND_END;	/* at the depth nothing further is asked for */
	if (i == p->levels || kind >= KIND_SIGNAL || kind == KIND_UNKNOWN)
		return KIND_LIMIT;
	return quicken(rule);
}

/* Makes *node the run from frame i of the captured stack; false: it cannot be one. */
static bool make_run(struct paths *p, unsigned i, struct path *node)
{
	const struct captured *c = &p->captured;
	unsigned last = c->count - 1 < p->levels ? c->count - 1 : p->levels;
	uint32_t sp = 0, fp = QUICK_SAME;
	uint64_t rule;

	if (last <= i || last - i > RUN_MAX)
		return false;
	*node = (struct path){ .rule = 0 };
	for (unsigned k = i; k < last; k++) {
		struct path step = { .rule = rule_for(p, k) };
		uint32_t ra = sp + step.quick.ra;

		if (rule_kind(step.rule) != KIND_QUICK || ra > UINT16_MAX || c->frames[k + 1] >> RUN_PC_BITS)
			return false;
		node->run[k - i] = (uint64_t)ra << RUN_PC_BITS | c->frames[k + 1];
		if (step.quick.fp != QUICK_SAME)
			fp = sp + step.quick.fp;
		sp += step.quick.cfa;
	}
	rule = rule_for(p, last);
	if (sp > UINT16_MAX || (rule != KIND_END && rule != KIND_LIMIT))
		return false;
	node->quick.kind = (uint16_t)(KIND_RUN | (last - i) << RUN_COUNT_SHIFT |
				      (rule == KIND_LIMIT ? RUN_LIMITED : 0));
	node->quick.cfa = (uint16_t)sp;
	node->quick.fp = (uint16_t)fp;
	return true;
}

/* The node for frame i of the captured stack, with all that follows if that can be a run. */
static uint32_t make_node(struct paths *p, unsigned i)
{
	struct path run;
	uint32_t made;

	if (!make_run(p, i, &run))
		return new_node(p, rule_for(p, i));
	made = new_node(p, 0);
	if (made)
		p->nodes[made] = run;
	return made;
}

/* Whether the captured stack goes on from frame i as the run does. */
static bool run_goes(const struct paths *p, const struct path *node, unsigned i)
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

/* A run, at frame i, becomes a single step, and a node for the rest of it. */
static bool split_run(struct paths *p, uint32_t at, unsigned i)
{
	struct path run = p->nodes[at], first = { .rule = rule_for(p, i) };
	unsigned count = run_count(&run);
	uint32_t rest;
	struct path *node;

	if (rule_kind(first.rule) != KIND_QUICK)
		return false;
	rest = new_node(p, run.quick.kind & RUN_LIMITED ? KIND_LIMIT : KIND_END);
	if (!rest)
		return false;
	node = &p->nodes[rest];
	if (count > 1) {
		node->quick.kind = (uint16_t)(KIND_RUN | (count - 1) << RUN_COUNT_SHIFT |
					      (run.quick.kind & RUN_LIMITED));
		node->quick.cfa = run.quick.cfa - first.quick.cfa;
		/* Saved in the first frame, it is the first step's. */
		if (run.quick.fp == QUICK_SAME || run.quick.fp < first.quick.cfa)
			node->quick.fp = QUICK_SAME;
		else
			node->quick.fp = run.quick.fp - first.quick.cfa;
		for (unsigned k = 1; k < count; k++)
			node->run[k - 1] = run.run[k] - ((uint64_t)first.quick.cfa << RUN_PC_BITS);
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
			*r = (struct root){ .pc = c->frames[1], .function = c->frames[0], .node = made };
			return r;
		}
		if (r->pc == c->frames[1] && r->function == c->frames[0])
			return r;
	}
	return NULL;
}

/* Notes the whole path where the next guess will look for it. */
static void learn_guess(struct paths *p, struct root *r, uint32_t value)
{
	const struct captured *c = &p->captured;
	struct path run;
	struct guess *g;
	uint32_t made;

	if (!make_run(p, 1, &run) || run_count(&run) < PROBES || run.quick.cfa * 8u + p->sp > p->range.high)
		return;
	if (!r->probe[PROBES - 1] || r->failures % GUESS_AGAIN == GUESS_AGAIN - 1) {
		if (r->failures >= FAILURES_MAX)
			return;
		for (unsigned i = 0; i < PROBES; i++)
			r->probe[i] = (uint16_t)(run.run[i] >> RUN_PC_BITS);
	}
	if (p->sp + r->probe[PROBES - 1] * 8u + 8 > p->range.high)
		return;
	g = guess_slot(p, r, p->sp);
	made = new_node(p, 0);	/* not the one there: pairs are named by nodes */
	if (!made)
		return;
	run.end.value = value;
	run.end.outer = c->marks[1 + run_count(&run)].node;
	p->nodes[made] = run;
	*g = (struct guess){ r, made };
}

static bool add_wide(struct paths *p, uint32_t parent, uintptr_t pc, uint32_t node)
{
	for (unsigned i = 0; i < WIDE_TRIES; i++) {
		struct child *c = wide_slot(p, parent, pc, i);

		if (!c->node) {
			*c = (struct child){ pc, parent, node };
			return true;
		}
	}
	return false;
}

static uint32_t child_for(struct paths *p, uint32_t parent, unsigned i)
{
	uintptr_t pc = p->captured.frames[i];
	struct path *node = &p->nodes[parent];
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
				return;		/* no caller is named: see walk_on() */
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
	p->nodes[node].end.outer = c->marks[i].node;
}

/* With few hits the tree is only trouble: then little is learnt, and a full one is emptied. */
static bool worth_learning(struct paths *p)
{
	p->misses++;
	if (p->hits + p->misses >= WINDOW) {
		p->poor = p->hits < p->misses;
		p->hits = p->misses = 0;
	}
	if (p->poor && ++p->spared % SPARE)
		return false;
	if (p->used >= p->limit) {
		if (!p->poor)
			return false;
		clear_tree(p);
	}
	return true;
}

void paths_learn(struct paths *p, uint32_t value)
{
	const struct captured *c = &p->captured;

	learn_memo(p);
	if (p->at_limit && p->whole) {
		uint32_t outer = c->marks[p->first_step].node;

		*pair_slot(p, p->at_limit, outer) = (struct pair){ p->at_limit, outer, value };
		p->nodes[p->at_limit].end.outer = outer;
		p->nodes[p->at_limit].end.value = value;
	} else if (p->miss && worth_learning(p)) {
		learn_tree(p, value);
	}
}

#else

struct paths *paths_create(unsigned nodes_log2)
{
	(void)nodes_log2;
	return NULL;
}

uint32_t paths_find(struct paths *p, uintptr_t function, const struct capture_point *at,
		    unsigned max, struct captured **c)
{
	(void)p;
	(void)function;
	(void)at;
	(void)max;
	(void)c;
	return 0;
}

void paths_learn(struct paths *p, uint32_t value)
{
	(void)p;
	(void)value;
}

void paths_forget(struct paths *p)
{
	(void)p;
}

#endif
