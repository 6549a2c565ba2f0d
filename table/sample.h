/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampling by bytes: an allocation is recorded with a probability that grows with its size, and stands for all those
 * that were not.
 *
 * Points are strewn over the bytes that a thread asks for, as a Poisson process: on average one in each `sample_bytes`
 * bytes, independently of each other. A block of x = (size + 1) / sample_bytes below 1 has a point in it with the
 * probability P = 1 - exp(-x). It then counts as n blocks, where n is a whole number of at least 1/P that depends on
 * the size alone, and is recorded with the probability 1/(n P) only. So it is recorded with the probability 1/n, and
 * the expected values of all sums are exact, and its free can subtract what its allocation has added. A block of
 * sample_bytes or more is always recorded, and counts as one.
 *
 * The distance to the next point is known in advance, so a block before the point costs a comparison and a subtraction.
 * A Poisson process has no memory: what lies behind any place does not depend on what was before it. So a distance that
 * would be longer than sample_bytes is not kept, but drawn anew when sample_bytes bytes have passed; and no block of
 * that size passes unseen.
 */
#ifndef TABLE_SAMPLE_H
#define TABLE_SAMPLE_H

#include "base/atomics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The points of one thread. Zeros are a sampler that has not begun. Only its thread uses it; a signal handler that
 * interrupts the thread may, too, which at worst moves a point. */
struct sampler {
	size_t not_left;		/* ~ of sample_left(), so that it wraps around where the place comes */
	uint32_t mode;			/* the word of enum control_mode for which the place was drawn
					 * (process/control.h) */
	uint32_t after : 31;		/* the lower bits of `not_left` just after the newest block that was taken */
	uint32_t point : 1;		/* whether the place that comes next is a point */
	uint64_t seed;			/* of random numbers; 0: none was chosen yet */
};

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
	/* 1/P is 1/x + 1/2 + x/12 - ..., thus less than 1/x + 7/12. */
	return (uint32_t)((12 * sample_bytes + 7 * (size_bytes + 1)) / (12 * (size_bytes + 1)) + 1);
}

/* The bytes before the place that comes next: a block of fewer bytes passes. */
static inline size_t sample_left(const struct sampler *s)
{
	return ~s->not_left;
}

static inline void sample_set_left(struct sampler *s, size_t bytes)
{
	s->not_left = ~bytes;
}

/* Whether a block lies before the next place, and then goes past it. (One of SIZE_MAX bytes, which there cannot be,
 * does without going anywhere.) */
static inline __attribute__((always_inline)) bool sample_passes(struct sampler *s, size_t size_bytes)
{
	if (likely(!add_own_wraps(&s->not_left, size_bytes + 1)))
		return true;
	s->not_left -= size_bytes + 1;
	return false;
}

/* Whether the newest block that was taken is the newest one of all. */
static inline bool sample_took_newest(const struct sampler *s)
{
	return (s->not_left & INT32_MAX) == s->after;
}

/* Draws the distance to the first point, or anew when the rate has changed. sample_bytes: 1 to SAMPLE_BYTES_MOST
 * (options/options.h). The seed has to be chosen before. */
void sample_begin(struct sampler *s, uint64_t sample_bytes);

/* Whether a block is recorded for which sample_passes() is false. Goes past it. */
bool sample_takes(struct sampler *s, uint64_t size_bytes, uint64_t sample_bytes);

#endif
