/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The allocation benchmark: one malloc/free pair a step, 20 calls deep, 256 distinct stacks,
 * 10,000 live blocks of 16 to 271 bytes per thread, pairs spread at random over the stacks.
 * Each block is written whole, as a program writes what it asks for.
 *
 * Prints the nanoseconds from the moment when every thread's table is full and its code warm
 * to the end of the last thread, divided by the pairs of one thread.
 *
 *	churn [THREADS [PAIRS-PER-THREAD]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIVE		10000
#define DEPTH		20	/* run() calls f0(), which is the first; malloc() is the 20th */
#define MAX_THREADS	64
#define WARM_UP		(4 * LIVE)

struct work {
	void *block[LIVE];
	uint64_t seed;
	double end_ns;
};

static long pairs = 2000000;
static int threads = 1;
static double start_ns;
static pthread_barrier_t all_ready, all_started;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t next(struct work *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

typedef void level_fn(struct work *w, int level, unsigned path, size_t slot, size_t size);
static level_fn f0, f1, f2, f3;
static level_fn *const next_level[4] = { f0, f1, f2, f3 };

/* Four functions alike; the innermost four calls take two bits of the path each. */
#define LEVEL(name)									\
	__attribute__((noinline, noclone))						\
	static void name(struct work *w, int level, unsigned path, size_t slot, size_t size) \
	{										\
		if (!level) {								\
			free(w->block[slot]);						\
			w->block[slot] = memset(malloc(size), (int)slot, size);		\
		} else {								\
			int way = level <= 4 ? path >> (2 * (level - 1)) & 3 : 0;	\
											\
			next_level[way](w, level - 1, path, slot, size);		\
		}									\
		/* no tail calls: each level is a frame */				\
		__asm__ volatile("" ::: "memory");					\
	}
LEVEL(f0)
LEVEL(f1)
LEVEL(f2)
LEVEL(f3)

__attribute__((noinline, noclone)) static void step(struct work *w, size_t slot, uint64_t random)
{
	f0(w, DEPTH - 2, (unsigned)(random >> 40) & 255, slot, 16 + (random >> 32) % 256);
	__asm__ volatile("" ::: "memory");
}

/* The first round fills the table and warms the code, the second is timed. */
static void *run(void *arg)
{
	struct work *w = arg;

	for (int round = 0; round < 2; round++) {
		long steps = round ? pairs : WARM_UP;

		/* one call site for both: each stack is the same in either */
		__asm__ volatile("" : "+r"(round), "+r"(steps));
		if (round && pthread_barrier_wait(&all_ready) == PTHREAD_BARRIER_SERIAL_THREAD)
			start_ns = now_ns();
		if (round)
			pthread_barrier_wait(&all_started);
		for (long i = 0; i < steps; i++) {
			uint64_t random = next(w);

			step(w, (round ? random : (uint64_t)i) % LIVE, random);
		}
	}
	w->end_ns = now_ns();
	return NULL;
}

int main(int argc, char **argv)
{
	static struct work work[MAX_THREADS];
	pthread_t id[MAX_THREADS];
	double end_ns = 0;

	if (argc > 1)
		threads = atoi(argv[1]);
	if (argc > 2)
		pairs = atol(argv[2]);
	if (threads < 1 || threads > MAX_THREADS || pairs < 1)
		return 2;
	pthread_barrier_init(&all_ready, NULL, (unsigned)threads);
	pthread_barrier_init(&all_started, NULL, (unsigned)threads);
	/* One thread alone is the main one: malloc's and the tracer's way without threads. */
	for (int i = 0; i < threads; i++) {
		work[i].seed = 88172645463325252u + (uint64_t)i;
		if (threads == 1)
			run(&work[i]);
		else if (pthread_create(&id[i], NULL, run, &work[i]))
			return 1;
	}
	for (int i = 0; threads > 1 && i < threads; i++)
		pthread_join(id[i], NULL);
	for (int i = 0; i < threads; i++)
		end_ns = work[i].end_ns > end_ns ? work[i].end_ns : end_ns;
	printf("%.2f\n", (end_ns - start_ns) / (double)pairs);
	return 0;
}
