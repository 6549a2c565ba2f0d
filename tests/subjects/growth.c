/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * growth SECONDS KIND...: answers about 1,000 requests per second of each kind, all of which get their memory by the same
 * function:
 *
 *	leak	one of a hundred requests does not free its memory
 *	cache	keeps the memory of the first requests, for a third of the time
 *	steady	keeps the memory of the last 50 requests
 *	step	keeps a block of 1 MB from the middle of the time on
 *	hold	when the time is over: writes "over", and waits to be killed
 *	end	frees what `cache` has kept when the time is over
 *
 * SECONDS 0: until it is killed, as if the time were a minute.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEPT	50

static void *cached[100000];
static unsigned cached_count;

__attribute__((noinline)) static void *get(size_t size)
{
	void *block = malloc(size);

	memset(block, 1, size);
	return block;
}

__attribute__((noinline)) static void leak(unsigned n)
{
	void *request = get(1000);

	if (n % 100)
		free(request);
}

__attribute__((noinline)) static void cache(double share)
{
	if (share < 1.0 / 3)
		cached[cached_count++] = get(1000);
}

__attribute__((noinline)) static void steady(unsigned n)
{
	static void *last[KEPT];

	free(last[n % KEPT]);
	last[n % KEPT] = get(500 + n * 7 % 1000);
}

__attribute__((noinline)) static void step(double share)
{
	static void *kept;

	if (share > 0.5 && !kept)
		kept = get(1000000);
}

int main(int argc, char **argv)
{
	unsigned wanted = argc > 1 ? (unsigned)(atof(argv[1]) * 1000) : 0;

	/* Time is counted by requests, so that on a busy machine it passes more slowly, and nothing comes at once. */
	for (unsigned n = 0; !wanted || n < wanted; n++) {
		double share = (double)n / (wanted ? wanted : 60000);
		struct timespec rest = { 0, 900000 };

		for (int i = 2; i < argc; i++) {
			if (!strcmp(argv[i], "leak"))
				leak(n);
			else if (!strcmp(argv[i], "cache"))
				cache(share);
			else if (!strcmp(argv[i], "steady"))
				steady(n);
			else if (!strcmp(argv[i], "step"))
				step(share);
		}
		nanosleep(&rest, NULL);
	}
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "hold") && write(STDOUT_FILENO, "over\n", 5) == 5)
			pause();
		while (!strcmp(argv[i], "end") && cached_count)
			free(cached[--cached_count]);
	}
	return 0;
}
