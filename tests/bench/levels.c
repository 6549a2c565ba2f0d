/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As churn.c, but nothing about the stacks is regular: at each of 20 levels a random bit chooses one of two
 * functions, whose frames are of different sizes. 256 distinct stacks, a pair of free() and malloc() a step,
 * 10,000 live blocks of 16 to 271 bytes per thread.
 *
 * Prints the nanoseconds of a pair, after the threads' tables are full.
 *
 *	levels [THREADS [PAIRS-PER-THREAD]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIVE		10000
#define LEVELS		20
#define STACKS		256
#define MAX_THREADS	64

struct work {
	void *block[LIVE];
	uint64_t seed;
	double begin_ns, end_ns;
};

static long pairs = 1000000;
static uint32_t paths[STACKS];
static pthread_barrier_t full;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

typedef void level_fn(struct work *w, int level, uint32_t path, size_t slot, size_t size);
static level_fn narrow, wide;

/* Two functions alike but for the size of their frames. */
#define LEVEL(name, bytes)								\
	__attribute__((noinline, noclone))						\
	static void name(struct work *w, int level, uint32_t path, size_t slot, size_t size) \
	{										\
		char frame[bytes];							\
											\
		__asm__ volatile("" : : "r"(frame) : "memory");				\
		if (!level) {								\
			free(w->block[slot]);						\
			w->block[slot] = memset(malloc(size), (int)slot, size);		\
		} else if (path & 1) {							\
			wide(w, level - 1, path >> 1, slot, size);			\
		} else {								\
			narrow(w, level - 1, path >> 1, slot, size);			\
		}									\
		/* no tail calls: each level is a frame */				\
		__asm__ volatile("" ::: "memory");					\
	}
LEVEL(narrow, 24)
LEVEL(wide, 120)

static void *run(void *arg)
{
	struct work *w = arg;

	for (int round = 0; round < 2; round++) {
		long steps = round ? pairs : 4 * LIVE;

		__asm__ volatile("" : "+r"(round), "+r"(steps));
		if (round)
			pthread_barrier_wait(&full);
		w->begin_ns = now_ns();
		for (long i = 0; i < steps; i++) {
			uint64_t random = next(&w->seed);

			narrow(w, LEVELS - 1, paths[(random >> 40) % STACKS], (round ? random : (uint64_t)i) % LIVE,
			       16 + (random >> 32) % 256);
		}
	}
	w->end_ns = now_ns();
	return NULL;
}

int main(int argc, char **argv)
{
	static struct work work[MAX_THREADS];
	pthread_t id[MAX_THREADS];
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	uint64_t seed = 88172645463325252u;
	double ns = 0;

	if (argc > 2)
		pairs = atol(argv[2]);
	if (threads < 1 || threads > MAX_THREADS || pairs < 1)
		return 2;
	for (int i = 0; i < STACKS; i++)
		paths[i] = (uint32_t)(next(&seed) >> 20);
	pthread_barrier_init(&full, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		work[i].seed = 2685821657736338717u + (uint64_t)i;
		if (threads == 1)
			run(&work[i]);
		else if (pthread_create(&id[i], NULL, run, &work[i]))
			return 1;
	}
	for (int i = 0; i < threads; i++) {
		if (threads > 1)
			pthread_join(id[i], NULL);
		if (work[i].end_ns - work[i].begin_ns > ns)
			ns = work[i].end_ns - work[i].begin_ns;
	}
	printf("%.2f\n", ns / (double)pairs);
	return 0;
}
