/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where each part of a table lies in its mapping, and how much of it may be used.
 *
 * The layout follows from one number, rows_log2. A table in memory of its own (anonymous) may
 * use all of it at once. In a file or a memfd a page that is touched when there is no space for
 * it is a SIGBUS, so there space is reserved first, part by part, in steps: the header's limits
 * (row_limit and its like) say how far, and whoever finds a limit reached asks for more.
 *
 * Async-signal-safe, lock-free.
 */
#ifndef TABLE_LAYOUT_H
#define TABLE_LAYOUT_H

#include "table.h"

enum table_part {
	TABLE_UPPERS,		/* before the rows: what is noted there may lag, not be ahead */
	TABLE_ROWS,		/* with the infos */
	TABLE_CODES, TABLE_FRAMES, TABLE_MODULES, TABLE_TEXT, TABLE_DELTAS,
	TABLE_ROW_INDEX, TABLE_CODE_INDEX,	/* limits are levels (index.h) */
	TABLE_SHARES,				/* its limit is a logarithm */
	TABLE_PARTS
};

#define TABLE_LOG2_MOST		(UINTPTR_MAX > 0xffffffff ? 22u : 18u)
#define TABLE_LOG2_LEAST	12u
#define TABLE_SHARES_LEAST	10u	/* the logarithm of their slots: at first... */
#define TABLE_SHARES_LOG2	14u	/* ...and at most */

/* Fills in a header for 2^rows_log2 rows and as many codes, with all limits at their most. */
void layout_header(struct table_header *h, unsigned rows_log2);

/* Sets the addresses of a table whose header is in place at base. */
void layout_locate(struct table *t, void *base);

/* Has all limits at their most again. */
void layout_lift(struct table_header *h);

/* Takes all limits down to nothing, and reserves the first step of each part. False: no space. */
bool layout_begin(struct table *t);

/*
 * Reserves more of a part. False: it has all it can have, or there is no space (any more). Of a
 * table that is not `shared` nothing is left to reserve.
 */
bool layout_grow(struct table *t, enum table_part part);

/* Makes sure of the space of all limits as they are: in a copy. False: there is none. */
bool layout_reserve(struct table *t);

/* A stretch of the mapping. */
struct layout_range {
	uint64_t offset, bytes;
};
#define LAYOUT_RANGES	(TABLE_PARTS + 2)

/* What of the mapping is in use, by a header whose limits and counts have been checked or are
 * our own; `indexes`: also what only interning needs. Returns how many ranges. */
unsigned layout_used(const struct table_header *h, bool indexes, struct layout_range *ranges);

/* How many of a part are in use: the count in the header, which may have run past its limit. */
uint32_t layout_count(const struct table_header *h, enum table_part part);

/* The limit of a part in the header, and at most. */
uint32_t layout_limit(const struct table_header *h, enum table_part part);

#endif
