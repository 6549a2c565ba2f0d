/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What --watch shows, as figures: of each backtrace, or of each group of them, what it has now and how that has
 * changed, since the look before or since a baseline; sorted; and the sums.
 *
 *	table --watch_rates_take()--> now, before, baseline --watch_rates_list()--> items, the largest first
 *
 * A look takes one pass over the counters of all rows and 24 bytes of memory for each row and moment, and a list one
 * more pass: with 500,000 rows both together take some 20 ms. The figures of a row that another thread changes at the
 * moment of the look can be off by what that thread does then.
 *
 * Sizes are bytes, counts blocks or calls, times nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef WRAPPER_WATCH_RATES_H
#define WRAPPER_WATCH_RATES_H

#include "base/arena.h"
#include "base/sort.h"
#include "watch_names.h"

/* What the items are sorted by: an enum sort_key, or one of these. */
enum {
	WATCH_BY_GROWTH = SORT_KEYS,	/* bytes that the item has more than before, or than at the baseline */
	WATCH_BY_CALLS,			/* calls since then */
	WATCH_SORTS
};

const char *watch_sort_name(unsigned sort);

/* Whether the figures that the items are sorted by are bytes. */
bool watch_sort_is_size(unsigned sort);

struct watch_figures {
	uint64_t size, calls;		/* live bytes, and calls since the start */
	uint32_t count;			/* live blocks */
};

struct watch_sums {
	uint64_t size, count, calls, temporary;
	uint64_t ns;			/* the moment; 0: there is none */
};

struct watch_item {
	uint32_t row;			/* of a group: the one with the most live bytes */
	uint32_t label;			/* of a group */
	uint32_t rows;			/* backtraces with a call */
	uint64_t most;			/* live bytes of `row` */
	uint64_t size, count, calls;
	uint64_t key;			/* the figure of the sort key; of growth: as a signed number */
	int64_t size_change, count_change, calls_change;	/* since the earlier moment */
};

struct watch_rates {
	unsigned sort;
	struct watch_figures *now, *before, *baseline;	/* by the rows' numbers */
	uint32_t end, before_end, baseline_end;		/* the rows that there are figures of have lower numbers */
	uint32_t room, baseline_room;
	struct watch_sums sums, sums_before, sums_baseline;	/* sums_baseline.ns 0: no baseline is marked */
	uint32_t *group_of;		/* by label: the place of the group in `groups`, plus 1 */
	struct watch_item *groups;
	uint32_t group_count, group_room, label_room;
	struct sort_entry *order;	/* rows or groups */
	uint32_t order_room;
	uint32_t count, sorted;		/* how many items there are, and how many of them are sorted: the largest */
	uint64_t matching_size;		/* the live bytes of all items */
	/* Rows of one backtrace in several windows of the recording (table/joined.h): the row that stands for them, and
	 * the next one of them by a row's number. NULL: no backtrace has two rows. */
	struct arena joined_arena;
	const uint32_t *joined;
	uint32_t *joined_next;
	uint32_t joined_first, joined_end;	/* the rows that these arrays are of */
	uint64_t now_ns;		/* by the clock of the table, for ages */
};

/* Reads the figures of the table. now_ns: its moment. False: there is no memory, and the figures stay. */
bool watch_rates_take(struct watch_rates *r, const struct table *t, uint64_t now_ns);

/* Marks the figures of now as the baseline, or drops it. False: there is no memory. */
bool watch_rates_mark(struct watch_rates *r);
void watch_rates_drop(struct watch_rates *r);

/* The moment that changes count from: the baseline, or the look before. ns is 0 where there is none. */
static inline const struct watch_sums *watch_rates_earlier(const struct watch_rates *r)
{
	return r->sums_baseline.ns ? &r->sums_baseline : &r->sums_before;
}

/* Lists the items by r->sort, with the names' groups and filter, of which the `wanted` largest get sorted. False: there
 * is no memory. */
bool watch_rates_list(struct watch_rates *r, const struct table *t, const struct watch_names *n, uint32_t wanted);

/* Item number i, i < r->sorted. */
struct watch_item watch_rates_item(const struct watch_rates *r, const struct table *t, const struct watch_names *n,
				   uint32_t i);

/* The row or label that stands for an item, and stays the same from look to look. */
static inline uint32_t watch_rates_id(const struct watch_rates *r, const struct watch_names *n, uint32_t i)
{
	return n->group == GROUP_BACKTRACE ? r->order[i].index : r->groups[r->order[i].index].label;
}

/* The figures of one row, as an item. */
struct watch_item watch_rates_row(const struct watch_rates *r, const struct table *t, uint32_t row);

void watch_rates_close(struct watch_rates *r);

#endif
