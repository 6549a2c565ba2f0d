/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * thread_memory THREADS CALLS: how much memory in the tracer's area is resident, in KB, while threads come and go. First
 * one thread, which makes all backtraces, so that the table does not grow later; then THREADS threads, each of which
 * allocates once (CALLS is 0) or CALLS times from recursive calls, and is idle; then they have ended.
 *
 *	before 1200		with the main thread alone, after the first thread
 *	idle 5000		with all threads
 *	ended 1300
 *
 * The area is where the library's memory lies beside its code: anonymous mappings, and the table's.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

static sem_t worked, may_end;
static unsigned long calls;
static unsigned long area_start, area_end;

static void *descend(unsigned levels, unsigned *bits);

/* Functions with frames of different sizes, which call one another at random. */
#define LEVEL(name, frame_bytes)							\
	static __attribute__((noinline)) void *name(unsigned levels, unsigned *bits)	\
	{										\
		char frame[frame_bytes];						\
		void *p;								\
											\
		__asm__ volatile("" : : "r"(frame) : "memory");				\
		p = descend(levels, bits);						\
		__asm__ volatile("" : "+r"(p));						\
		return p;								\
	}
LEVEL(left, 48)
LEVEL(right, 112)

static inline __attribute__((always_inline)) void *descend(unsigned levels, unsigned *bits)
{
	*bits = *bits * 1103515245 + 12345;
	if (!levels)
		return malloc(24);
	return *bits >> 16 & 1 ? left(levels - 1, bits) : right(levels - 1, bits);
}

static void *work(void *unused)
{
	unsigned bits = 1;

	free(malloc(24));
	for (unsigned long i = 0; i < calls; i++)
		free(left(i % 40, &bits));
	sem_post(&worked);
	sem_wait(&may_end);
	return unused;
}

static unsigned long resident_kb(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long sum = 0, start, end, kb;
	char line[512];
	int in = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = start >= area_start && end <= area_end;
		else if (in && sscanf(line, "Rss: %lu kB", &kb) == 1)
			sum += kb;
	}
	if (f)
		fclose(f);
	return sum;
}

static void run(unsigned threads, const char *name)
{
	pthread_t t[256];

	for (unsigned i = 0; i < threads; i++) {
		pthread_create(&t[i], NULL, work, NULL);
		sem_wait(&worked);
	}
	if (name)
		printf("%s %lu\n", name, resident_kb());
	for (unsigned i = 0; i < threads; i++)
		sem_post(&may_end);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 2 ? (unsigned)atoi(argv[1]) : 0;

	if (!threads || threads > 256)
		return 2;
	calls = strtoul(argv[2], NULL, 10);
	/* As base/arena.c chooses it: an eighth of the upper half of the address space, which begins in the first eighth. */
	area_start = 1ul << (63 - __builtin_clzl((unsigned long)&threads));
	area_end = area_start + area_start / 8 * 2;
	run(1, NULL);
	printf("before %lu\n", resident_kb());
	run(threads, "idle");
	printf("ended %lu\n", resident_kb());
	return 0;
}
