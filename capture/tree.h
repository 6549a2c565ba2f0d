/* SPDX-License-Identifier: GPL-2.0-only */
/* The data of a thread's memory of stacks (paths.h). paths.c searches these structures, learn.c adds to them. */
#ifndef CAPTURE_TREE_H
#define CAPTURE_TREE_H

#include "memo.h"
#include "paths.h"

#include <string.h>

#define PATHS_LEVELS	7	/* the most levels of the tree */

/* The levels of the tree for stacks of at most max frames. */
static inline uint16_t tree_levels(unsigned max)
{
	return (uint16_t)(max < PATHS_LEVELS ? max : PATHS_LEVELS);
}
#define ROOTS_LOG2	10
#define ROOTS		(1u << ROOTS_LOG2)
#define ROOT_TRIES	4u
#define PAIRS		16384u
#define GUESSES_LOG2	15
#define GUESSES		(1u << GUESSES_LOG2)
#define INNER_TAGS	4096u
#define PROBES		6	/* as many as a run has steps, so that recursion has a guess for each path */
#define PROBES_LEAST	3	/* a shorter run is not guessed */
#define OWN_BYTES	((uintptr_t)1 << 20)	/* so far below paths.own_top lies the thread's own stack */
#define GUESS_AGAIN	64u	/* one of so many failures makes a new guess */
#define FAILURES_MAX	1000	/* see root.balance: the root makes no more guesses */
#define CHILDREN	4	/* within a node */
#define WIDE		8192u	/* entries of the hash table for children of nodes that have more */
#define WIDE_TRIES	4u
#define PROMOTED	32u	/* one of so many children that are found in the hash table moves into its node */
#define TREE_CHUNKS	128u
#define TREE_CHUNK_BYTES ((uintptr_t)4096)	/* the smallest page; chunks begin where pages do */
#define WINDOW		1024u	/* captures after which hits and misses are compared */
#define SKIP_RATIO	16u	/* when there are few hits, one of so many misses is learnt */

/*
 * Kinds of rules that only the tree uses. Their numbers are those of kinds that the tree never stores.
 *
 *	QUICK	a rule of KIND_SP or KIND_FP that was checked when the node was made, with all offsets
 *		counted from that register (see quicken())
 *	RUN	several such steps, without a branch, up to the end of the stack or the limit. Either all are of
 *		KIND_SP; or (RUN_BY_FP) some of KIND_SP, the lead, which do not change the frame pointer, come
 *		first, and those that follow are of KIND_FP, each with a usual frame record of two words
 *	RECORD	a step by the frame record of code without unwind information, with the fields of QUICK. It is
 *		proven that the record leads to the node's children; for any other return address that
 *		has to be proven first
 *	LIMIT	the deepest level of the tree; the stack goes on from there
 */
#define KIND_QUICK	KIND_UNKNOWN
#define KIND_RUN	KIND_SIGNAL
#define KIND_LIMIT	KIND_LEAF
#define KIND_RECORD	KIND_GIVE_UP

#define QUICK_SAME	0xffffu		/* the step does not change the frame pointer */
#define QUICK_BY_FP	0x100u		/* the rule is of KIND_FP */
#define RUN_MAX		6
#define RUN_COUNT_SHIFT	KIND_BITS
#define RUN_LIMITED	0x100u		/* the run leads to the limit, and not to the end of the stack */
#define RUN_BY_FP	0x200u
#define RUN_LEAD_SHIFT	10		/* the number of steps in the lead of RUN_BY_FP */
#define RUN_PC_BITS	48

/* A node of the tree: one cache line. Offsets are in units of 8 bytes, from the stack pointer or, with
 * QUICK_BY_FP, from the frame pointer. */
