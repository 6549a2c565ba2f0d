/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations by several functions, each with a known figure that matters: how many live, how many were temporary, what
 * was there at the peak. The sum of the sizes is what a run with --sample has to estimate.
 *
 *	sampling [PAUSE]	PAUSE: in the middle the program writes a byte to standard output and waits for one from
 *				standard input, after which it does all that again
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITE	__attribute__((noinline))

enum { SMALL = 200000, MEDIUM = 4000, LARGE = 200, GROWN = 5000, THREADED = 60000, PAIRS = 200000 };

static void *kept[2 * (SMALL + MEDIUM + LARGE + GROWN + 2 * THREADED)];
static int count;
static void *volatile last;

SITE static void *small(void) { return malloc(40); }
SITE static void *medium(void) { return calloc(3, 1000); }
SITE static void *large(void) { return malloc(100000); }
SITE static void *aligned(void) { void *p = NULL; return posix_memalign(&p, 64, 2000) ? NULL : p; }
SITE static void *grown(void) { return realloc(malloc(500), 1500); }
SITE static void *regrown(void *p) { return realloc(p, 1600); }
SITE static void *threaded(void) { return malloc(48); }
SITE static void *temporary(void) { return malloc(64); }
SITE static void *between(void) { return malloc(65); }

static void *thread(void *unused)
{
	void **list = calloc(THREADED, sizeof(*list));

	(void)unused;
	for (int i = 0; i < THREADED; i++)
		list[i] = threaded();
	for (int i = 0; i < THREADED / 3; i++)
		free(list[i]);
	return list;
}

static void work(void)
{
	int first = count;
	pthread_t threads[2];

	for (int i = 0; i < SMALL; i++)
		kept[count++] = small();
	for (int i = 0; i < PAIRS; i++) {
		free(last = temporary());
		last = between();	/* not temporary, as temporary() allocates before its free */
		void *p = last;
		free(last = temporary());
		free(p);
	}
	for (int i = 0; i < MEDIUM; i++)
		kept[count++] = medium();
	for (int i = 0; i < LARGE; i++)
		kept[count++] = large();
	for (int i = 0; i < MEDIUM; i++)
		kept[count++] = aligned();
	for (int i = 0; i < GROWN; i++)
		kept[count++] = regrown(grown());
	/* Half of all goes, the newest first. */
	for (int i = count - 1; i >= first; i -= 2) {
		free(kept[i]);
		kept[i] = NULL;
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, thread, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	char byte = 'x';

	(void)argv;
	work();
	if (argc > 1) {
		if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1)
			return 1;
		work();
	}
	return 0;
}
