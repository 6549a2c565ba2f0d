/* SPDX-License-Identifier: GPL-2.0-only */
/* See sample.h. */
#include "sample.h"

/* Numbers from 0 to below 1 have 30 bits behind the point here. */
#define ONE	((uint64_t)1 << 30)

/* The next random number (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: SplitMix64). */
static uint64_t random_bits(struct sampler *s)
{
	uint64_t z = s->seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/*
 * The distance to the next point, 1 to sample_bytes; 0: there is none within sample_bytes bytes. Without logarithms (von
 * Neumann, "Various techniques used in connection with random digits", 1951): after a number u, further ones are drawn
 * while each is less than the one before. At least k are less with the probability u^k / k!, so an even number of them is
 * with 1 - u + u^2/2 - ... = exp(-u).
 */
static uint64_t draw(struct sampler *s, uint64_t sample_bytes)
{
	uint32_t first = (uint32_t)(random_bits(s) >> 32), last = first;
	bool even = true;

	for (;;) {
		uint32_t next = (uint32_t)(random_bits(s) >> 32);

		if (next >= last)
			break;
		last = next;
		even = !even;
	}
	return even ? (first * sample_bytes >> 32) + 1 : 0;
}

void sample_begin(struct sampler *s, uint64_t sample_bytes)
{
	uint64_t distance = draw(s, sample_bytes);

	s->point = distance != 0;
	sample_set_left(s, (size_t)((distance ? distance : sample_bytes) - 1));
}

/* Whether a block that has a point in it is recorded: with the probability 1/(n P). By the Bernoulli numbers, x/P is
 * 1 + x/2 + x^2/12 - x^4/720 + x^6/30240 - ... The next term is below 10^-6. */
static bool keeps(struct sampler *s, uint64_t bytes, uint64_t sample_bytes)
{
	uint64_t x = bytes * ONE / sample_bytes, x2 = x * x / ONE, x4 = x2 * x2 / ONE;
	uint64_t x_by_p = ONE + x / 2 + x2 / 12 - x4 / 720 + x4 * x2 / ONE / 30240;

	return (random_bits(s) >> 34) * (sample_blocks(bytes - 1, sample_bytes) * bytes) < x_by_p * sample_bytes;
}

bool sample_takes(struct sampler *s, uint64_t size_bytes, uint64_t sample_bytes)
{
	bool takes = true;

	if (!sample_takes_all(size_bytes, sample_bytes)) {
		uint64_t distance = s->point ? 1 : draw(s, sample_bytes);

		/* Of the block's size_bytes + 1 bytes, sample_left() are before the place, and the rest are from there on. */
		takes = (s->point || (distance && distance <= size_bytes - sample_left(s))) &&
			keeps(s, size_bytes + 1, sample_bytes);
	}
	sample_begin(s, sample_bytes);
	s->after = (uint32_t)s->not_left & INT32_MAX;
	return takes;
}
