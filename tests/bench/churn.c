/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The allocation benchmark: one malloc/free pair a step, 20 calls deep, 256 distinct stacks,
 * 10,000 live blocks of 16 to 271 bytes per thread, pairs spread at random over the stacks.
 * Prints the nanoseconds per pair of the steps alone.
 *
 *	churn [THREADS [PAIRS-PER-THREAD]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIVE	10000
#define DEPTH	20

static long pairs = 2000000;

struct work {
	void *block[LIVE];
	uint64_t seed;
};

static uint64_t next(struct work *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

typedef void level_fn(struct work *w, int level, unsigned path, uint64_t random);
static level_fn f0, f1, f2, f3;
static level_fn *const next_level[4] = { f0, f1, f2, f3 };

/* Four functions alike; the innermost four levels take one by two bits of the path each. */
#define LEVEL(name)									\
	__attribute__((noinline)) static void name(struct work *w, int level, unsigned path,	\
						   uint64_t random)			\
	{										\
		if (!level) {								\
			void **b = &w->block[random % LIVE];				\
											\
			free(*b);							\
			*b = malloc(16 + (random >> 32) % 256);				\
			*(volatile char *)*b = 1;					\
		} else {								\
			next_level[level <= 4 ? path >> (2 * (level - 1)) & 3 : 0](w, level - 1, path, random); \
		}									\
		__asm__ volatile("" ::: "memory");					\
	}
LEVEL(f0)
LEVEL(f1)
LEVEL(f2)
LEVEL(f3)

static void *run(void *arg)
{
	struct work *w = arg;

	for (long i = 0; i < pairs; i++) {
		uint64_t r = next(w);

		f0(w, DEPTH - 2, (unsigned)(r >> 40) & 255, r);
	}
	return NULL;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t t[64];
	double start;

	if (threads < 1 || threads > 64)
		return 2;
	if (argc > 2)
		pairs = atol(argv[2]);
	start = now_ns();
	for (int i = 0; i < threads; i++) {
		struct work *w = calloc(1, sizeof(*w));

		w->seed = 88172645463325252u + (uint64_t)i;
		if (threads == 1)
			run(w);
		else
			pthread_create(&t[i], NULL, run, w);
	}
	for (int i = 0; threads > 1 && i < threads; i++)
		pthread_join(t[i], NULL);
	printf("%.1f\n", (now_ns() - start) / (double)pairs);
	return 0;
}
