/* SPDX-License-Identifier: GPL-2.0-only */
/* What a thread's memory of stacks consists of: for paths.c, which looks, and learn.c, which adds. */
#ifndef CAPTURE_TREE_H
#define CAPTURE_TREE_H

#include "memo.h"
#include "paths.h"

#include <string.h>

#define PATHS_LEVELS	7	/* of the tree */
#define ROOTS_LOG2	10
#define ROOTS		(1u << ROOTS_LOG2)
#define ROOT_TRIES	4u
#define PAIRS		16384u
#define GUESSES_LOG2	15
#define GUESSES		(1u << GUESSES_LOG2)
#define INNER_TAGS		4096u
#define PROBES		3
#define OWN_BYTES	((uintptr_t)1 << 20)	/* so far below paths.own_top lies the thread's own stack */
#define GUESS_AGAIN	64u	/* one of so many failures makes a new guess */
#define FAILURES_MAX	1000	/* more than twice the successes: this root is not guessed any more */
#define CHILDREN	4
#define WIDE		8192u	/* children of nodes that have more */
#define WIDE_TRIES	4u
#define PROMOTED	32u	/* one of so many that are found there moves into the node */
#define TREE_CHUNKS	128u
#define TREE_CHUNK_BYTES ((uintptr_t)4096)	/* the smallest page; chunks begin where pages do */
#define WINDOW		1024u	/* captures after which hits and misses are compared */
#define SKIP_RATIO		16u	/* with few hits, one of so many misses is learnt */

/*
 * Kinds of rules that only the tree has, by the numbers of kinds that it never has:
 *
 *	QUICK	one of KIND_SP or KIND_FP with all offsets counted from that register, checked when
 *		the node is made
 *	RUN	several such steps to the end or the limit, with nothing branching off: of KIND_SP;
 *		or of KIND_SP that leave the frame pointer, if any, and then of KIND_FP, each with the
 *		usual frame of two words (RUN_BY_FP)
 *	RECORD	a step by the frame record of code without unwind information, with the fields of QUICK.
 *		That it leads to one of the children has been proven; for other return addresses it has
 *		to be proven anew
 *	LIMIT	the deepest level: the stack goes on
 */
#define KIND_QUICK	KIND_UNKNOWN
#define KIND_RUN	KIND_SIGNAL
#define KIND_LIMIT	KIND_LEAF
#define KIND_RECORD	KIND_GIVE_UP

#define QUICK_SAME	0xffffu		/* the frame pointer is not saved */
#define QUICK_BY_FP	0x100u		/* of KIND_FP */
#define RUN_MAX		6
#define RUN_COUNT_SHIFT	KIND_BITS
#define RUN_LIMITED	0x100u		/* it leads to the limit */
#define RUN_BY_FP	0x200u
#define RUN_LEAD_SHIFT	10		/* the steps of KIND_SP before those of KIND_FP */
#define RUN_PC_BITS	48

/* One cache line. Offsets are in units of 8 bytes, from the stack pointer (or QUICK_BY_FP). */
struct tree_node {
	union {
		uint64_t rule;
		struct {
			uint16_t kind;		/* its lower bits; flags, a run's count */
			uint16_t cfa;		/* of a run: its last frame's stack pointer; its lead's */
			uint16_t ra;		/* of a guessed run: where it was guessed */
			uint16_t fp;		/* or QUICK_SAME */
		} quick;
	};
	union {
		struct {			/* end, limit, run */
			uint32_t value;
			uint32_t outer;		/* with this suffix's node for what lies outward */
		} end;
		uint32_t wide;			/* all children are in paths.wide, some here too */
	};
	union {
		struct {
			uint64_t pc[CHILDREN];	/* of the children; 0: none */
			uint32_t child[CHILDREN];
		};
		uint64_t run[RUN_MAX];		/* where the return address is, 16 bits, and what; of
						 * steps of KIND_FP only what */
	};
};
_Static_assert(sizeof(struct tree_node) == 64, "a path is one cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the kind is in a rule's first bytes");

struct root {
	uintptr_t pc, function;
	uint32_t node;
	uint16_t probe[PROBES];	/* see guess: bytes from sp; the last is the largest, 0: none */
	uint16_t failures;	/* of guesses in a row */
	uint16_t successes;	/* since the last failure, about */
	int16_t balance;	/* of both: two for a success, at most 0 */
};

/*
 * A whole path, guessed: the words at a few places of the stack, where some stack from this root
 * had its next return addresses, name a run. Whether that is the path, its own return addresses
 * tell. It spares the walk along branches that cannot be foreseen.
 */
typedef uint16_t guess;		/* a node, or 0: so small that many fit in the caches */

struct child {
	uint64_t pc;
	uint32_t parent, node;
};

/* At the limit: the tree's node, and the suffix's node -> value. */
struct pair {
	uint32_t path, outer, value;
};

/* Where a run ends. */
struct run_end {
	uintptr_t sp, fp;
};

struct paths {
	/* What paths_find() needs: one cache line. */
	uint64_t stamp;
	struct stack_range own_range;	/* what of the thread's own stack is known to be readable */
	uintptr_t own_range_bytes;		/* its size, which every call asks for */
	struct tree_node *nodes;
	uint32_t hits;

	struct stack_range range;
	uintptr_t sp, fp;		/* where the last walk began */
	uintptr_t own_top;			/* see paths_begin() */
	struct run_end end;		/* of a guessed run by frame pointer */
	uint32_t used, limit;		/* nodes; 0 is none */
	uint32_t misses, skipped;	/* and hits, in this window */
	uint32_t wide_hits, guess_failures;
	bool few_hits;			/* the last window had few hits */

