/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls the functions of an allocator that is linked into the program, and prints for each place which blocks it holds at
 * the end: "SITE COUNT BYTES". PREFIX is what the functions' names begin with. Which ones there are beside the four say
 * the macros HAVE_MEMALIGN (libc's others), HAVE_X (jemalloc's), HAVE_MI and HAVE_TC; INCLUDE_OWN makes the allocator of
 * own_malloc.c a part of this file, and BESIDE says that malloc() itself is libc's.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef INCLUDE_OWN
#include "own_malloc.c"
#else
#define JOIN(a, b)	a##b
#define NAMED(a, b)	JOIN(a, b)
#define OWN(name)	NAMED(PREFIX, name)
#endif

#define SITE __attribute__((noinline))

#ifndef INCLUDE_OWN
void *OWN(malloc)(size_t size);
void *OWN(calloc)(size_t count, size_t size);
void *OWN(realloc)(void *old, size_t size);
void OWN(free)(void *p);
#endif

static void *volatile kept[8192];
static unsigned count_kept;
static volatile size_t one = 1;		/* hides sizes from the compiler */

static void keep(void *p, size_t size)
{
	if (!p) {
		puts("no memory");
		exit(1);
	}
	memset(p, 0x5a, size);
	kept[count_kept++] = p;
}

#define EXPECT(count, bytes)	printf("%s %d %d\n", __func__, (int)(count), (int)(bytes))

SITE static void plain(void)
{
	for (int i = 0; i < 100; i++)
		keep(OWN(malloc)(10 * one), 10);
	EXPECT(100, 1000);
}

SITE static void zeroed(void)
{
	for (int i = 0; i < 20; i++) {
		char *p = OWN(calloc)(3 * one, 7);

		for (int k = 0; p && k < 21; k++) {
			if (p[k])
				puts("not zeroed");
		}
		keep(p, 21);
	}
	EXPECT(20, 20 * 21);
}

SITE static void grown(void)
{
	for (int i = 0; i < 10; i++) {
		char *p = OWN(malloc)(100 * one);

		strcpy(p, "what was in it");
		p = OWN(realloc)(p, 3000 * one);
		if (strcmp(p, "what was in it"))
			puts("not copied");
		keep(p, 3000);
	}
	keep(OWN(realloc)(NULL, 5 * one), 5);
	EXPECT(11, 30005);
}

SITE static void given_back(void)
{
	for (int i = 0; i < 500; i++)
		OWN(free)(OWN(malloc)(33 * one));
	OWN(free)(NULL);
}

/* What cannot be had changes nothing. */
SITE static void refused(void)
{
	void *p = OWN(malloc)(40 * one);

	if (OWN(realloc)(p, (SIZE_MAX >> 2) * one) || OWN(malloc)((SIZE_MAX >> 2) * one))
		puts("not refused");
	keep(p, 40);
	EXPECT(1, 40);
}

/* Values that the compiler may leave in registers across a call of a function in the same file. */
SITE static void registers(void)
{
	double a = (double)one + 0.5, b = a * 3, c = b + a, d = c * b, sum = 0;
	unsigned long e = one + 6, f = one * 5, g = e * f, h = g + e;

	for (int i = 0; i < 100; i++) {
		keep(OWN(malloc)(8 * one), 8);
		sum += a + b + c + d + (double)(e + f + g + h);
		a += 0.25;
		e += 2;
		h ^= e;
	}
	if (sum != 27235.5)
		printf("registers: %.6f\n", sum);
	EXPECT(100, 800);
}

#ifdef BESIDE
SITE static void libcs(void)
{
	for (int i = 0; i < 30; i++)
		keep(malloc(11 * one), 11);
	free(malloc(12 * one));
	EXPECT(30, 330);
}
#endif

#ifdef HAVE_MEMALIGN
int OWN(posix_memalign)(void **p, size_t alignment, size_t size);
void *OWN(aligned_alloc)(size_t alignment, size_t size);
void *OWN(memalign)(size_t alignment, size_t size);

