/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See sort.h. The heap lies backwards in the array, so that the entries that are taken can pile up at the
 * array's front: position 0 of the heap, the largest entry, is the array's last element, and position i is
 * element n-1-i.
 *
 *	[ taken, largest first | rest of the heap ....... children | root ]
 *
 * Taking the root exchanges it with the entry at the heap's last position, which is the first element behind
 * the taken ones, and that entry then sinks from the root.
 */
#include "sort.h"

#include <stdbool.h>

static bool before(const struct sort_entry *a, const struct sort_entry *b)
{
	return a->key != b->key ? a->key > b->key : a->index < b->index;
}

/* Restores the heap's order below a position. `last` is the array's last element, position 0. */
static void sift_down(struct sort_entry *last, size_t position, size_t n)
{
	struct sort_entry moving = last[-(ptrdiff_t)position];

	for (;;) {
		size_t child = 2 * position + 1;

		if (child >= n)
			break;
		if (child + 1 < n &&
		    before(&last[-(ptrdiff_t)(child + 1)], &last[-(ptrdiff_t)child]))
			child++;
		if (!before(&last[-(ptrdiff_t)child], &moving))
			break;
		last[-(ptrdiff_t)position] = last[-(ptrdiff_t)child];
		position = child;
	}
	last[-(ptrdiff_t)position] = moving;
}

void sort_largest(struct sort_entry *entries, size_t n, size_t top)
{
	struct sort_entry *last;

	if (!n)
		return;
	last = entries + n - 1;
	for (size_t i = n / 2; i-- > 0; )
		sift_down(last, i, n);
	for (size_t taken = 0; taken < top && n > 1; taken++) {
		struct sort_entry root = *last;

		*last = entries[taken];
		entries[taken] = root;
		sift_down(last, 0, --n);
	}
}
