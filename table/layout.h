/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where each part of a table lies in its mapping, and how much of it may be used.
 *
 * The layout follows from one number, rows_log2. Each part may be used as far as the header's limits say
 * (row_limit and its like), and whoever finds a limit reached asks for more, in steps:
 *
 *	part      [ used | free |  not mapped: addresses, no memory, no file's space  ]
 *	                   limit ^     ^ mapped[]					  ^ next part
 *
 * A step first makes the part's mapping longer, in place, when it ends before the new limit; that is a
 * larger step, and the kernel refuses it at a limit on the address space. Nothing but the mappings that there
 * are counts for such limits. In a file or a memfd a page that is touched when there is no space for it is a
 * SIGBUS, so there the step's space is reserved, too.
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

/*
 * The windows: stretches of the layout that are mappings of their own. The first begins with the header and
 * is always mapped as a whole. The others are a part each: the one for a part has its number plus 1, that for
 * the infos the last.
 */
#define LAYOUT_WINDOWS	(TABLE_PARTS + 2)
#define LAYOUT_INFOS	(TABLE_PARTS + 1)

struct layout_window {
	uint64_t offset, most_bytes;	/* most_bytes 0: the part lies in the first window */
	uint64_t first_bytes;		/* so much of it is mapped at first */
};

/* The window number `window` of a table of this header (the limits do not matter), and how much of it
 * is mapped at first, by limits for 2^first_log2 rows. */
struct layout_window layout_window(const struct table_header *h, unsigned window, unsigned first_log2);

/* Which window has the part. */
static inline unsigned layout_window_of(enum table_part part)
{
	return part + 1u;
}

/* Fills in a header for 2^rows_log2 rows and as many codes, with all limits at their most. */
void layout_header(struct table_header *h, unsigned rows_log2);

/* Sets the addresses of a table whose header is in place at base. */
void layout_locate(struct table *t, void *base);

/* Takes all limits down to nothing, and reserves the first step of each part. False: no space. */
bool layout_begin(struct table *t);

/* Lets more of a part be used. False: it has all it can have, or there is no space (any more). */
bool layout_grow(struct table *t, enum table_part part);

/* Makes sure of the space of all limits as they are: in a copy. False: there is none. */
bool layout_reserve(struct table *t);

/*
 * In a child after fork, before the table is used. Another thread of the parent may have been making a mapping
 * longer: the child has the longer mapping, but nobody there will say so. What lies behind the known ends is
 * unmapped, so that they can be moved again. Keeps errno.
 */
void layout_forked(struct table *t);

/* A stretch of the mapping. */
struct layout_range {
	uint64_t offset, bytes;
};
#define LAYOUT_RANGES	(TABLE_PARTS + 2)

/* The bytes of a part as far as its limit in the header. */
uint64_t layout_limit_bytes(const struct table_header *h, enum table_part part);

/* What of the mapping is in use, by a header whose limits and counts have been checked or are
 * our own; `indexes`: also what only interning needs. Returns how many ranges. */
unsigned layout_used(const struct table_header *h, bool indexes, struct layout_range *ranges);

/* How many of a part are in use: the count in the header, which may have run past its limit. */
uint32_t layout_count(const struct table_header *h, enum table_part part);

/* The limit of a part in the header, and at most. */
uint32_t layout_limit(const struct table_header *h, enum table_part part);

#endif
