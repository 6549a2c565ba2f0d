/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trees of calls: all rows, merged by function, for --tree, --callers and --callees. A node stands for the rows whose
 * stacks begin with the same functions, and has the sums of their figures.
 *
 *	top-down	from the outermost function, main(), to the one that uses the memory (labels_user())
 *	bottom-up	from the function that uses the memory outward to main()
 *	callers		from each function with the text in its name outward
 *	callees		from each function with the text in its name to the allocation function
 *
 * A row counts once in the trees of callers and callees, however often the text stands in its functions' names: they
 * begin at the outermost of these functions. Where no function has the text in its name, modules' and files' names
 * are taken instead.
 *
 * The nodes are not kept. A walk makes the children of one node at a time, and passes over those whose share is too
 * small, so it takes little time and memory even for a million rows:
 *
 *	tree_make(), then tree_step() until it returns false
 *
 * Chains of single children do not get deeper: see struct tree_step.
 *
 * The memory is the caller's arena. One thread at a time may use an object.
 */
#ifndef ANALYSIS_TREE_H
#define ANALYSIS_TREE_H

#include "labels.h"

enum tree_kind { TREE_KIND_TOP_DOWN, TREE_KIND_BOTTOM_UP, TREE_KIND_CALLERS, TREE_KIND_CALLEES };

struct tree_request {
	enum tree_kind kind;
	const char *text;		/* for callers and callees, else NULL */
	enum sort_key key;		/* the figure that nodes are sorted and left out by */
	enum sort_key second;		/* a further figure that is added up */
	uint32_t min_share;		/* of tree.figure; in thousandths of a percent */
};

/* What a line of the tree stands for. */
enum tree_line {
	TREE_NODE,
	TREE_ENDS,			/* those rows of the node above that have no further function: the memory that
					 * it uses itself, or (bottom-up, callers) stacks that begin there */
	TREE_MORE,			/* those children of the node above whose shares are too small, added up */
};

/*
 * One line of the walk, which goes from each node to its children, largest first.
 *
 * Level: a node's children are one level deeper than the node. But where it has only one child that is not left out,
 * and no TREE_ENDS, this child is on the level of the node, and what else there is stands before it, one level deeper,
 * unless it is smaller than the least share even as a whole:
 *
 *	main				level 0
 *	  ... 3 more			level 1, TREE_MORE
 *	run				level 0, continues: the only child of main that is shown
 *	  parse				level 1
 *	  print				level 1
 *
 * Where a tree has several roots, these are on level 1.
 */
struct tree_step {
	enum tree_line line;
	uint32_t label;			/* of a TREE_NODE */
	uint32_t count;			/* of TREE_MORE: how many children these are */
	uint32_t level;
	bool continues;			/* the node is the only child of the node before it on this level */
	bool last;			/* no sibling follows on this level */
	bool same;			/* it has the same figures as the node above, whose only child it is */
	uint64_t figure, second;	/* sums of request.key and request.second */
};

struct tree_row;
struct tree_child;
struct tree_place;

struct tree {
	struct tree_request request;
	struct labels *labels;
	uint64_t figure, second;	/* sums over the rows of the tree */
	uint64_t whole;			/* the sum of request.key over all rows of the model */
	uint32_t functions;		/* callers, callees: how many functions, modules and files have the text in
					 * their names */
	bool by_place;			/* these are no functions, but modules or files */
	uint32_t cut_at;		/* so many frames were recorded of each stack, and at least one has as many; 0:
					 * none has */
	struct tree_row *rows, *sorted;	/* the rows, and room to sort them */
	uint32_t row_count;
	uint32_t *paths;		/* the labels of all rows' functions, in the direction of the tree */
	uint64_t path_used, path_room;
	uint32_t longest;		/* functions of the longest path */
	struct tree_child *children;	/* of the nodes that the walk is in */
	struct tree_place *places;	/* these nodes */
	uint32_t place_count;
	struct sort_entry *order;	/* room to sort children */
};

/* Prepares the walk through a tree of all rows of labels->model. False: there is no memory. */
bool tree_make(struct tree *t, struct labels *labels, const struct tree_request *request);

/* Makes the next line. False: there are no more. */
bool tree_step(struct tree *t, struct tree_step *step);

#endif
