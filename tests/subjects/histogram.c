/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocates blocks of known sizes, keeps its own histogram of them, and writes that to a file:
 *
 *	power TO CALLS COUNT SIZE WASTE		TO: the power of two that the size does not exceed
 *	class BLOCK CALLS COUNT SIZE WASTE	BLOCK: bytes of the block, of requests up to 1 KB
 *
 *	histogram FILE plain|threads|killed|fork [HEADER]
 *
 * HEADER: the bytes that the allocator has in front of each block, 8 for glibc's. 0: it is another allocator, whose
 * classes are what malloc_usable_size() says. All blocks come from functions named take...
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE	__attribute__((noinline))
#define THREADS		4
#define SHARED		256
#define STEPS		20000

struct figures {
	long calls, count, size, waste;
};
static struct figures powers[64], classes[512];	/* of classes, by 8 bytes */
static long header = 8;

static void add(long *to, long v)
{
	__atomic_fetch_add(to, v, __ATOMIC_RELAXED);
}

/* glibc's class follows from the size; others say it. */
static size_t class_of(void *p, size_t size)
{
	size_t chunk = (size + 8 + 15) & ~(size_t)15;

	return !header ? malloc_usable_size(p) : chunk < 32 ? 32 : chunk;
}

static void note(void *p, size_t size, int blocks, int calls)
{
	long waste = (long)malloc_usable_size(p) + header - (long)size;
	struct figures *f = powers;
	size_t to = 1;

	if (size) {
		for (f = &powers[1]; to < size; to *= 2)
			f++;
	}
	for (int i = 0; i < 2; i++) {
		add(&f->calls, calls);
		add(&f->count, blocks);
		add(&f->size, blocks * (long)size);
		add(&f->waste, blocks * waste);
		if (size > 1024)
			break;
		f = &classes[class_of(p, size) / 8];
	}
}

static NOINLINE void *take(size_t size)
{
	void *p = malloc(size);

	note(p, size, 1, 1);
	return p;
}

static NOINLINE void *take_cleared(size_t size)
{
	void *p = calloc(1, size);

	note(p, size, 1, 1);
	return p;
}

static NOINLINE void *take_aligned(size_t size)
{
	void *p;

	if (posix_memalign(&p, 64, size))
		abort();
	note(p, size, 1, 1);
	return p;
}

static NOINLINE void *take_again(void *old, size_t old_size, size_t size)
{
	void *p;

	note(old, old_size, -1, 0);
	p = realloc(old, size);
	if (!p)
		note(old, old_size, 1, 0);
	else
		note(p, size, 1, 1);
	return p;
}

static NOINLINE void give(void *p, size_t size)
{
	note(p, size, -1, 0);
	free(p);
}

static void plain(void)
{
	static const size_t sizes[] = {
		0, 1, 2, 3, 4, 7, 8, 9, 16, 17, 24, 25, 32, 33, 40, 41, 63, 64, 65, 100, 128, 129, 500, 1000, 1024, 1025, 1152,
		1153, 2000, 2048, 2049, 5000, 65536, 131072, 131073, 300000, 5000000,
	};
	void *p;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned n = 0; n < i % 5 + 2; n++) {
			p = n == 1 ? take_cleared(sizes[i]) : n == 3 && header ? take_aligned(sizes[i]) : take(sizes[i]);
			if (n % 3 == 2)
				give(p, sizes[i]);
		}
	}
	take_again(take(100), 100, 104);
	take_again(take(100), 100, 1000);
	take_again(take(1000), 1000, 10);
	take_again(take(200000), 200000, 2000000);
	p = take(48);
	if (take_again(p, 48, PTRDIFF_MAX))
		abort();
	p = take(77);
	if (header) {		/* others return a block of 0 bytes */
		note(p, 77, -1, 0);
		if (realloc(p, 0))
			abort();
	}
	for (int i = 0; i < 1000; i++)
		give(take(3000), 3000);
}

static uint64_t *shared[SHARED];

/* Blocks pass through the shared places, so that threads free what others have allocated. Their first word is their
 * size. */
static void *work(void *number)
{
	uint64_t seed = (uint64_t)(uintptr_t)number + 1;

	for (int i = 0; i < STEPS; i++) {
		size_t size;
		uint64_t *p;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size = 8 + (seed >> 33) % 20 * ((seed >> 40) % 40);
		p = take(size);
		if (seed >> 50 & 1) {
			size_t more = size + 24;
			uint64_t *larger = take_again(p, size, more);

			p = larger;
			size = more;
		}
		*p = size;
		p = __atomic_exchange_n(&shared[(seed >> 20) % SHARED], p, __ATOMIC_ACQ_REL);
		if (p)
			give(p, *p);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&ids[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
}

static void write_figures(int fd)
{
	for (unsigned i = 0; i < 64; i++) {
		if (powers[i].calls || powers[i].count)
			dprintf(fd, "power %ld %ld %ld %ld %ld\n", i ? 1l << (i - 1) : 0, powers[i].calls, powers[i].count,
				powers[i].size, powers[i].waste);
	}
	for (unsigned i = 0; i < 512; i++) {
		if (classes[i].calls || classes[i].count)
			dprintf(fd, "class %u %ld %ld %ld %ld\n", i * 8, classes[i].calls, classes[i].count, classes[i].size,
				classes[i].waste);
	}
}

/* In the child: what the parent has allocated is freed, and more is allocated. */
static void go_on(void)
{
	for (int i = 0; i < SHARED; i++) {
		if (shared[i] && i % 2)
			give(shared[i], *shared[i]);
		take((size_t)i);
	}
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return 1;
	if (argc > 3)
		header = atol(argv[3]);
	if (strcmp(argv[2], "plain") && strcmp(argv[2], "killed"))
		threads();
	plain();
	if (!strcmp(argv[2], "fork")) {
		pid_t child = fork();

		if (child) {
			waitpid(child, NULL, 0);
			return 0;
		}
		go_on();
	}
	write_figures(fd);
	if (!strcmp(argv[2], "killed"))
		kill(getpid(), SIGKILL);
	return 0;
}
