/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sorting without malloc() or recursion, for a signal handler on a small stack: a partial heapsort in
 * place. Building the heap takes O(n) steps, and each entry taken from it O(log n), so that the top 10 of
 * 100,000 entries cost little more than one pass over them.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Entries are ordered by key, and those with equal keys by index, the smaller one first, so that the order is
 * total. */
struct sort_entry {
	uint64_t key;
	uint32_t index;
};

/*
 * Moves the `top` largest of n entries to the front, the largest first. The rest follows in no particular
 * order. If top is larger than n, all entries are sorted. Async-signal-safe.
 */
void sort_largest(struct sort_entry *entries, size_t n, size_t top);

#endif
