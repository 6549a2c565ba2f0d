/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The suffix of a stack: one of its frames together with all frames outward of it. Stacks that were called
 * from the same place have the same suffix:
 *
 *	malloc <- parse_name <- parse_file <- main		the frames of one stack
 *	                        \_______________/		a suffix of it, ...
 *	malloc <- parse_list <- parse_file <- main		... and of another stack
 *
 * The table gives each suffix that it stores a node. The code that captures stacks keeps the nodes of
 * the suffixes that it recognizes and hands them back to the table, which then need not look at the frames
 * of a suffix again.
 */
#ifndef BASE_SUFFIX_H
#define BASE_SUFFIX_H

#include <stdint.h>

struct suffix {
	uint64_t hash;		/* of the suffix's frames */
	uint32_t node;		/* the number of the table's node for the suffix */
};

#endif
