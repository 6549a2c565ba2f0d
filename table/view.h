/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A view is a copy of the rows at one moment, so that nothing that happens later can make the figures of a report
 * disagree.
 *
 * A row is copied until two copies are the same, so that its figures belong together even while other threads allocate.
 * The changes that are pending in threads' slots (deltas.h) are added. Async-signal-safe; the memory comes from the
 * caller's arena.
 */
#ifndef TABLE_VIEW_H
#define TABLE_VIEW_H

#include "base/arena.h"
#include "events.h"
#include "options/options.h"
#include "row.h"

/* A row's figures, put together: sizes are bytes, the others blocks and calls. */
struct counters {
	uint64_t live_size, peak_size;
	uint64_t heap_peak_size;	/* the row's bytes at the newest maximum of the heap */
	uint64_t total_size, total_count, temporary;
	uint32_t live_count, peak_count;
	uint32_t since;			/* ticks (row.h) */
};

struct view_row {
	struct counters counters;
	uint32_t row;
	uint64_t threads;	/* that have allocated in it: a set (thread_list.h) */
};

/* Sums over rows that have no live block and are not in the view. */
struct view_rest {
	uint64_t heap_peak_size, total_size, total_count, temporary;
};

struct view {
	struct view_row *rows;
	uint32_t count;
	struct row_range range;	/* of which rows the view is */
	struct view_outside {	/* sums over the other rows that have live blocks */
		uint32_t rows;
		uint64_t size, count;
	} outside;
	const uint32_t *joined;	/* by number of a row: the row that stands for all with the same backtrace (joined.h);
				 * NULL: none has been joined with another one, or this is a table that the process
				 * fills */
	uint32_t epoch;		/* totals.epoch at that moment */
	uint64_t now_ns;	/* that moment */
	uint64_t begun_precise_ns;	/* when the process began: no row is older */
	uint64_t peak_size;	/* the largest size that the whole heap has had, as far as that is known */
	struct view_rest rest;
	/* Where memory was short: the rows that are there, key by key, and sums over all rows. */
	bool cut;
	uint32_t ends[SORT_KEYS];	/* the rows of the key with index i end before rows[ends[i]] */
	uint32_t called_rows;		/* how many rows there are that have counted a call... */
	uint32_t live_rows;		/* ...and how many of these have live blocks... */
	uint64_t live_size;		/* ...and their bytes */
	uint64_t left_value;		/* the sum of the first key's figure over the rows that are left out */
};

/*
 * Rows without live blocks may be missing unless all are asked for; `rest` has their sums, unless `cut` is set.
 * keys[0..key_count): the figures that the rows will be sorted by. Where there is no memory for all rows, `cut` is set,
 * and of each key the rows with the largest figures are there, as many as an eighth of the reserve (reserve.h) holds,
 * in no order: a row is there once for each such key. Returns false when there is no memory even for that.
 */
bool view_take(struct view *v, struct table *t, bool all, const uint8_t *keys, unsigned key_count,
	       struct arena *arena);

/* The same of other rows than those that the figures are about (events_rows()). join: rows of the same backtrace become
 * one, if there is memory for that. */
bool view_take_range(struct view *v, struct table *t, struct row_range range, bool join, bool all, const uint8_t *keys,
		     unsigned key_count, struct arena *arena);

/* The same for a caller that has made sure that no thread changes the table meanwhile: nothing is frozen. */
bool view_collect(struct view *v, struct table *t, bool all, const uint8_t *keys, unsigned key_count,
		  struct arena *arena);

bool view_collect_range(struct view *v, struct table *t, struct row_range range, bool join, bool all,
			const uint8_t *keys, unsigned key_count, struct arena *arena);

/* The rows for the key with index i are those from view_first() on, before view_end(). */
static inline uint32_t view_first(const struct view *v, unsigned i)
{
	return v->cut && i ? v->ends[i - 1] : 0;
}

static inline uint32_t view_end(const struct view *v, unsigned i)
{
	return v->cut ? v->ends[i] : v->count;
}

/* The figures of one row of a table that nobody changes meanwhile, without what is pending in slots. */
void view_counters(const struct table *t, uint32_t row, struct counters *c);

/* A row's figure: bytes, blocks, calls, or for SORT_AGE nanoseconds (0 without live blocks). */
uint64_t view_value(const struct view *v, const struct view_row *r, enum sort_key key);

#endif
