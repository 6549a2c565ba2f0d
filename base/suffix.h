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

/*
 * The hash of a suffix is a polynomial in SUFFIX_STEP, an odd number (sqrt(2)'s fraction), modulo 2^64, with the
 * frames times SUFFIX_FACTOR as coefficients, the innermost first. So the hash of the first n frames of a stack is that
 * of the stack minus that of what lies outward of them, times the n-th power (Karp and Rabin 1987).
 */
#define SUFFIX_STEP	0x6a09e667f3bcc909u
#define SUFFIX_FACTOR	0x9e3779b97f4a7c15u
#define SUFFIX_PC_MASK	(((uint64_t)1 << 48) - 1)	/* the part of an address that counts */

/* One more frame, inward. */
static inline uint64_t suffix_mix(uint64_t hash, uint64_t frame)
{
	return hash * SUFFIX_STEP + (frame & SUFFIX_PC_MASK) * SUFFIX_FACTOR;
}

/* A frame of a walk: from frame 1 on, the position at which the walk came to it. */
struct walked {
	uintptr_t pc, sp;
	uint64_t step;		/* its lower 32 bits are the table's number for the frame's code, or 0; the others
				 * say how to get to the caller's frame (capture/recall/steps.h) */
	uint64_t power;		/* SUFFIX_STEP to the power of the frame's index in the array: the frame's weight in the
				 * hash of a stack. It stays when another frame is stored here */
};

#endif
