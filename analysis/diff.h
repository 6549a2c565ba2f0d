/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The difference of two runs, for --diff and --baseline. Backtraces of the two are matched by names, because addresses,
 * lines and whole functions move from build to build. A name is a function without its parameters, template arguments
 * and the compiler's suffixes or, where the function is not known, the base name of the module.
 *
 *	1. Backtraces with the same names from the allocation function to main() are the same. An inlined call counts
 *	   like any other, so that it does not matter what the compiler inlines. Several rows of a run that have the
 *	   same names are added up.
 *	2. Of what is left, backtraces are paired by likeness: at least half of their names are the same, in the same
 *	   order, and among them is one of the innermost three that are no allocation functions (wrappers.h). The
 *	   likest are paired first. So a function that was added or removed on the way, or a call that the compiler has
 *	   turned into a jump, does not make two different backtraces.
 *	3. What then is left is new, or gone.
 *
 * The memory is the caller's arena. For the wrapper and the watcher; one thread at a time.
 */
#ifndef ANALYSIS_DIFF_H
#define ANALYSIS_DIFF_H

#include "model.h"

/* A backtrace of one run or of both. */
struct diff_entry {
	bool in_old, in_new;
	bool by_likeness;		/* paired in step 2 */
	uint32_t moved_to;		/* only within diff_make(): the entry of which this one has become a part */
	uint64_t was[SORT_KEYS];	/* its figures in the old run, sums of its rows; of SORT_AGE the largest */
	uint64_t is[SORT_KEYS];		/* the same in the new run */
	struct model_row row;		/* of the new run if in_new, else of the old one: the one with the most calls */
};

struct diff {
	const struct model *older, *newer;
	struct diff_entry *list;
	uint32_t count;
	uint32_t *entry_of_old, *entry_of_new;	/* the place in the list of the entry of each row of model.all */
	uint64_t was[SORT_KEYS], is[SORT_KEYS];	/* sums over the list; of SORT_AGE the largest */
};

/* Compares two models, which both have model.all. False: there is no memory. */
bool diff_make(struct diff *d, const struct model *older, const struct model *newer, struct arena *arena);

/* The model that the entry's row is of. */
static inline const struct model *diff_model(const struct diff *d, const struct diff_entry *e)
{
	return e->in_new ? d->newer : d->older;
}

#endif
