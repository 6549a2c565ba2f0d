/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations whose figures can be computed by hand: one function per site, named as in the
 * table of tests/counts.t. Uses no stdio, so that nothing else allocates. Exits with the
 * number of the first check that failed: what the program sees must be what libc documents.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITE __attribute__((noinline))
#define CHECK(n, condition) do { if (!(condition)) _exit(n); } while (0)

/* Volatile, so that the compiler neither removes a pair nor knows a size. */
static void *volatile keep;
static volatile size_t huge = SIZE_MAX - 65536, none = 0;
static void *handed[50];

SITE static void plain(void) { for (int i = 0; i < 10; i++) keep = malloc(100); }
SITE static void zero(void) { for (int i = 0; i < 3; i++) keep = malloc(none); CHECK(10, keep); }
SITE static void cleared(void)
{
	for (int i = 0; i < 2; i++) {
		char *p = keep = calloc(7, 13);

		for (int b = 0; b < 91; b++)
			CHECK(11, !p[b]);
	}
}
SITE static void cleared_overflow(void)
{
	errno = 0;
	keep = calloc(huge, 4);
	CHECK(12, !keep && errno == ENOMEM);
}
SITE static void too_large(void)
{
	errno = 0;
	keep = malloc(huge);
	CHECK(13, !keep && errno == ENOMEM);
}

SITE static void *to_grow(void) { return malloc(10); }
SITE static void *grown(void *p) { return realloc(p, 5000); }
SITE static void from_null(void) { keep = realloc(NULL, 77); }
SITE static void to_zero(void) { void *p = malloc(33); keep = realloc(p, none); CHECK(14, !keep); }
SITE static void resized(void)
{
	void *p = NULL;

	for (int i = 1; i <= 100; i++)
		p = realloc(p, (size_t)i * 1000);	/* in place and moved */
	keep = realloc(p, 10);
}
SITE static void *to_fail(void) { char *p = malloc(40); memset(p, 7, 40); return p; }
SITE static void failing(char *p)
{
	errno = 0;
	keep = realloc(p, huge);
	CHECK(15, !keep && errno == ENOMEM && p[39] == 7);
	errno = 0;
	keep = reallocarray(p, huge, 16);
	CHECK(16, !keep && errno == ENOMEM && p[39] == 7);
}
SITE static void arrays(void) { keep = reallocarray(NULL, 6, 7); }

SITE static void memaligned(void)
{
	void *p = NULL;

	CHECK(17, posix_memalign(&p, 4096, 1000) == 0 && (uintptr_t)p % 4096 == 0);
	keep = p;
	p = (void *)&keep;
	errno = 0;
	CHECK(18, posix_memalign(&p, 24, 1000) == EINVAL && p == &keep && errno == 0);
	CHECK(19, posix_memalign(&p, 64, huge) == ENOMEM && p == &keep);
}
SITE static void aligned(void) { keep = aligned_alloc(64, 640); CHECK(20, (uintptr_t)keep % 64 == 0); }
SITE static void old_aligned(void) { keep = memalign(256, 300); CHECK(21, (uintptr_t)keep % 256 == 0); }
SITE static void paged(void) { keep = valloc(123); CHECK(22, (uintptr_t)keep % 4096 == 0); }
SITE static void whole_pages(void) { keep = pvalloc(456); CHECK(23, (uintptr_t)keep % 4096 == 0); }

SITE static void pairs(void) { for (int i = 0; i < 100000; i++) { keep = malloc(24); free(keep); } }
SITE static void kept_longer(void)	/* freed, but another allocation came between */
{
	for (int i = 0; i < 1000; i++) {
		void *p = malloc(24), *q = malloc(24);

		free(p);
		free(q);
	}
}
SITE static void duplicated(void) { keep = strdup("twelve bytes"); }

SITE static void give(void) { for (int i = 0; i < 50; i++) handed[i] = malloc(8); }
SITE static void *taker(void *arg)
{
	for (int i = 0; i < 20; i++)
		free(handed[i]);
	keep = malloc(9);
	return arg;
}
SITE static void thread(void)
{
	pthread_t t;

	CHECK(24, !pthread_create(&t, NULL, taker, NULL) && !pthread_join(t, NULL));
}

SITE static void *peak_a(void) { return malloc(10000000); }
SITE static void *peak_b(void) { return malloc(5000000); }
SITE static void *peak_c(void) { return malloc(8000000); }

SITE static void usable(void)
{
	char *p = malloc(20);

	CHECK(25, malloc_usable_size(p) >= 20);
	memset(p, 1, malloc_usable_size(p));
	keep = p;
	free(NULL);
	errno = 4711;
	keep = malloc(1);
	free(keep);
	CHECK(26, errno == 4711);
}

int main(int argc, char **argv)
{
	char *p;
	void *a, *b, *c;

	plain();
	zero();
	cleared();
	cleared_overflow();
	too_large();
	p = grown(to_grow());
	memset(p, 1, 5000);
	from_null();
	to_zero();
	resized();
	failing(to_fail());
	arrays();
	memaligned();
	aligned();
	old_aligned();
	paged();
	whole_pages();
	pairs();
	kept_longer();
	duplicated();
	give();
	thread();
	usable();
	a = peak_a();
	b = peak_b();
	free(a);
	c = peak_c();
	free(b);
	free(c);
	(void)argc;
	(void)argv;
	return 0;
}
