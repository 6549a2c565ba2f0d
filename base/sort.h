/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sorting without malloc or recursion, for a signal handler on a small stack: a heap in
 * place, from which the largest entries are taken one by one. Building it is O(n), each
 * entry taken is O(log n), so that the top 10 of 100,000 cost little more than one pass.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Ordered by key; equal keys by index, the smaller one first (so that the order is total). */
struct sort_entry {
	uint64_t key;
	uint32_t index;
};

/*
 * Moves the `top` largest of n entries to the front, largest first; the rest follows in no
 * order. top > n means all. Async-signal-safe.
 */
void sort_largest(struct sort_entry *entries, size_t n, size_t top);

#endif
