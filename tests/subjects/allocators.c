/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every way to get and give back memory, over any allocator. Prints "SITE COUNT SIZE" for
 * each function below that must hold blocks at the end: by hand where the number is known,
 * and as counted here where allocators differ (realloc to 0) or threads take chances. Blocks
 * are written to their last byte, so that an allocator that checks itself has its say.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE __attribute__((noinline))

static void *volatile hold[16384];
static unsigned held;
static char table[64][64];
static unsigned lines;

static void keep(void *p, size_t size)
{
	if (!p)
		abort();
	memset(p, 0xa5, size);
	hold[held++] = p;
}

static void expect(const char *site, size_t count, size_t size)
{
	if (count)
		snprintf(table[lines++], sizeof(table[0]), "%s %zu %zu", site, count, size);
}

static void must(int condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "not so: %s\n", what);
		exit(1);
	}
}

/* Allocators differ; with a tracer it has to be as without. */
static void say_errno(const char *what)
{
	printf("# %s: errno %d\n", what, errno);
}

/* Allocators with an 8-byte size class put these 8 bytes apart. */
static SITE void eights(void)
{
	for (int i = 0; i < 1000; i++)
		keep(malloc(8), 8);
	expect(__func__, 1000, 8000);
}

static SITE void zeros(void)
{
	for (int i = 0; i < 100; i++)
		keep(malloc(0), 0);
	expect(__func__, 100, 0);
}

static SITE void every_size(void)
{
	for (size_t i = 1; i <= 2000; i++)
		keep(malloc(i), i);
	expect(__func__, 2000, 2001000);
}

static SITE void large(void)
{
	for (int i = 0; i < 5; i++)
		keep(malloc(1 << 20), 1 << 20);
	keep(malloc((size_t)64 << 20), 1);
	expect(__func__, 6, (size_t)69 << 20);
}

static SITE void every_other(void)
{
	void *p[1000];

	for (int i = 0; i < 1000; i++)
		p[i] = malloc(8 + i % 3 * 8);
	for (int i = 0; i < 1000; i += 2)
		free(p[i]);
	for (int i = 1; i < 1000; i += 2)
		keep(p[i], 8 + i % 3 * 8);
	/* i odd: 500 of them; i % 3 is 1, 0, 2, ... : 167 x 16, 167 x 8, 166 x 24 */
	expect(__func__, 500, 167 * 16 + 167 * 8 + 166 * 24);
}

static SITE void pairs(void)
{
	for (size_t i = 0; i < 20000; i++)
		free(memset(malloc(i % 3000), 1, i % 3000));
}

static SITE void cleared(void)
{
	for (size_t i = 1; i <= 100; i++) {
		unsigned char *p = calloc(i, 7);

		for (size_t k = 0; k < 7 * i; k++)
			must(!p[k], "calloc clears");
		keep(p, 7 * i);
	}
	expect(__func__, 100, 7 * 5050);
	errno = 0;
	must(!calloc(SIZE_MAX / 2, 3), "calloc that overflows");
	say_errno("calloc that overflows");
}

static SITE void *start_small(void)
{
	return malloc(1);
}

static SITE void grown(void)
{
	char *p = start_small();

	for (size_t i = 2; i <= 300000; i += i / 8 + 1) {
		p = realloc(p, i);
		memset(p, 1, i);
	}
	p = realloc(p, 300000);
	keep(p, 300000);
	expect(__func__, 1, 300000);
}

static SITE void shrunk(void)
{
	char *p = realloc(NULL, 300000);

	for (size_t i = 300000; i > 10; i -= i / 3)
		p = realloc(p, i);
	keep(realloc(p, 5), 5);
	expect(__func__, 1, 5);
}

static SITE void to_zero(void)
{
	size_t count = 0;

	for (int i = 0; i < 10; i++) {
		void *p = realloc(malloc(50), 0);

		if (p) {
			keep(p, 0);
			count++;
		}
	}
	expect(__func__, count, 0);
}

static SITE void to_fail(void)
{
	void *volatile p = malloc(40);
	size_t too_much = (size_t)PTRDIFF_MAX - 4096;

	errno = 0;
	must(!realloc(p, too_much), "realloc that fails");
	say_errno("realloc that fails");
	errno = 0;
	must(!reallocarray(p, SIZE_MAX / 2, 3), "reallocarray that overflows");
	say_errno("reallocarray that overflows");
	keep(p, 40);
	expect(__func__, 1, 40);
}