struct tree_node {
	union {
		uint64_t rule;
		struct {
			uint16_t kind;		/* the kind, flags, and the number of steps of a run */
			uint16_t cfa;		/* of a run: the stack pointer of its last frame, or of its lead's */
			uint16_t ra;		/* of a guessed run: the node of the root that made the guess */
			uint16_t fp;		/* where the frame pointer is saved, or QUICK_SAME */
		} quick;
	};
	union {
		struct {			/* of an end, a limit, a run */
			uint32_t value;		/* of the stack that goes on with the suffix `outer` */
			uint32_t outer;		/* the suffix's node in the table */
		} end;
		uint32_t wide;			/* not 0: all children are in tables.wide, some also here */
	};
	union {
		struct {
			uint64_t pc[CHILDREN];	/* return addresses of the children; 0: none */
			uint32_t child[CHILDREN];
		};
		uint64_t run[RUN_MAX];		/* each step's return address, and in the upper 16 bits its
						 * offset; steps of KIND_FP have no offset */
	};
};
_Static_assert(sizeof(struct tree_node) == 64, "a node is one cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the kind is in a rule's first bytes");

/* A root of the tree: frame 0 (the function) and frame 1 (its return address) of a stack. */
struct root {
	uintptr_t pc, function;
	uint32_t node;
	uint16_t probe[PROBES];	/* see guess: offsets from sp in bytes; the last is the largest; 0: no guesses */
	uint16_t failures;	/* guesses that were wrong, one after the other */
	uint16_t successes;	/* guesses that were right since the last failure, roughly */
	int16_t balance;	/* failures count -1, successes 2; at most 0 */
};

/*
 * A guess is the number of a node that holds a whole path as a run. The guess is found by a hash of the words at a
 * few places of the stack, the probes, where some earlier stack from this root had its first return
 * addresses. The return addresses of the run then prove or refute the guess. This saves the branches of the
 * tree, which the processor cannot predict.
 */
typedef uint16_t guess;		/* 0: none. Two bytes, so that many guesses fit in the caches */

/* An entry of the hash table for the children of nodes that have more than CHILDREN. */
struct child {
	uint64_t pc;
	uint32_t parent, node;
};

/* At the limit: the value of the stack with the prefix `path` (a node of the tree) and the suffix `outer` (a node of
 * the table). */
struct pair {
	uint32_t path, outer, value;
};

/* The position of a run's last frame. */
struct run_end {
	uintptr_t sp, fp;
};

struct paths {
	/* The fields that paths_find() needs: one cache line. */
	uint64_t stamp;			/* rules_stamp when the memory was empty */
	struct stack_range own_range;	/* the part of the thread's own stack that is known to be readable */
	uintptr_t own_range_bytes;	/* the size of own_range, which every call needs */
	struct tree_node *nodes;
	uint32_t hits;

	struct stack_range range;	/* the part of the last walk's stack that is known to be readable */
	uintptr_t sp, fp;		/* where the last walk began */
	uintptr_t own_top;		/* see paths_begin() */
	struct run_end end;		/* of a guessed run by frame pointer */
	uint32_t used, limit;		/* nodes; number 0 is no node */
	uint32_t misses, skipped;	/* like hits, in this window of captures */
	uint32_t wide_hits, guess_failures;
	bool few_hits;			/* the last window had few hits */

	/* The results of the last paths_find(), for paths_learn(). */
	uint32_t at_limit;		/* the tree's node at which the prefix ended at the limit, or 0 */
	uint16_t first_step, step_count;	/* first_step: the frame of steps[0] */
	uint16_t levels;		/* frames that may become nodes of the tree */
	uint16_t max, walk_max;		/* the depth, and the frames of the longest walk; without the function */
	bool steps_complete;		/* steps[] has all steps, and they lie on one stack */
	bool cut;			/* the walk did not come to the end of the stack */
	bool tree_missed;		/* the tree did not know the prefix */
	uint32_t memo_hit;		/* the memo's position at which the known suffix begins, or 0 */

	struct memo memo;
	struct step steps[CAPTURE_MAX + PATHS_EXTRA];
	struct captured captured;

