/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the massif format share: the moments of the run that the file shows, and the tree of one moment.
 * Only format/massif*.c include this header.
 *
 * The format is that of massif, a tool of Valgrind. There is no specification of it; what it is can be seen from files
 * that massif 3.19 writes, and from ms_print, which reads them. Errors of writing are in the struct out.
 */
#ifndef FORMAT_MASSIF_H
#define FORMAT_MASSIF_H

#include "format.h"

/* A moment of the run that the file shows ("snapshot" in the file). */
struct massif_moment {
	uint64_t ns;			/* since the start of the process */
	uint64_t time;			/* the same in the unit of the file: milliseconds, or bytes allocated and
					 * freed */
	uint64_t size;			/* live bytes of the whole heap */
	uint64_t extra;			/* of malloc's, for its headers and the rounding of sizes; an estimate, 0: not
					 * known */
	enum massif_kind {
		MASSIF_PLAIN,		/* nothing but the sums is known */
		MASSIF_SNAPSHOT,	/* history.snapshots[snapshot] has the rows */
		MASSIF_PEAK,		/* the rows' SORT_HEAP_PEAK */
		MASSIF_LAST,		/* the moment of the report */
	} kind;
	uint32_t snapshot;
};

struct massif_moments {
	struct massif_moment *list;	/* in their order */
	uint32_t count;
	bool in_bytes;			/* the unit of time */
};

/* Lists the moments, with their times and sizes, but without the extra bytes. False: there is no memory
 * (massif_moments.c). */
bool massif_moments_make(struct massif_moments *moments, const struct model *m, struct arena *arena);

/* The whole part of a number that is not negative. In a damaged record, it can be any. */
static inline uint64_t massif_whole(double number)
{
	return number < 18446744073709549568.0 ? (uint64_t)number : UINT64_MAX;	/* the last double below 2^64 */
}

/* Writes a name or a path. ms_print takes what follows a `#` for a comment, so that it becomes a colon. */
static inline void massif_write_name(struct out *out, const char *text)
{
	out_name_with(out, text, '#', ':');
}

struct massif_tree;

/* Prepares the trees of a model. NULL: there is no memory (massif_tree.c). */
struct massif_tree *massif_tree_make(const struct model *m, struct arena *arena);

/* What the rows have in one moment, for massif_tree_write(). */
struct massif_rows {
	uint64_t *sizes;		/* live bytes of each row of model.all */
	uint64_t sum;			/* of these */
	uint64_t rest_size;		/* bytes of rows that are not known one by one... */
	uint32_t rest_rows;		/* ...and how many such rows there are */
};

/* Writes the tree of a moment: its rows, merged by the addresses of their frames, from the callers of the allocation
 * functions outward. Branches with less than the least share (--min-share) of the moment's bytes are only summed up. */
void massif_tree_write(struct massif_tree *t, const struct massif_rows *rows, const struct massif_moment *moment,
		       struct out *out);

#endif
