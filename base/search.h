/* SPDX-License-Identifier: GPL-2.0-only */
/* Binary search in whatever is sorted. */
#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#include <stddef.h>

/*
 * The first index from 0 to n - 1 for which `before` is false, or n if it is true for all. `before`
 * is an expression in the variable `i`, the index. It must be true up to some index and false from
 * there on.
 *
 *	search_first(count, i, rows[i].number < wanted)		the first row that is not below `wanted`
 *
 * O(log n). Does nothing but evaluate the expression.
 */
#define search_first(n, i, before) __extension__ ({					\
	size_t search_low_ = 0, search_high_ = (n);					\
											\
	while (search_low_ < search_high_) {						\
		size_t i = search_low_ + (search_high_ - search_low_) / 2;		\
											\
		if (before)								\
			search_low_ = i + 1;						\
		else									\
			search_high_ = i;						\
	}										\
	search_low_;									\
})

#endif