	/*
	 * The tables of the tree. When modules come or go, every thread that allocates clears its own. Only
	 * chunks that have been written to are cleared, because clearing an untouched page would
	 * allocate memory for that page.
	 */
	uint64_t used_chunks[TREE_CHUNKS / 64];	/* a bit for each chunk that has been written to */
	struct tree_tables {
		struct root roots[ROOTS + ROOT_TRIES - 1];
		struct child wide[WIDE];
		guess guesses[GUESSES];
		struct pair pairs[PAIRS];
	} tables;
	uint16_t inner_tags[INNER_TAGS];	/* parts of the hashes of prefixes that have been seen */
};
_Static_assert(sizeof(struct tree_tables) <= (TREE_CHUNKS - 1) * TREE_CHUNK_BYTES, "each chunk has a bit");

static inline unsigned tree_chunk(const struct paths *p, uintptr_t address)
{
	return (unsigned)(address / TREE_CHUNK_BYTES - (uintptr_t)&p->tables / TREE_CHUNK_BYTES);
}

/* Is called before an entry of the tables is written to that may have been empty. */
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

/* The number of steps whose return addresses are at constant offsets from the stack pointer. */
static inline unsigned run_lead(const struct tree_node *node)
{
	return node->quick.kind & RUN_BY_FP ? node->quick.kind >> RUN_LEAD_SHIFT & 7u : run_count(node);
}

static inline uintptr_t run_pc(uint64_t step)
{
	return (uintptr_t)(step & (((uint64_t)1 << RUN_PC_BITS) - 1));
}

/* The offset of the return address of step i, in bytes. A separate load of the upper 16 bits is cheaper than a
 * shift. */
static inline uintptr_t run_offset(const struct tree_node *node, unsigned i)
{
	uint16_t offset;

	memcpy(&offset, (const char *)&node->run[i] + RUN_PC_BITS / 8, sizeof(offset));
	return (uintptr_t)offset * 8;
}

/* Whether all probes can be read. The first one is a word that any walk from this root reads. */
static inline bool can_guess(const struct paths *p, const uint16_t probe[PROBES], uintptr_t sp)
{
	uintptr_t first = sp + probe[0], last = sp + probe[PROBES - 1];

	return probe[PROBES - 1] && last + 8 <= p->range.high &&
	       (p->own_top - sp <= OWN_BYTES || first / STACK_PAGE == last / STACK_PAGE);
}

/* The slot for guesses of paths that begin at the node `from`, by the words at the probes of the stack at sp. */
static inline guess *guess_slot(struct paths *p, uint32_t from, const uint16_t probe[PROBES],
				uintptr_t sp)
{
	uint64_t a = walk_load(sp + probe[0]), b = walk_load(sp + probe[1]), c = walk_load(sp + probe[2]),
		 d = walk_load(sp + probe[3]), e = walk_load(sp + probe[4]), f = walk_load(sp + probe[5]);

	_Static_assert(PROBES == 6, "there is a word for each probe");
	/* Return addresses differ in their lower bits. */
	a ^= (b << 24 | b >> 40) ^ (c << 48 | c >> 16) ^ (d << 11 | d >> 53) ^ (e << 33 | e >> 31) ^ (f << 55 | f >> 9);
	a += from;
	return &p->tables.guesses[a * 0x9e3779b97f4a7c15u >> (64 - GUESSES_LOG2)];
}

/* Finds a child in tables.wide, or returns 0. */
uint32_t paths_find_wide(struct paths *p, uint32_t parent, uintptr_t pc);

static inline uint32_t find_child(struct paths *p, uint32_t parent, uintptr_t pc)
{
	const struct tree_node *node = &p->nodes[parent];

	/* This is not a loop, so that the processor predicts each branch by itself. */
	_Static_assert(CHILDREN == 4, "there is a comparison for each child");
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
