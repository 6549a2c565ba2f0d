/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads allocate blocks and free each other's, while what is recorded changes again and again. At the end there is none of
 * these blocks left. Blocks that are backings of a pool are among them.
 *
 *	modes STEPS ROUNDS	each step, a character, in each round:
 *		x	each block is recorded
 *		1 ... 9	one in 4 to the power of so many bytes
 *		f, n	off, on
 */
#include "include/heaptrace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define SITE	__attribute__((noinline))

enum { THREADS = 3, PLACES = 600, LEAST = 1500 };

static void *_Atomic places[PLACES];
static atomic_bool ends;
static _Atomic unsigned long done;
static heaptrace_pool_t pool;

SITE static void *site_malloc(size_t size) { return malloc(size); }
SITE static void *site_calloc(size_t size) { return calloc(1, size); }
SITE static void *site_aligned(size_t size) { void *p = NULL; return posix_memalign(&p, 64, size) ? NULL : p; }
SITE static void *site_realloc(void *old, size_t size) { return realloc(old, size); }
SITE static void *site_backing(size_t size) { void *p = malloc(size); heaptrace_pool_backing(pool, p, size); return p; }

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

static void *work(void *number)
{
	uint64_t seed = 88172645463325252u * (uintptr_t)number;

	while (!atomic_load(&ends)) {
		uint64_t r = next(&seed);
		void *_Atomic *place = &places[(r >> 40) % PLACES];
		size_t size = (r >> 8) % 50 ? (r >> 16) % 400 : (r >> 16) % 300000;
		void *p = NULL;

		switch (r % 16) {
		case 0:
			p = site_calloc(size);
			break;
		case 1:
			p = site_aligned(size);
			break;
		case 2: case 3: case 4: case 5:
			p = site_realloc(atomic_exchange(place, NULL), size + 1);
			break;
		case 6:
			if (!(r >> 56 & 15))
				p = site_backing(size);
			break;
		case 7:
			free(NULL);
			break;
		default:
			p = site_malloc(size);
			break;
		}
		free(atomic_exchange(place, p));
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

static void take(char step)
{
	unsigned long before = atomic_load(&done);

	if (step == 'x')
		heaptrace_sample(0);
	else if (step == 'f')
		heaptrace_off();
	else if (step == 'n')
		heaptrace_on();
	else
		heaptrace_sample(1u << 2 * (step - '0'));
	while (atomic_load(&done) - before < LEAST)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	pool = heaptrace_pool("modes");
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 1));
	for (int i = 0; argc > 2 && i < atoi(argv[2]); i++) {
		for (const char *step = argv[1]; *step; step++)
			take(*step);
	}
	atomic_store(&ends, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < PLACES; i++)
		free(places[i]);
	return 0;
}
