/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that allocate, reallocate and free at random, with blocks handed from thread to
 * thread, and that keep count of each site's live blocks and bytes themselves. Prints
 * "SITE COUNT SIZE" lines at the end, by write(2) from a static buffer: stdio would allocate.
 *
 *	threads THREADS STEPS SEED
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SITES	8
#define BLOCKS	4096	/* shared: a slot is taken and given by exchange */

struct block { void *p; size_t size; int site; };

static struct block store[BLOCKS];
static int busy[BLOCKS];
static long count[SITES], size[SITES];
static int steps;

static void add(int site, long blocks, long bytes)
{
	__atomic_fetch_add(&count[site], blocks, __ATOMIC_RELAXED);
	__atomic_fetch_add(&size[site], bytes, __ATOMIC_RELAXED);
}

/* Each site is a function of its own, so that its name stands in the backtrace. */
#define SITE(n, expression) \
	__attribute__((noinline)) static void *site##n(void *old, size_t bytes) \
	{ \
		void *p = (expression); \
		(void)old; \
		__asm__ volatile("" ::: "memory"); \
		return p; \
	}
static void *aligned(size_t bytes) { void *p; return posix_memalign(&p, 128, bytes) ? NULL : p; }
SITE(0, malloc(bytes))
SITE(1, calloc(1, bytes))
SITE(2, aligned(bytes))
SITE(3, malloc(bytes))
SITE(4, realloc(old, bytes))
SITE(5, realloc(old, bytes))
SITE(6, reallocarray(old, bytes, 1))
SITE(7, realloc(old, bytes))
static void *(*const sites[SITES])(void *, size_t) = {
	site0, site1, site2, site3, site4, site5, site6, site7
};

static unsigned next(unsigned *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void step(unsigned *seed)
{
	unsigned slot = next(seed) % BLOCKS, what = next(seed);
	struct block *b = &store[slot];
	size_t bytes = next(seed) % 512 + (what % 1000 == 0 ? 300000 : 0);
	int site;

	if (__atomic_exchange_n(&busy[slot], 1, __ATOMIC_ACQUIRE))
		return;
	if (!b->p) {
		site = what % 4;
		b->p = sites[site](NULL, bytes);
	} else if (what % 3) {
		site = 4 + what % 4;
		bytes++;
		b->p = sites[site](b->p, bytes);
		add(b->site, -1, -(long)b->size);
	} else {
		free(b->p);
		add(b->site, -1, -(long)b->size);
		b->p = NULL;
		__atomic_store_n(&busy[slot], 0, __ATOMIC_RELEASE);
		return;
	}
	if (!b->p)
		_exit(9);
	b->site = site;
	b->size = bytes;
	add(site, 1, (long)bytes);
	__atomic_store_n(&busy[slot], 0, __ATOMIC_RELEASE);
}

static void *run(void *seed)
{
	unsigned s = (unsigned)(size_t)seed;

	for (int i = 0; i < steps; i++)
		step(&s);
	return NULL;
}

int main(int argc, char **argv)
{
	static char text[1024];
	pthread_t threads[64];
	int n = argc > 1 ? atoi(argv[1]) : 8, len = 0;
	unsigned seed = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

	steps = argc > 2 ? atoi(argv[2]) : 1000000;
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, run, (void *)(size_t)(seed * 2654435761u + (unsigned)i + 1));
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SITES; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "site%d %ld %ld\n", i, count[i], size[i]);
	return write(1, text, (size_t)len) == len ? 0 : 1;
}
