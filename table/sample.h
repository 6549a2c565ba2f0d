/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampling by bytes: an allocation is recorded with a probability that grows with its size, and stands for all those that
 * were not.
 *
 * Points are strewn over the bytes that a thread asks for, as a Poisson process: on average one in each `sample_bytes`
 * bytes, independently of each other. A block of x = (size + 1) / sample_bytes below 1 has a point in it with the
 * probability P = 1 - exp(-x). It then counts as n blocks, where n is a whole number of at least 1/P that depends on the
 * size alone, and is recorded with the probability 1/(n P) only. So it is recorded with the probability 1/n, and the
 * expected values of all sums are exact, and its free can subtract what its allocation has added. A block of sample_bytes
 * or more is always recorded, and counts as one.
 */
#ifndef TABLE_SAMPLE_H
#define TABLE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a block of this size is recorded in any case. */
static inline bool sample_takes_all(uint64_t size_bytes, uint64_t sample_bytes)
{
	return size_bytes + 1 >= sample_bytes;
}

/* For how many blocks of its size a recorded block stands. sample_bytes 0: each block was recorded. */
static inline uint32_t sample_blocks(uint64_t size_bytes, uint64_t sample_bytes)
{
	if (sample_takes_all(size_bytes, sample_bytes))
		return 1;
	return (uint32_t)(sample_bytes / (size_bytes + 1) + 2);	/* 1/P is less than 1/x + 1 */
}

#endif
