/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where each part of a table lies in its mapping, and how much of it may be used.
 *
 * The layout follows from one number, rows_log2. Each part may be used up to its limit in the header (row_limit and its
 * like). A thread that finds a limit reached raises it by a step:
 *
 *	part      [ used | free |  not mapped: addresses, no memory, no file's space  ]
 *	                   limit ^     ^ mapped[]					  ^ next part
 *
 * If the part's mapping ends before the new limit, the mapping first grows in place, by a larger step. The kernel
 * refuses that at a limit on the address space, for which only existing mappings count. In a file or a memfd, touching
 * a page for which there is no space raises SIGBUS; so there the step's space is reserved, too.
 *
 * Invariants: used <= the count in the header; min(count, limit) are in use; limit <= what `mapped` covers.
 *
 * Async-signal-safe and lock-free.
 */
#ifndef TABLE_LAYOUT_H
#define TABLE_LAYOUT_H

#include "table.h"

enum table_part {
	TABLE_UPPERS,		/* copied before the rows, because the quarters noted here may lag behind the sums
				 * there, but must not be ahead of them */
	TABLE_ROWS,		/* with the infos */
	TABLE_CODES, TABLE_FRAMES, TABLE_MODULES, TABLE_TEXT, TABLE_THREADS,
	TABLE_SETS,		/* as many as rows at most, but grown by those who note a thread */
	TABLE_SIZES,		/* used with --histogram only, as are their heads */
	TABLE_REGIONS,		/* used with --pages only, as are their rows */
	TABLE_PAGE_ROWS,
	TABLE_DELTAS, TABLE_TIMELINE,
	TABLE_ROW_INDEX, TABLE_CODE_INDEX,	/* limits are levels (index.h) */
	TABLE_SHARES,				/* its limit is a logarithm */
	TABLE_SIZE_HEADS,			/* the same */
	TABLE_PARTS
};

#define TABLE_LOG2_MOST		(UINTPTR_MAX > 0xffffffff ? 22u : 18u)
#define TABLE_LOG2_LEAST	12u
#define TABLE_SHARES_LEAST	10u	/* the logarithm of their slots: at first... */
#define TABLE_SHARES_LOG2	14u	/* ...and at most */
#define TABLE_SIZE_HEADS_LOG2	16u	/* all at once */

/*
 * A window is a stretch of the layout that is a mapping of its own. The first begins with the header and is always
 * mapped as a whole. Each other window has one part: the window of a part has the part's number plus 1, and the last
 * window has the infos.
 */
#define LAYOUT_WINDOWS	(TABLE_PARTS + 2)
#define LAYOUT_INFOS	(TABLE_PARTS + 1)

struct layout_window {
	uint64_t offset, most_bytes;	/* most_bytes 0: the part lies in the first window */
	uint64_t first_bytes;		/* so much of it is mapped at first */
};

/* The window number `window` of a table of this header, of which only rows_log2 and the offsets matter; and how much of
 * the window is mapped at first, in a table whose first mappings are for 2^first_log2 rows. */
struct layout_window layout_window(const struct table_header *h, unsigned window, unsigned first_log2);

/* Which window has the part. */
static inline unsigned layout_window_of(enum table_part part)
{
	return part + 1u;
}

/* Fills in a header for 2^rows_log2 rows and as many codes, with all limits at their most: its first LAYOUT_BEGINNING
 * bytes, a quarter of it. The others are zeros in a new table, as the memory or the file is. */
void layout_header(struct table_header *h, unsigned rows_log2);
#define LAYOUT_BEGINNING	offsetof(struct table_header, special_names)

/* Sets the addresses of a table whose header is in place at base. */
void layout_locate(struct table *t, void *base);

/* Sets all limits to 0, and takes the first step of each part. False when there is no space. */
bool layout_begin(struct table *t);

/* Raises the limit of a part by a step. False when the part has its full size, or there is no space. */
bool layout_grow(struct table *t, enum table_part part);

/* Reserves the space up to all limits, in a copy of a table. False when there is none. */
bool layout_reserve(struct table *t);

/*
 * In a child after fork, before the table is used. Another thread of the parent may just have made a mapping longer:
 * the child has the longer mapping, but `mapped` does not say so, and no thread there will correct that. So what lies
 * behind the noted ends is unmapped, and the mappings can grow again. Keeps errno.
 */
void layout_forked(struct table *t);

/* A stretch of the mapping. */
struct layout_range {
	uint64_t offset, bytes;
};
#define LAYOUT_RANGES	(TABLE_PARTS + 2)

/* The bytes of a part as far as its limit in the header. */
uint64_t layout_limit_bytes(const struct table_header *h, enum table_part part);

/* The stretches of the mapping that are in use, by a header whose limits and counts have been checked or are our own.
 * `indexes`: include the parts that only interning needs. Returns the number of ranges. */
unsigned layout_used(const struct table_header *h, bool indexes, struct layout_range *ranges);

/*
 * The stretch that is in use of one part, which is given by the number of its window (LAYOUT_INFOS: the infos). Has it
 * mapped, up to the part's limit: a forked child may read the table that its parent goes on making larger, and then the
 * header is ahead of `mapped`. False: the kernel refused.
 */
bool layout_take(struct table *t, unsigned window, struct layout_range *range);

/* The same for all parts, without the stretches. */
bool layout_follow(struct table *t);

/* How many of a part are in use: the count in the header, which may have run past its limit. */
uint32_t layout_count(const struct table_header *h, enum table_part part);

/* The limit of a part in the header, and at most. */
uint32_t layout_limit(const struct table_header *h, enum table_part part);

#endif
