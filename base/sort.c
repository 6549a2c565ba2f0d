/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See sort.h. The heap grows backwards from the array's end, so that the entries taken can
 * pile up at its front without a second array: heap position 0 (the largest) is the last
 * element, position i is element n-1-i.
 *
 *	[ taken, largest first | rest of the heap ....... children | root ]
 *
 * Taking the root puts it at the front of the heap's area, where the heap's last position
 * was, and that entry sinks from the root.
 */
#include "sort.h"

#include <stdbool.h>

static bool before(const struct sort_entry *a, const struct sort_entry *b)
{
	return a->key != b->key ? a->key > b->key : a->index < b->index;
}

/* last is the array's last element; positions count down from it. */
static void sink(struct sort_entry *last, size_t position, size_t n)
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
		sink(last, i, n);
	for (size_t taken = 0; taken < top && n > 1; taken++) {
		struct sort_entry root = *last;

		*last = entries[taken];
		entries[taken] = root;
		sink(last, 0, --n);
	}
}
