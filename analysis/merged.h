/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows merged by function: one tree from the outermost functions inward, whose nodes are kept, with sums of several
 * figures. A flame graph shows such a tree. (analysis/tree.h walks through a tree of one model without keeping it.)
 *
 *	node 0			all rows
 *	  main			those whose outermost function is main()
 *	    run			those of them in which main() has called run()
 *	      parse
 *	    print
 *
 * Invariants:
 *	the figure of a node is the sum over the rows whose stacks begin with the functions from node 0 to it,
 *	so it is at least the sum of its children's figures
 *	a node comes after its outer node in nodes[]
 *
 * A function is a name and the base name of its module. In a tree of two runs it is the name alone, as in
 * analysis/diff.h, because programs and libraries can have other names in the other run. Inlined functions are nodes
 * like others. The code of a module that has no names is one function, and calls from one such place to the next are
 * not nodes of their own.
 *
 * A tree has at most about 256 MB of nodes. Where there is no room or no memory for more of them, a row ends at the
 * innermost node that is there, so that no figure is lost. Rows should therefore be added in the order of their weight.
 *
 * The memory is the caller's arena. One thread at a time may use an object.
 */
#ifndef ANALYSIS_MERGED_H
#define ANALYSIS_MERGED_H

#include "model.h"

#define MERGED_ROOT		0u	/* the node of all rows, which has no function */
#define MERGED_NO_MEMORY	1u	/* the child of the root for rows that the model has no room for
					 * (merged_add_lost()). Its figures are 0 where there are none */

/* The functions that stand for what has none. */
#define MERGED_FUNCTION_NONE	0u	/* of the root */
#define MERGED_FUNCTION_MEMORY	1u	/* of MERGED_NO_MEMORY */
#define MERGED_FUNCTION_FULL	2u	/* of the overflow row */
#define MERGED_FUNCTION_HIDDEN	3u	/* of rows of which --hide has taken every frame out */
#define MERGED_FUNCTION_FIRST	4u	/* the first function of the program's */

#define MERGED_COLUMNS_MAX	(4 * SORT_KEYS)

struct merged_function {
	const char *name;		/* NULL: not known */
	const char *module;		/* its base name; "?": not known; NULL: code in no module, or no code. In a tree
					 * of two runs, that of the first row which has the function */
};

struct merged_node {
	uint32_t outer;			/* MERGED_ROOT is its own */
	uint32_t function;
	uint32_t first, next;		/* the first child and the next sibling; 0: there is none */
	uint32_t level;			/* functions outward of it */
	uint32_t mark;			/* this and the next are for the users of trees: 0 at first */
	uint64_t start;
};

struct merged_index;

struct merged {
	struct arena *arena;
	unsigned columns;
	bool two_runs;
	struct merged_function *functions;
	struct merged_node *nodes;
	uint64_t *figures;		/* columns of them for each node: see merged_figures() */
	uint32_t function_count, node_count;
	uint32_t node_max;		/* there may be as many */
	uint32_t cut;			/* rows that end at an outer node, because there was no room for more */
	struct merged_index *index;	/* for merged.c */
};

/* Prepares an empty tree with so many figures for each node, at least one. two_runs: rows of two models will be added.
 * False: there is no memory. */
bool merged_init(struct merged *t, unsigned columns, bool two_runs, struct arena *arena);

/* Adds the figures, t->columns of them, of a row of the model, whose frames should have names. */
void merged_add(struct merged *t, const struct model *m, const struct model_row *row, const uint64_t *figures);

/* Adds figures of rows that the model does not have. */
void merged_add_lost(struct merged *t, const uint64_t *figures);

/* Puts the children of each node into the order of a column, the largest first. Without memory their order stays as it
 * is, in the order of their arrival. */
void merged_sort(struct merged *t, unsigned column);

/* The figures of a node. */
static inline uint64_t *merged_figures(const struct merged *t, uint32_t node)
{
	return t->figures + (size_t)node * t->columns;
}

#endif
