/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups: the sums of all rows that share a function, a source file, a module or their threads, for --group. A row
 * belongs to the function that uses its memory: the first one outward of the allocation functions (wrappers.h). Each
 * row belongs to exactly one group, so the groups' figures add up to the heap's.
 *
 * Sums of a row's own peaks are special. The rows of a group need not have been largest at the same moment, so the
 * sum is only a bound: the group never had more. Where a lower bound has the same value, it is the group's exact peak.
 *
 * The memory is the caller's arena. One thread at a time may use an object.
 */
#ifndef ANALYSIS_GROUPS_H
#define ANALYSIS_GROUPS_H

#include "labels.h"

struct group {
	uint32_t label;			/* what its rows share: a function (labels.h); a module, as one without a
					 * function; a file or the threads, as a function without a module */
	uint32_t rows;			/* how many, those whose figures are 0 included */
	uint64_t values[SORT_KEYS];	/* sums; of SORT_AGE the largest */
	uint64_t peak_size_least;	/* a lower bound of the group's own peak, and the one of its count */
	uint64_t peak_count_least;
	/* Of the row that has most of the group's figure for the sort key: */
	uint32_t row;			/* its id */
	const char *function;		/* the function that uses its memory; NULL: unknown */
	const char *file;		/* the place there; NULL: unknown */
	uint32_t line;			/* 0: unknown */
	uint64_t most;			/* its figure */
};

struct groups {
	struct labels *labels;
	enum group_by by;
	enum sort_key key;
	struct group *list;
	uint32_t count;
	const struct sort_entry *order;	/* the groups that are listed, the largest first: for a key of the present
					 * those with live blocks, else those whose figure is not 0 */
	uint32_t ordered;		/* how many these are */
	uint32_t filtered;		/* how many more there would be without --min-size, --min-count, --older-than */
	const struct group *runtime;	/* the group of what the runtime keeps for good, which is not in the order;
					 * NULL: there is none */
	uint32_t runtime_label;		/* of that group; 0: it is not made */
	uint64_t totals[SORT_KEYS];	/* over all groups; of SORT_AGE the largest */
};

/* Makes the groups of all rows of the model (model.all). runtime_apart: what the runtime keeps for good (runtime.h) is
 * a group of its own. False: there is no memory. */
bool groups_make(struct groups *g, struct labels *l, enum group_by by, enum sort_key key, bool runtime_apart);

/* Finds what a row has in common with the others of its group: *label. False: there is no memory. */
bool groups_label(struct labels *l, enum group_by by, const struct labels_row *r, uint32_t *label);

/* Whether the figure is the group's, and not only a bound: false for peaks that the rows may have had at different
 * moments. */
bool groups_is_exact(const struct group *group, enum sort_key key);

#endif
