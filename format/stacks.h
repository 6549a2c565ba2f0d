/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What formats of stacks as numbers (analysis/catalog.h) have in common: the numbers that they give to places, and the
 * stacks that stand for something else than frames.
 *
 * The memory is the caller's arena. One thread at a time may use an object.
 */
#ifndef FORMAT_STACKS_H
#define FORMAT_STACKS_H

#include "analysis/catalog.h"

/* Stacks of one frame that is none. Their texts are those of model.h. */
enum stacks_special {
	STACKS_TABLE_FULL,		/* the overflow row */
	STACKS_HIDDEN,			/* --hide has taken every frame */
	STACKS_NO_MEMORY,		/* the figures of the rows that are not in the model for want of memory */
	STACKS_SPECIALS
};

const char *stacks_special_text(enum stacks_special which);

/* Which of them stands for row n of the catalog, of which this is the model's row; STACKS_SPECIALS: it has frames. */
enum stacks_special stacks_special_of(const struct catalog *c, uint32_t n, const struct model_row *row);

/* The sums of the figures, by enum sort_key, that belong to no row which a format writes, because memory was short.
 * rows_written: it writes those of model.all; else it had no memory for them. False: all of them are 0. */
bool stacks_rest(const struct model *m, bool rows_written, uint64_t values[SORT_KEYS]);

/* Places of a catalog that a format writes as one thing, because they have the same key. */
struct stacks_things {
	uint32_t count;
	uint32_t *of_place;		/* the number of each place's thing, from 0 on */
	uint32_t *place;		/* of each thing: one of its places */
	uint32_t *address;		/* and the address that this place belongs to */
};

typedef uint64_t stacks_key(const struct catalog *c, uint32_t address, uint32_t place);

/* Numbers the things. False: there is no memory. */
bool stacks_number(struct stacks_things *things, const struct catalog *c, stacks_key *key, struct arena *arena);

#endif
