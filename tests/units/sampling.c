/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The chance by which blocks are sampled (table/sample.h) against its exact values, for fixed seeds. A mean may differ
 * from its expected value by five times its standard deviation.
 */
#include "table/sample.h"

#include <math.h>
#include <stdio.h>

#define RATE	4096u

static unsigned tests;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static struct sampler begun(uint64_t seed, uint64_t rate)
{
	struct sampler s = { .seed = seed * 0x9e3779b97f4a7c15u + 1 };

	sample_begin(&s, rate);
	return s;
}

/* Whether `hits` of `tries` are what the probability p gives. */
static bool fits(double hits, double tries, double p)
{
	double deviation = sqrt(tries * p * (1 - p));

	if (fabs(hits - tries * p) <= 5 * deviation)
		return true;
	printf("# %.0f of %.0f, expected %.1f +- %.1f\n", hits, tries, tries * p, deviation);
	return false;
}

/* Distances up to RATE are those of an exponential distribution, and a share of exp(-1) is longer. */
static void test_distances(void)
{
	enum { DRAWS = 1000000 };
	double sum = 0, squares = 0, within = 0, mean, variance, e = exp(-1), p = 1 - e;
	struct sampler s = begun(1, RATE);

	for (unsigned i = 0; i < DRAWS; i++) {
		sample_begin(&s, RATE);
		if (!s.point)
			continue;
		within++;
		sum += ((double)sample_left(&s) + 0.5) / RATE;	/* the middle of the byte */
		squares += pow(((double)sample_left(&s) + 0.5) / RATE, 2);
	}
	ok(fits(within, DRAWS, p), "a distance is at most the rate with the probability 1 - 1/e");
	/* Of the exponential distribution, given that it is at most 1. */
	mean = 1 - e / p;
	variance = (2 - 5 * e) / p - mean * mean;
	ok(fabs(sum / within - mean) < 5 * sqrt(variance / within), "the mean of these");
	ok(fabs(squares / within - sum / within * sum / within - variance) < 5 * variance * sqrt(2 / within) + 1e-6,
	   "their variance");
}

/* Blocks of one size, one after another, are taken with the probability 1/n each. */
static void test_sizes(uint64_t rate, unsigned blocks)
{
	static const double parts[] = { 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99 };
	bool right = true, enough = true, all = true;
	char name[100];

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t size = (uint64_t)(parts[i] * (double)rate);
		double n = sample_blocks(size, rate), x = (double)(size + 1) / (double)rate;
		struct sampler s = begun(i + rate, rate);
		unsigned taken = 0;

		for (unsigned k = 0; k < blocks; k++)
			taken += !sample_passes(&s, (size_t)size) && sample_takes(&s, size, rate);
		right &= fits(taken, blocks, 1 / n);
		enough &= n >= 1 / (1 - exp(-x)) && n < 1 / x + 1.7;
	}
	for (uint64_t size = rate - 1; size <= 2 * rate; size += rate / 7 + 1) {
		struct sampler s = begun(size, rate);

		for (unsigned k = 0; k < 1000; k++)
			all &= !sample_passes(&s, (size_t)size) && sample_takes(&s, size, rate);
		all &= sample_blocks(size, rate) == 1;
	}
	snprintf(name, sizeof(name), "rate %llu: blocks that stand for n are taken with the probability 1/n",
		 (unsigned long long)rate);
	ok(right, name);
	ok(enough, "... n is at least 1/P, and less than one more");
	ok(all, "... and all blocks of the rate or more are taken");
}

/* Sums over a mixture of sizes. Each block that is taken adds n - 1 to the expected square of the error. */
static void test_mixture(void)
{
	static const uint64_t sizes[] = { 0, 1, 24, 100, 1000, 4000, 30, 24, 5000, 0, 700, 2048 };
	enum { KINDS = sizeof(sizes) / sizeof(sizes[0]), BLOCKS = 3000000 };
	double bytes = 0, estimated = 0, variance = 0, count = 0, estimated_count = 0, count_variance = 0;
	struct sampler s = begun(7, RATE);
	uint64_t state = 99;

	for (unsigned k = 0; k < BLOCKS; k++) {
		uint64_t size, n;

		state = state * 6364136223846793005u + 1442695040888963407u;
		size = sizes[(state >> 33) % KINDS];
		n = sample_blocks(size, RATE);
		bytes += (double)size;
		count++;
		variance += (double)(n - 1) * (double)size * (double)size;
		count_variance += (double)(n - 1);
		if (!sample_passes(&s, (size_t)size) && sample_takes(&s, size, RATE)) {
			estimated += (double)(n * size);
			estimated_count += (double)n;
		}
	}
	ok(fabs(estimated - bytes) < 5 * sqrt(variance), "a mixture of sizes: the sum of bytes");
	ok(fabs(estimated_count - count) < 5 * sqrt(count_variance), "... and of blocks");
}

/* What a program asks for with a mistake does not disturb the distance. */
static void test_extremes(void)
{
	struct sampler s = begun(3, RATE);

	sample_set_left(&s, 1000);
	ok(!sample_passes(&s, SIZE_MAX - 1) && !sample_passes(&s, SIZE_MAX / 2 + 1) && sample_left(&s) == 1000,
	   "sizes that no block can have do not pass");
	ok(sample_passes(&s, SIZE_MAX) && sample_left(&s) == 1000, "the largest of all passes, and counts nothing");
	ok(sample_passes(&s, 0) && sample_left(&s) == 999, "a block of 0 bytes counts as one byte");
	ok(sample_passes(&s, 998) && sample_left(&s) == 0 && !sample_passes(&s, 0),
	   "a block passes up to the place, and not beyond");
}

int main(void)
{
	test_distances();
	test_sizes(RATE, 400000);
	test_sizes(512 << 10, 400000);
	test_sizes(1000, 400000);
	test_sizes((uint64_t)1 << 30, 4000000);
	test_mixture();
	test_extremes();
	printf("1..%u\n", tests);
	return 0;
}