	/* Of the last paths_find(), for paths_learn(). */
	uint32_t at_limit;		/* the tree's node there, or 0 */
	uint16_t first_step, step_count;	/* frame of steps[0] */
	uint16_t levels;		/* frames that may become nodes of the tree */
	uint16_t max, walk_max;		/* frames, without the function; and those beyond that a walk takes */
	bool steps_complete;			/* all steps are, and lie on one stack */
	bool cut;			/* the stack may go on beyond what is known of it */
	bool tree_missed;			/* the tree did not know it */
	uint32_t memo_hit;		/* the memo's position where it took over, or 0 */

	struct memo memo;
	struct step steps[CAPTURE_MAX + PATHS_EXTRA];
	struct captured captured;

	/*
	 * The tree beside its nodes. When modules come or go all of this is cleared, in every thread that
	 * allocates: only the chunks that hold something, since clearing takes memory for a page that
	 * nobody has touched.
	 */
	uint64_t used_chunks[TREE_CHUNKS / 64];	/* a bit for each chunk that has been written to */
	struct tree_tables {
		struct root roots[ROOTS + ROOT_TRIES - 1];
		struct child wide[WIDE];
		guess guesses[GUESSES];
		struct pair pairs[PAIRS];
	} tables;
	uint16_t inner_tags[INNER_TAGS];		/* of stacks' inner frames, a part of a hash */
};
_Static_assert(sizeof(struct tree_tables) <= (TREE_CHUNKS - 1) * TREE_CHUNK_BYTES, "each chunk has a bit");

static inline unsigned tree_chunk(const struct paths *p, uintptr_t address)
{
	return (unsigned)(address / TREE_CHUNK_BYTES - (uintptr_t)&p->tables / TREE_CHUNK_BYTES);
}

/* An entry of the tables is about to be written to that may have been empty. */
static inline void tree_use(struct paths *p, const void *entry, size_t bytes)
{
	unsigned first = tree_chunk(p, (uintptr_t)entry), last = tree_chunk(p, (uintptr_t)entry + bytes - 1);

	p->used_chunks[first / 64] |= (uint64_t)1 << first % 64;
	p->used_chunks[last / 64] |= (uint64_t)1 << last % 64;
}

void paths_clear_tree(struct paths *p);

static inline struct root *root_slot(struct paths *p, uintptr_t pc, uintptr_t function, unsigned try)
{
	uint64_t h = (pc + function * 8) * 0x9e3779b97f4a7c15u;

	return &p->tables.roots[(h >> (64 - ROOTS_LOG2)) + try];
}

static inline struct child *wide_slot(struct paths *p, uint32_t parent, uintptr_t pc, unsigned try)
{
	uint64_t h = (pc ^ (uint64_t)parent << 32) * 0x9e3779b97f4a7c15u;

	return &p->tables.wide[((h >> 40) + try) % WIDE];
}

static inline struct pair *pair_slot(struct paths *p, uint32_t path, uint32_t outer)
{
	uint32_t h = (path * 0x9e3779b1u ^ outer) * 0x85ebca6bu;

	return &p->tables.pairs[(h >> 12) % PAIRS];
}

static inline unsigned run_count(const struct tree_node *node)
{
	return node->quick.kind >> RUN_COUNT_SHIFT & 7u;
}

/* How many of the steps have their return addresses at known places. */
static inline unsigned run_lead(const struct tree_node *node)
{
	return node->quick.kind & RUN_BY_FP ? node->quick.kind >> RUN_LEAD_SHIFT & 7u : run_count(node);
}

static inline uintptr_t run_pc(uint64_t step)
{
	return (uintptr_t)(step & (((uint64_t)1 << RUN_PC_BITS) - 1));
}

/* Where step i has its return address, in bytes: the number's upper 16 bits, which are a load of their own. */
static inline uintptr_t run_offset(const struct tree_node *node, unsigned i)
{
	uint16_t offset;

	memcpy(&offset, (const char *)&node->run[i] + RUN_PC_BITS / 8, sizeof(offset));
	return (uintptr_t)offset * 8;
}

/* Whether all probes can be read: the first is a word that any walk from there reads. */
static inline bool can_guess(const struct paths *p, const uint16_t probe[PROBES], uintptr_t sp)
{
	uintptr_t first = sp + probe[0], last = sp + probe[PROBES - 1];

	return probe[PROBES - 1] && last + 8 <= p->range.high &&
	       (p->own_top - sp <= OWN_BYTES || first / STACK_PAGE == last / STACK_PAGE);
}

/* Where a path is noted that begins there, by what the stack at sp has at the probes. */
static inline guess *guess_slot(struct paths *p, uint32_t from, const uint16_t probe[PROBES],
				uintptr_t sp)
{
	uint64_t a = walk_load(sp + probe[0]), b = walk_load(sp + probe[1]), c = walk_load(sp + probe[2]);

	/* The lower bits are those that differ. */
	a = (a ^ (b << 24 | b >> 40) ^ (c << 48 | c >> 16)) + from;
	return &p->tables.guesses[a * 0x9e3779b97f4a7c15u >> (64 - GUESSES_LOG2)];
}

/* The child in paths.wide, or 0. */
uint32_t paths_find_wide(struct paths *p, uint32_t parent, uintptr_t pc);

static inline uint32_t find_child(struct paths *p, uint32_t parent, uintptr_t pc)
{
	const struct tree_node *node = &p->nodes[parent];

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
	return unlikely(node->wide) ? paths_find_wide(p, parent, pc) : 0;
}

#endif
