/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hints of rows: a hash table, in memory of the process alone, of the rows that were found last, each with the node
 * of its frames. It spares the way through the levels of the index, and the load of the row's node. A hint is true
 * for ever, because a row keeps its node; whether the row is the one that is looked for, its frames decide.
 *
 * A bucket is a cache line of eight hints. A new one takes a place that is free or, where there is none, a place that
 * depends on the row only. If it were the oldest hint's, a program that makes its stacks in the same order again and
 * again would lose all hints of a bucket that has one too few places. The buckets in use become twice as many when
 * there are more rows than three quarters of their places; hints that are then in the wrong bucket are made anew. A
 * hint is one word, so that threads may read and write them without a lock.
 */
#ifndef TABLE_HINTS_H
#define TABLE_HINTS_H

#include "index.h"
#include "table.h"

#define HINT_WAYS		8u
#define HINTS_LOG2_LEAST	5	/* buckets: 2 KB */
#define HINTS_LOG2_FIRST	10	/* that are mapped at first: 64 KB, a page on any machine */
#define HINTS_LOG2_MOST		18	/* 16 MB */

/* The hash of a row for the index and the hints, made of that of its frames. The index needs good upper bits, which
 * each frame reaches only this way. */
static inline uint64_t hint_spread(uint64_t hash)
{
	return (hash ^ hash >> 32) * SUFFIX_FACTOR;
}

static inline uint64_t *hint_bucket(const struct table *t, uint64_t hash)
{
	return t->local->row_hints + (hash >> 20 & load_acquire(&t->local->row_hints_mask)) * HINT_WAYS;
}

/* Makes the hints of a new table, unless there are some. Returns false if there is no memory. */
bool hints_make(struct table_local *local);

/* Gives their memory back. NULL is ignored. */
void hints_unmake(struct table_local *local);

/* Notes the row that has this hash, after hint_spread(). Any number of threads. */
void hint_put(struct table *t, uint64_t hash, uint32_t row);

#endif
