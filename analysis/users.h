/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which function, or which module, most of the heap or of the calls comes from: sums over all rows by the function that
 * uses their memory (labels_user()), for several sort keys at once.
 *
 * The memory is the caller's arena. One thread at a time may use an object.
 */
#ifndef ANALYSIS_USERS_H
#define ANALYSIS_USERS_H

#include "labels.h"

struct user;

struct users {
	struct labels labels;
	struct labels_row *row;		/* work space, for others too */
	struct user *list;		/* by label */
	uint32_t room;			/* labels from here on have no user */
	uint64_t kept;			/* at the end of the process: live bytes that the runtime keeps for good
					 * (runtime.h), which are in no sum of SORT_SIZE */
};

/* What has most of a key's figure: a function or, where no function has a fifth of it, but a module does, a module. */
struct users_source {
	uint64_t figure;		/* 0: there is none */
	const char *module;		/* its path; NULL: it is the function */
	uint32_t label;			/* the function that has most of it, */
	uint64_t of_label;		/* how much, */
	uint32_t row;			/* and which row of model.all has most of that */
};

/* Adds up all rows of a model that has model.all with names. False: there is no memory. */
bool users_add_up(struct users *u, const struct model *m, struct arena *arena);

/* Finds what has most of a key's figure: SORT_SIZE, SORT_HEAP_PEAK, SORT_TOTAL_COUNT or SORT_TEMPORARY. whole: the sum
 * over all rows. */
struct users_source users_largest(struct users *u, enum sort_key key, uint64_t whole);

#endif
