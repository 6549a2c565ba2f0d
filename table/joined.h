/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of the same backtrace. A backtrace that allocates in several windows of the recording (events.h) has a row in
 * each, and reports show these as one. A joiner is shown rows one after the other, and says which of them has had the
 * backtrace first: that row stands for all of them.
 *
 * Async-signal-safe; the memory comes from the caller's arena. Bounds-checked, for tables that nobody vouches for.
 */
#ifndef TABLE_JOINED_H
#define TABLE_JOINED_H

#include "base/arena.h"
#include "table.h"

struct joiner {
	const struct table *t;
	uint32_t *slots;		/* rows, by their hashes; 0: free */
	uint32_t mask;
	uint32_t *codes;		/* room for the frames of two rows */
};

/* For so many rows at most. False: there is no memory. */
bool joiner_init(struct joiner *j, const struct table *t, uint32_t rows, struct arena *arena);

/* The first of the rows so far with the backtrace of this row, which may be this one. */
uint32_t joiner_first(struct joiner *j, uint32_t row);

/*
 * The same for all rows of a range that have counted a call: an array that has for each row the one that stands for it,
 * and for others themselves. NULL: there is no memory, or no backtrace has two rows there (events_several()).
 */
struct row_range;
uint32_t *joined_rows(const struct table *t, struct row_range range, struct arena *arena);

#endif
