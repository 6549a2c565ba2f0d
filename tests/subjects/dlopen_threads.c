/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dlopen_threads THREADS LIBRARY...: so many threads allocate a little, from a few places
 * where main() has already allocated. Then each
 * library is opened, allocates (through its function `leaf`), is closed again, and all threads allocate as
 * before. Prints "KB per thread and library: N", by how much the resident memory grew.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES	4

static pthread_barrier_t turn;
static int turns;

__attribute__((noinline)) static void allocate(int depth, int place)
{
	if (depth) {
		allocate(depth - 1, place);
	} else {
		switch (place) {
		case 0: free(malloc(10)); break;
		case 1: free(malloc(20)); break;
		case 2: free(calloc(3, 10)); break;
		default: free(realloc(NULL, 40)); break;
		}
	}
	__asm__ volatile("");
}

static void *work(void *unused)
{
	for (int i = 0; i < turns; i++) {
		for (int k = 0; k < 10 * PLACES; k++)
			allocate(k % 3, k % PLACES);
		pthread_barrier_wait(&turn);	/* done */
		pthread_barrier_wait(&turn);	/* go on */
	}
	return unused;
}

/* Not by /proc/self/statm, which leaves out what each processor has not yet added: with many of them, megabytes. */
static long resident_kb(void)
{
	char line[256];
	long kb, sum = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	if (!f)
		exit(2);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Rss: %ld", &kb) == 1)
			sum += kb;
	fclose(f);
	return sum;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t t;
	long before = 0;

	turns = argc - 1;
	for (int k = 0; k < 10 * PLACES; k++)
		allocate(k % 3, k % PLACES);
	pthread_barrier_init(&turn, NULL, (unsigned)threads + 1);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&t, NULL, work, NULL))
			return 3;
	for (int i = 0; i < turns; i++) {
		pthread_barrier_wait(&turn);
		if (!i)
			before = resident_kb();
		if (i + 1 < turns) {
			void *library = dlopen(argv[i + 2], RTLD_NOW);
			void (*leaf)(void) = library ? (void (*)(void))dlsym(library, "leaf") : NULL;

			if (!leaf)
				return 4;
			leaf();
			dlclose(library);
		} else {
			printf("KB per thread and library: %ld\n", (resident_kb() - before) / threads / (turns > 1 ? turns - 1 : 1));
		}
		pthread_barrier_wait(&turn);
	}
	return 0;
}
