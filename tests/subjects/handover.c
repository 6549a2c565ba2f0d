/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that hand blocks to each other, in an order that is fixed: they take turns. The figures of
 * each case are known by hand; tests/threads.t has them.
 *
 *	handover peak|temporary|reused|kept-age|new-age|realloc
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 64, FEW = 5, BYTES = 1000 };

static void *volatile given[MANY + FEW];
static pthread_barrier_t turns[2];	/* the main thread's, with each of the others */
static unsigned others;

#define SITE(name) \
	__attribute__((noinline)) static void *name(size_t bytes) \
	{ \
		void *p = malloc(bytes); \
		__asm__ volatile("" ::: "memory"); \
		return p; \
	}
SITE(site)
SITE(small_site)
SITE(large_site)

static void (*parts[2])(void);

static void *run_other(void *number)
{
	unsigned other = (unsigned)(size_t)number;

	pthread_barrier_wait(&turns[other]);
	parts[other]();
	pthread_barrier_wait(&turns[other]);
	for (;;)
		pause();	/* it lives as long as the process */
	return NULL;
}

/* Starts another thread, which waits. (To start one allocates, too.) */
static void start_other(void (*part)(void))
{
	pthread_t thread;

	parts[others] = part;
	pthread_barrier_init(&turns[others], NULL, 2);
	pthread_create(&thread, NULL, run_other, (void *)(size_t)others);
	others++;
}

/* It does its part, and lives on. */
static void let_other_work(unsigned other)
{
	pthread_barrier_wait(&turns[other]);
	pthread_barrier_wait(&turns[other]);
}

/* ---- The heap's live size, as far as is known, is negative for a while ---- */

/* Less than a thread may keep untold of a heap that was once this large. */
enum { ONCE = 8000000, UNTOLD = 31000 };

static void allocate_first(void)
{
	given[0] = site(UNTOLD);
}

static void allocate_second(void)
{
	given[1] = site(UNTOLD);
}

static void case_peak(void)
{
	free(site(ONCE));
	start_other(allocate_first);
	start_other(allocate_second);
	let_other_work(0);
	let_other_work(1);
	free(given[0]);
	free(given[1]);
	given[2] = small_site(33000);
	given[3] = large_site(50000000);
}

/* ---- Another thread gets the address of this one's newest block ---- */

static size_t handed_bytes = BYTES;

static void replace(void)
{
	void *first = given[0];

	free(first);
	given[0] = site(handed_bytes);
	if (given[0] != first)
		_exit(2);	/* the C library reuses what was freed last */
}

static void case_temporary(void)
{
	start_other(replace);
	given[0] = site(handed_bytes);
	let_other_work(0);
	free(given[0]);
}

/* The same, but the newest block is really freed before this thread allocated again. */
static void case_reused(void)
{
	start_other(replace);
	given[0] = site(handed_bytes);
	let_other_work(0);
	free(site(2 * handed_bytes));
}

static void case_realloc(void)
{
	given[0] = site(handed_bytes);
	given[0] = realloc(given[0], 0);
}

/* ---- The age of a backtrace ---- */

static void allocate_many(void)
{
	for (unsigned i = 0; i < MANY + FEW; i++)
		given[i] = site(BYTES);
}

/* The few are less than an eighth of what the backtrace has. */
static void allocate_one_and_few(void)
{
	given[0] = site(MANY * BYTES);
	for (unsigned i = 1; i <= FEW; i++)
		given[i] = site(BYTES);
}

static void free_few(void)
{
	for (unsigned i = 0; i < FEW; i++)
		free(given[i]);
}

/* The other thread's last blocks are there all the time. */
static void case_kept_age(void)
{
	start_other(allocate_one_and_few);
	let_other_work(0);
	usleep(900000);
	free(given[0]);
	given[0] = site(BYTES);
	usleep(300000);
}

/* There is no block for a while, but only with what the other thread has freed. */
static void case_new_age(void)
{
	start_other(free_few);
	allocate_many();
	let_other_work(0);
	for (unsigned i = FEW; i < MANY + FEW; i++)
		free(given[i]);
	usleep(900000);
	given[0] = site(BYTES);
	usleep(300000);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{ "peak", case_peak }, { "temporary", case_temporary }, { "reused", case_reused },
		{ "kept-age", case_kept_age }, { "new-age", case_new_age }, { "realloc", case_realloc },
	};

	if (argc > 2)
		handed_bytes = (size_t)atoi(argv[2]);
	for (unsigned i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!strcmp(argv[1], cases[i].name))
			cases[i].run();
	}
	return 0;
}
