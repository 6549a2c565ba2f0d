/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The histogram of sizes (--histogram): how many calls asked for blocks of which sizes, and what of that is alive, for
 * the whole process or for one backtrace. It is read from the counts by bucket that the table keeps (table/sizes.h),
 * and can be shown in bins of two kinds: by power of two of what the program requested, and by the size classes of the
 * allocator, that is by the size of what the allocator hands out for that.
 *
 * The process's figures are of all backtraces, those that --ignore leaves out too.
 *
 * Units: sizes are bytes. Async-signal-safe; memory comes from the caller's arena.
 */
#ifndef ANALYSIS_HISTOGRAM_H
#define ANALYSIS_HISTOGRAM_H

#include "model.h"
#include "table/sizes.h"

struct histogram_figures {
	uint64_t calls;			/* since the start; a realloc() counts with its new size */
	uint64_t count, size;		/* live blocks, and the bytes that were requested for them */
	int64_t waste;			/* the bytes that these blocks take beyond that; 0 where it is not known */
};

struct histogram {
	bool waste_known;		/* the allocator tells the sizes of its blocks */
	bool glibc;			/* and is glibc's: so the classes are known exactly, and each block has a
					 * header */
	unsigned header_bytes;		/* of each block, counted in the waste; 0: not known */
	bool is_partial;		/* of a row: there was no space to count some of its sizes apart from those of
					 * other rows */
	struct histogram_figures total;
	struct histogram_figures buckets[SIZES_BUCKETS];
	uint32_t least_bytes[SIZES_BUCKETS];	/* the smallest block in each bucket, of the whole process; 0: not
						 * known */
};

struct histogram_bin {
	uint64_t from, to;		/* bytes that the program requested, both inclusive */
	uint64_t block_from, block_to;	/* by class: bytes of the blocks that the allocator uses for these, header
					 * included. For glibc above 1 KB, and there only, a range; in other bins 0 */
	struct histogram_figures figures;
};

struct histograms;

/* Finds which counts belong to which row, once for each report. The model must be of a table that does not change, as
 * the copy that a reporter has loaded. NULL: the process was started without --histogram, or
 * there is no memory. */
struct histograms *histograms_find(const struct model *m, struct arena *arena);

/* Reads the histogram of a row or, with row ROW_NONE, of the process. It stays as it is until the next call, as do the
 * bins. all: may be NULL; then the result is, too. */
const struct histogram *histogram_read(struct histograms *all, uint32_t row);

/* Room for the bins of a histogram. */
struct histogram_bin *histogram_bins(struct histograms *all);

/* Adds figures to others. */
void histogram_add(struct histogram_figures *to, const struct histogram_figures *f);

/* Whether the process keeps the counts that histograms_find() looks for. */
bool histogram_is_kept(const struct model *m);

/* Fill in the bins in the order of the sizes, and return how many there are. By power of two: from the first bin that
 * is not empty to the last one. By class: those that are not empty; 0 where the allocator does not tell its classes. By
 * bucket, as narrow as the counts are: those that are not empty. */
unsigned histogram_by_power(const struct histogram *h, struct histogram_bin bins[SIZES_BUCKETS]);
unsigned histogram_by_class(const struct histogram *h, struct histogram_bin bins[SIZES_BUCKETS]);
unsigned histogram_by_bucket(const struct histogram *h, struct histogram_bin bins[SIZES_BUCKETS]);

#endif