SITE static void aligned(void)
{
	void *p = NULL;

	for (int i = 0; i < 4; i++) {
		if (OWN(posix_memalign)(&p, 64, 96 * one) || (uintptr_t)p % 64)
			puts("posix_memalign");
		keep(p, 96);
		keep(OWN(aligned_alloc)(128, 256 * one), 256);
		keep(OWN(memalign)(32, 50 * one), 50);
	}
	if (!OWN(posix_memalign)(&p, 3, 96 * one))
		puts("posix_memalign of 3");
	EXPECT(12, 4 * (96 + 256 + 50));
}
#endif

#ifdef HAVE_X
void *OWN(mallocx)(size_t size, int flags);
void *OWN(rallocx)(void *old, size_t size, int flags);
size_t OWN(xallocx)(void *p, size_t size, size_t extra, int flags);
void OWN(dallocx)(void *p, int flags);
void OWN(sdallocx)(void *p, size_t size, int flags);

SITE static void extended(void)
{
	void *p;

	for (int i = 0; i < 6; i++) {
		p = OWN(mallocx)(1000 * one, 0);
		p = OWN(rallocx)(p, 2000 * one, 0);
		/* A block of 2000 bytes has room for 2048, and for no million. */
		if (OWN(xallocx)(p, 2040 * one, 0, 0) != 2048 || OWN(xallocx)(p, 1000000 * one, 0, 0) != 2048)
			puts("xallocx");
		keep(p, 2040);
	}
	OWN(dallocx)(OWN(mallocx)(77 * one, 0), 0);
	OWN(sdallocx)(OWN(mallocx)(78 * one, 0), 78, 0);
	EXPECT(6, 6 * 2040);
}
#endif

#ifdef HAVE_MI
#include <mimalloc.h>

static mi_heap_t *heap;

SITE static void extended(void)
{
	for (int i = 0; i < 6; i++) {
		keep(mi_zalloc(41 * one), 41);
		keep(mi_malloc_aligned(42 * one, 64), 42);
		keep(mi_zalloc_aligned(43 * one, 64), 43);
		keep(mi_realloc_aligned(mi_malloc_aligned(44 * one, 32), 450 * one, 32), 450);
		keep(mi_mallocn(3 * one, 15), 45);
		keep(mi_heap_malloc(heap, 46 * one), 46);
		keep(mi_heap_calloc(heap, 2 * one, 23), 46);
		keep(mi_heap_realloc(heap, mi_heap_malloc(heap, 5 * one), 47 * one), 47);
	}
	keep(mi_strdup("twelve bytes"), 13);
	mi_free_size(mi_malloc(77 * one), 77);
	mi_free_aligned(mi_malloc_aligned(78 * one, 64), 64);
	EXPECT(49, 6 * (41 + 42 + 43 + 450 + 45 + 46 + 46 + 47) + 13);
}
#endif

#ifdef HAVE_TC
void *tc_new(size_t size);
void *tc_newarray(size_t size);
void tc_delete(void *p);
void tc_deletearray(void *p);

SITE static void extended(void)
{
	for (int i = 0; i < 6; i++) {
		keep(tc_new(41 * one), 41);
		keep(tc_newarray(42 * one), 42);
		tc_delete(tc_new(43 * one));
		tc_deletearray(tc_newarray(44 * one));
	}
	EXPECT(12, 6 * (41 + 42));
}
#endif

#ifndef INCLUDE_OWN
static void *volatile of_threads[4][500];

SITE static void *thread(void *number)
{
	for (int i = 0; i < 500; i++) {
		void *p = OWN(malloc)(24 * one);

		if (i % 5) {
			OWN(free)(p);
			p = NULL;
		}
		of_threads[(uintptr_t)number][i] = p;
	}
	return NULL;
}

SITE static void threads(void)
{
	pthread_t id[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&id[i], NULL, thread, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(id[i], NULL);
	puts("thread 400 9600");
}
#endif

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	plain();
	zeroed();
	grown();
	given_back();
	refused();
	registers();
#ifdef BESIDE
	libcs();
#endif
#ifdef HAVE_MEMALIGN
	aligned();
#endif
#ifdef HAVE_MI
	heap = mi_heap_new();		/* a block of its own */
#endif
#if defined(HAVE_X) || defined(HAVE_MI) || defined(HAVE_TC)
	extended();
#endif
#ifndef INCLUDE_OWN
	threads();
#endif
	return 0;
}
