/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * allocator_info HOW: brings its heap into a state, asks for a dump by SIGUSR1, and says what mallinfo2() says
 * in that moment, "arena+hblkhd uordblks", and the milliseconds of processor time that the dump took.
 *
 *	few		some blocks, some free chunks of all kinds
 *	mapped		also blocks that are mappings of their own
 *	rounded		a thread that waits, and a thousand blocks of each of two sizes that fill pages badly:
 *			of these, every one is a mapping of its own
 *	aligned		the same of one size, and aligned to 2 MB
 *	rounded-half	the same of one size, half of them in the heap
 *	many		2,000,000 blocks of which every second one is free
 *	mixed		the same, of random sizes
 *	threads		four threads that have allocated, and wait
 *	was-threads	four threads that have allocated, and ended
 *	fork		a child of one with threads
 *	stuck		a thread that a signal has interrupted in malloc, most likely with an arena's lock, and
 *			that goes on only after the dump
 *	loop, far, size	a free chunk is damaged, which malloc does not come upon any more: a ring that never ends, a
 *			link to where nothing is, a size that cannot be
 *	wait		some blocks; no signal, but a line of input is waited for
 *	none		no live block at the end
 *	end		some, and no signal
 */
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY	4000000

static void **blocks;

static double used_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Into memory that was there before, so that saying it changes nothing. */
static void tell(void)
{
	struct mallinfo2 m = mallinfo2();
	double before = used_ms(), took;
	char line[128];
	int n;

	raise(SIGUSR1);
	took = used_ms() - before;
	n = snprintf(line, sizeof(line), "%zu %zu %.3f\n", m.arena + m.hblkhd, m.uordblks, took);
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(1);
}

__attribute__((noinline)) static void *take(size_t size)
{
	return malloc(size);
}

/* Backtraces of their own for blocks of one size. */
__attribute__((noinline)) static void *take_rounded(size_t size)
{
	return malloc(size);
}

__attribute__((noinline)) static void *take_other(size_t size)
{
	return malloc(size);
}

static void some(void **to, unsigned count, unsigned most)
{
	for (unsigned i = 0; i < count; i++)
		to[i] = take(1 + i * 7919 % most);
	for (unsigned i = 0; i < count; i += 3) {
		free(to[i]);
		to[i] = NULL;
	}
}

static sem_t done, go;

static void *work(void *ends)
{
	void **mine = malloc(2000 * sizeof(*mine));

	some(mine, 2000, 3000);
	sem_post(&done);
	if (!ends)
		sem_wait(&go);
	return mine;
}

static void threads(int ends)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, work, ends ? &done : NULL);
	for (int i = 0; i < 4; i++)
		sem_wait(&done);
	for (int i = 0; i < 4 && ends; i++)
		pthread_join(thread[i], NULL);
}

static void *wait_for_go(void *unused)
{
	sem_post(&done);
	sem_wait(&go);
	return unused;
}

static void rounded(int half, int aligned)
{
	pthread_t thread;

	pthread_create(&thread, NULL, wait_for_go, NULL);
	sem_wait(&done);
	for (unsigned i = 0; i < 1000; i++)
		blocks[i] = aligned ? memalign(2097152, 131072) : take_rounded(131072);
	if (half)	/* from now on malloc maps only what is larger than this */
		free(take(300000));
	for (unsigned i = 1000; i < (aligned ? 1000 : 2000); i++)
		blocks[i] = half ? take_rounded(131072) : take_other(1048576);
}

static void many(int mixed)
{
	for (unsigned i = 0; i < MANY; i++)
		blocks[i] = take(mixed ? 1 + (i * 2654435761u >> 8) % 120 : 40);
	for (unsigned i = 0; i < MANY; i += 2)
		free(blocks[i]);
}

static void wait_here(int sig)
{
	(void)sig;
	sem_post(&done);
	while (sem_wait(&go))
		;
}

static void *churn(void *unused)
{
	void *p[16] = { NULL };

	for (unsigned i = 0; ; i++) {
		free(p[i % 16]);
		p[i % 16] = malloc(2000 + i % 7 * 1000);	/* too large for the thread's own cache */
	}
	return unused;
}

static void stuck(void)
{
	struct timespec ms = { 0, 1000000 };
	pthread_t thread;

	signal(SIGWINCH, wait_here);
	pthread_create(&thread, NULL, churn, NULL);
	for (int i = 0; i < 100; i++) {
		nanosleep(&ms, NULL);
		pthread_kill(thread, SIGWINCH);
		while (sem_wait(&done))
			;
		raise(SIGUSR1);
		sem_post(&go);
	}
}

/* Of a free chunk its user's memory has fd and bk, and the word before that its size. */
static void damage(const char *how)
{
	size_t *free_one = malloc(5000), *other = malloc(5000);

	if (!free_one || !other || !malloc(100))
		return;
	free(other);			/* joins the chunk at the end, or not: it is not looked at */
	other = malloc(5000);
	if (!other || !malloc(100))
		return;
	free(free_one);
	if (!strcmp(how, "loop"))
		free_one[0] = free_one[1] = (size_t)(free_one - 2);
	else if (!strcmp(how, "far"))
		free_one[1] = 0x5a5a5a5a5a50;
	else
		free_one[-1] = (size_t)1 << 50;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "few";
	static void *few[3000];

	blocks = malloc(MANY * sizeof(*blocks));
	sem_init(&done, 0, 0);
	sem_init(&go, 0, 0);
	some(few, 3000, 2000);
	if (!strcmp(how, "mapped")) {
		for (int i = 0; i < 5; i++)
			blocks[i] = take(1000000 + (size_t)i * 12345);
	} else if (!strcmp(how, "rounded") || !strcmp(how, "rounded-half") || !strcmp(how, "aligned")) {
		rounded(!strcmp(how, "rounded-half"), !strcmp(how, "aligned"));
	} else if (!strcmp(how, "many") || !strcmp(how, "mixed")) {
		many(how[1] == 'i');
	} else if (!strcmp(how, "threads") || !strcmp(how, "was-threads")) {
		threads(how[0] == 'w');
	} else if (!strcmp(how, "fork")) {
		threads(0);
		if (fork())
			return wait(NULL) < 0;
	} else if (!strcmp(how, "loop") || !strcmp(how, "far") || !strcmp(how, "size")) {
		damage(how);
		raise(SIGUSR1);
		_exit(0);
	} else if (!strcmp(how, "stuck")) {
		stuck();
		return 0;
	} else if (!strcmp(how, "wait")) {
		struct mallinfo2 m = mallinfo2();
		char line[128];
		int n = snprintf(line, sizeof(line), "%zu %zu ready\n", m.arena + m.hblkhd, m.uordblks);

		return write(STDOUT_FILENO, line, (size_t)n) != n || read(STDIN_FILENO, line, 1) < 0;
	} else if (!strcmp(how, "none")) {
		for (unsigned i = 0; i < 3000; i++)
			free(few[i]);
		free(blocks);
		return 0;
	} else if (!strcmp(how, "end")) {
		return 0;
	}
	tell();
	return 0;
}
