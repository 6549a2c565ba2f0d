/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table: one row of counters per distinct backtrace, in one mapping without a pointer.
 *
 *	offset 0        rows               infos              index        pool        modules, text
 *	+--------+--------------------+-----------------+-----------+-------------+--------------+
 *	| header | 64 bytes a row:    | 16 bytes a row: | levels of | frames as   | see          |
 *	| totals | the counters       | where its       | buckets   | 8-byte      | modules.h    |
 *	|        | (row.h)            | frames are      |           | addresses   |              |
 *	+--------+--------------------+-----------------+-----------+-------------+--------------+
 *
 * All of it is reserved at once and touched as rows arrive: address space, not memory. What
 * reads it (a report) needs nothing else, so the mapping can be a file, and can belong to a
 * process that is gone.
 *
 * Rows are never removed. Row 0 means "no row"; row 1 stands for every backtrace that no
 * longer found room, and has no frames.
 *
 * The index finds a row by the hash of its frames. A level is an array of buckets, a bucket
 * is one cache line of 8 slots, {upper half of the hash, row}; each level has 8 times the
 * buckets of the one before. A backtrace belongs into the first free slot of its bucket in
 * the first level whose bucket is not full. Slots are only ever filled, so a full bucket
 * stays full, and all threads agree on the place: whoever wins the slot's compare-and-swap
 * has interned the backtrace, and the others find it there. No lock, nothing is moved, and
 * a small program touches 32 KB of it.
 *
 * Everything here is async-signal-safe and safe in any number of threads unless it says
 * otherwise.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/atomics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_MAGIC		"heaptrc"	/* 8 bytes with its NUL */
#define TABLE_VERSION		1
#define TABLE_LEVELS		5
#define TABLE_BUCKET_SLOTS	8
#define TABLE_LEVEL0_LOG2	9	/* buckets of the first level: 512, 32 KB */
#define TABLE_LEVEL_STEP	3	/* each next level has 8 times as many */

#define ROW_NONE		0u
#define ROW_OVERFLOW		1u
#define ROW_FIRST		2u
#define ROW_ID_BITS		24	/* what the block map has room for */

/*
 * One cache line of counters. A live block is one that is recorded and not yet freed.
 *
 * Invariants, whenever no thread is between two of the stores (row.h):
 *	live_count <= peak_count, live_size <= peak_size, heap_peak_size <= peak_size
 *	live_count <= total_count, live_size <= total_size, temporary <= total_count
 *	live_count == 0  implies  live_size == 0
 *	the sum of live_size over all rows == totals.live_size
 *	the sum of row_heap_peak() over all rows == totals.peak_size
 *
 * live_count has 32 bits: a backtrace with more than 4,294,967,295 live blocks is out of
 * range (the blocks alone would take 128 GB). temporary_low wraps; each wrap is counted in
 * the row's info.
 */
struct row {
	uint64_t live_size, peak_size;		/* bytes */
	uint64_t heap_peak_size;		/* bytes at the heap's maximum: row_heap_peak() */
	uint64_t total_size, total_count;
	uint64_t since_ns;			/* when live_count last left 0 (clock of now_ns) */
	uint32_t live_count, peak_count;
	uint32_t temporary_low;
	uint32_t epoch;				/* of totals.epoch, when heap_peak_size was saved */
};

struct row_info {
	uint32_t frames;		/* index into the pool */
	uint16_t frame_count;
	uint16_t temporary_high;	/* how often temporary_low has wrapped */
	uint32_t modules_seen;		/* modules known when the row was made */
	uint32_t hash;			/* the lower half; the index holds the upper one */
};

/* Sums over all rows; on a cache line of its own because every allocation writes it. */
struct table_totals {
	uint64_t live_size, peak_size;	/* bytes, and their maximum */
	uint64_t unknown_frees;		/* frees of blocks that were never recorded */
	uint64_t stale_blocks;		/* blocks whose free was not seen: address came again */
	uint64_t lost_blocks;		/* allocations not recorded for want of memory */
	uint32_t epoch;			/* counts the heap's new maxima */
	uint32_t own_new;		/* the allocator's operator new does not call malloc */
	uint64_t fallbacks;		/* stacks that the fast unwinder gave up */
	uint64_t stacks_checked, stacks_disagreed;	/* --unwind=check */
};

struct table_header {
	char magic[8];
	uint32_t version;
	uint32_t word_bits;		/* 32 or 64, of the traced program */
	uint64_t size_bytes;		/* of the whole mapping */
	uint64_t rows_offset, infos_offset, index_offset, pool_offset, modules_offset, text_offset;
	uint32_t row_limit;		/* rows there is room for */
	uint32_t pool_limit;		/* frames */
	uint32_t module_limit, text_limit;
	uint32_t level_count;
	uint32_t pid;
	char command[16];

	/* What grows. */
	__attribute__((aligned(64))) uint32_t row_count;	/* row 0 and 1 included */
	uint32_t pool_used;		/* frames; may run past pool_limit when it is full */
	uint32_t module_count;
	uint32_t text_used;
	uint32_t rows_wasted;		/* lost a race to intern the same backtrace */

	__attribute__((aligned(64))) struct table_totals totals;
};

_Static_assert(sizeof(struct row) == 64, "a row is one cache line");
_Static_assert(sizeof(struct row_info) == 16, "four infos a cache line");

/* The table of this process, or one read from elsewhere: addresses of the parts. */
struct table {
	struct table_header *head;	/* NULL: there is no table */
	struct row *rows;
	struct row_info *infos;
	uint64_t *index;
	uint64_t *pool;
	struct module *modules;		/* modules.h */
	char *text;			/* the modules' paths */
};

/*
 * Reserves and initializes a table. Tries smaller ones when the kernel refuses (RLIMIT_AS,
 * overcommit); false when not even the smallest is to be had. Call once, before threads.
 */
bool table_create(struct table *t);

/*
 * Finds or makes the row of a backtrace: count frames, at least 1, innermost first. Returns
 * its id; ROW_OVERFLOW when there is no room for a new one. *is_new tells whether this call
 * made the row; then the caller notes the modules and sets the info's modules_seen.
 */
uint32_t table_intern(struct table *t, const uintptr_t *frames, unsigned count, bool *is_new);

/* The frames of a row, innermost first, and their number in *count (0 for ROW_OVERFLOW). */
const uint64_t *table_frames(const struct table *t, uint32_t row, unsigned *count);

/* Row ids in use are below this. */
static inline uint32_t table_row_end(const struct table *t)
{
	uint32_t count = load_acquire(&t->head->row_count);

	return count < t->head->row_limit ? count : t->head->row_limit;
}

#endif