static SITE void arrays(void)
{
	void *p = reallocarray(NULL, 3, 5);

	keep(reallocarray(p, 7, 11), 77);
	expect(__func__, 1, 77);
}

static SITE void aligned(void)
{
	size_t size = 0, count = 0;

	for (size_t alignment = sizeof(void *); alignment <= 65536; alignment *= 2) {
		void *p = NULL;

		must(!posix_memalign(&p, alignment, 100) && !((uintptr_t)p & (alignment - 1)),
		     "posix_memalign");
		keep(p, 100);
		p = aligned_alloc(alignment, 3 * alignment);
		must(p && !((uintptr_t)p & (alignment - 1)), "aligned_alloc");
		keep(p, 3 * alignment);
		p = memalign(alignment, 33);
		must(p && !((uintptr_t)p & (alignment - 1)), "memalign");
		keep(p, 33);
		free(memalign(alignment, 1000));
		size += 133 + 3 * alignment;
		count += 3;
	}
	expect(__func__, count, size);
}

static SITE void pages(void)
{
	void *p = valloc(10);

	must(p && !((uintptr_t)p & 4095), "valloc");
	keep(p, 10);
	p = pvalloc(20);
	must(p && !((uintptr_t)p & 4095), "pvalloc");
	keep(p, 20);
	expect(__func__, 2, 30);
}

static SITE void aligned_then_grown(void)
{
	void *p = memalign(4096, 100);

	keep(realloc(p, 50000), 50000);
	expect(__func__, 1, 50000);
}

static SITE void usable(void)
{
	void *p = malloc(13);

	keep(p, malloc_usable_size(p));
	expect(__func__, 1, 13);
}

static SITE void copied(void)
{
	char *line = strdup("twelve bytes"), *text = NULL;

	keep(line, 13);
	must(asprintf(&text, "%d", 12345) == 5, "asprintf");
	free(text);
	expect(__func__, 1, 13);
}

/* ---- threads: what each got is freed by itself or by its neighbour ---- */

#define THREADS	4
#define SLOTS	512

static struct { void *p; size_t size; } slots[THREADS][SLOTS];
static pthread_barrier_t barrier;

static SITE void *thread_allocates(size_t size)
{
	return malloc(size);
}

static SITE void *thread_moves(void *p, size_t size)
{
	return realloc(p, size);
}

static void *work(void *arg)
{
	int me = (int)(intptr_t)arg;
	unsigned seed = (unsigned)me + 1;

	for (int round = 0; round < 8; round++) {
		int whose = (me + round) % THREADS;

		for (int i = 0; i < 2000; i++) {
			unsigned r = (unsigned)rand_r(&seed), s = r % SLOTS;
			size_t size = r % 7 == 0 ? r % 60000 : r % 100;

			free(slots[whose][s].p);
			slots[whose][s].p = thread_allocates(size);
			if (r % 5 == 0)
				slots[whose][s].p = realloc(slots[whose][s].p, size = size / 2 + 1);
			slots[whose][s].size = size;
			memset(slots[whose][s].p, me, size);
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[THREADS];
	size_t count = 0, size = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&ids[i], NULL, work, (void *)(intptr_t)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	/* One site for all that is left. */
	for (int i = 0; i < THREADS; i++)
		for (int s = 0; s < SLOTS; s++) {
			if (!slots[i][s].p)
				continue;
			slots[i][s].p = thread_moves(slots[i][s].p, slots[i][s].size + 1);
			count++;
			size += slots[i][s].size + 1;
		}
	expect("thread_moves", count, size);
}

int main(void)
{
	static char buffer[8192];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));	/* not a block of some site */
	eights();
	zeros();
	every_size();
	large();
	every_other();
	pairs();
	cleared();
	grown();
	shrunk();
	to_zero();
	to_fail();
	arrays();
	aligned();
	pages();
	aligned_then_grown();
	usable();
	copied();
	threads();
	for (unsigned i = 0; i < lines; i++)
		puts(table[i]);
	for (unsigned i = 0; i < 999; i++) {
		intptr_t apart = (char *)hold[i] - (char *)hold[i + 1];

		if (apart == 8 || apart == -8) {
			puts("# 8 bytes apart");
			break;
		}
	}
	fflush(stdout);
	return 0;
}
