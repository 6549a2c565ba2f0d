/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work for a storm of signals, until standard input ends. argv[1] says what:
 *
 *	threads		four threads that allocate in all ways; every block is filled and checked
 *	forks		children that allocate and end by exit, _exit, or exec of /bin/true
 *	dlopen		a library (argv[2]) is opened, made to allocate, and closed
 *	churn		threads come and go; signals sent to each of them at its end
 *	heap		the allocator's own inquiries, which hold its locks (malloc_trim, mallinfo)
 *	inside COUNT	so many signals come from a thread of the program itself
 *
 * Ends with 0 and "done N" when every check held. Each does its work once at least: on a busy machine the
 * main thread can spend a whole storm in dumps.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LIBRARY

#include "library_work.h"

#else

#define BLOCKS 256

static volatile int over;
static unsigned long work_done;

static int goes_on(void)
{
	return !work_done || !over;
}

static void fail(const char *what)
{
	fprintf(stderr, "storm_work: %s\n", what);
	_exit(13);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

struct block {
	unsigned char *p;
	size_t size;
	unsigned char fill;
};

static void check(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (b->p[i] != b->fill)
			fail("a block has changed");
	}
}

__attribute__((noinline)) static void *get(uint32_t r, size_t size)
{
	void *p = NULL;

	switch (r % 6) {
	case 0:		return malloc(size);
	case 1:		return calloc(1, size);
	case 2:		return aligned_alloc(64, (size + 63) & ~(size_t)63);
	case 3:		return memalign(32, size);
	case 4:		return posix_memalign(&p, 128, size) ? NULL : p;
	default:	return reallocarray(NULL, 1, size);
	}
}

static void step(struct block *b, uint32_t *seed)
{
	uint32_t r = next_random(seed);
	size_t size = r % 100 ? r % 700 + 1 : r % 300000 + 1;
	size_t kept;

	if (!b->p) {
		b->p = get(next_random(seed), size);
		if (!b->p)
			fail("no memory");
		b->size = size;
	} else if (r & 0x10000) {
		kept = b->size < size ? b->size : size;
		b->p = realloc(b->p, size);
		check(b, kept);
		b->size = size;
	} else {
		check(b, b->size);
		free(b->p);
		b->p = NULL;
		return;
	}
	b->fill = (unsigned char)r;
	memset(b->p, b->fill, b->size);
}

static unsigned long churn_blocks(uint32_t seed, unsigned long steps)
{
	struct block blocks[BLOCKS] = { { NULL, 0, 0 } };
	unsigned long n;

	for (n = 0; steps ? n < steps : !n || !over; n++)
		step(&blocks[next_random(&seed) % BLOCKS], &seed);
	for (int i = 0; i < BLOCKS; i++) {
		if (blocks[i].p)
			check(&blocks[i], blocks[i].size);
		free(blocks[i].p);
	}
	return n;
}

static void *churn_thread(void *seed)
{
	__atomic_fetch_add(&work_done, churn_blocks((uint32_t)(uintptr_t)seed, 0), __ATOMIC_RELAXED);
	return NULL;
}

static void *watch_input(void *unused)
{
	char c;

	while (read(0, &c, 1) > 0)
		;
	over = 1;
	return unused;
}

static void threads(void)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn_thread, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* The children are in the storm too, but for those that exec: before heaptrace is there
 * again a signal kills them, as it would natively. */
static void one_fork(unsigned n)
{
	int status, how = n % 3, want = how == 2 ? 0 : 20 + how;
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (!child) {
		sigset_t both;

		churn_blocks(n + 1, 300);
		if (how == 0)
			exit(want);
		if (how == 1)
			_exit(want);
		sigemptyset(&both);
		sigaddset(&both, SIGUSR1);
		sigaddset(&both, SIGUSR2);
		sigprocmask(SIG_BLOCK, &both, NULL);
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	}
	churn_blocks(n + 1, 100);
	if (waitpid(child, &status, 0) != child || status != want << 8) {
		fprintf(stderr, "storm_work: child %d (%d) ended with %x\n", (int)child, how,
			(unsigned)status);
		_exit(14);
	}
}

static void forks(void)
{
	while (goes_on())
		one_fork((unsigned)work_done++);
}

static void dlopens(const char *path)
{
	for (; goes_on(); work_done++) {
		void *library = dlopen(path, RTLD_NOW);
		char *(*work)(size_t) = library ? (char *(*)(size_t))dlsym(library, "library_work") : NULL;
		char *p;

		if (!work)
			fail("dlopen");
		p = work(work_done % 1000 + 1);
		if (p[work_done % 1000] != 'l')
			fail("the library's block has changed");
		free(p);
		churn_blocks((uint32_t)work_done + 1, 50);
		dlclose(library);
	}
}

/*
 * Tells its id when it is about to end. It leaves libc's per-thread cache full of blocks that
 * are freed at the thread's very end, with the arena's lock held and no hook around.
 */
static void *short_thread(void *id)
{
	void *p[64 * 7];

	churn_blocks((uint32_t)(uintptr_t)id, 100);
	for (int i = 0; i < 64 * 7; i++)
		p[i] = malloc(16u * (unsigned)(i % 64) + 1);
	for (int i = 0; i < 64 * 7; i++)
		free(p[i]);
	__atomic_store_n((pid_t *)id, gettid(), __ATOMIC_RELEASE);
	return NULL;
}

static void thread_churn(void)
{
	uint32_t seed = 1;

	for (; goes_on(); work_done++) {
		pthread_t t[3];
		pid_t ids[3] = { 0 };

		for (int i = 0; i < 3; i++)
			pthread_create(&t[i], NULL, short_thread, &ids[i]);
		for (int i = 0; i < 3; i++) {
			pid_t id;

			while (!(id = __atomic_load_n(&ids[i], __ATOMIC_ACQUIRE)))
				;
			for (volatile uint32_t wait = next_random(&seed) % 2000; wait; wait--)
				;
			syscall(SYS_tgkill, getpid(), id, i & 1 ? SIGUSR1 : SIGUSR2);
		}
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
	}
}

static void heap_inquiries(void)
{
	FILE *null = fopen("/dev/null", "w");

	for (; goes_on(); work_done++) {
		for (int i = 0; i < 50; i++) {
			malloc_trim(0);
			mallinfo2();
			mallopt(M_TRIM_THRESHOLD, 128 * 1024);
		}
		malloc_info(0, null);
		churn_blocks((uint32_t)work_done + 1, 10);
	}
	fclose(null);
}

static void *send_signals(void *count)
{
	uint32_t seed = 7;

	for (int i = 0, n = atoi(count); i < n && !over; i++) {
		kill(getpid(), next_random(&seed) & 1 ? SIGUSR1 : SIGUSR2);
		if (i % 4 == 0)
			usleep(100);
	}
	over = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t watcher;

	printf("ready\n");
	fflush(stdout);
	pthread_create(&watcher, NULL, strcmp(what, "inside") ? watch_input : send_signals, argc > 2 ? argv[2] : "0");
	if (!strcmp(what, "threads") || !strcmp(what, "inside"))
		threads();
	else if (!strcmp(what, "forks"))
		forks();
	else if (!strcmp(what, "dlopen"))
		dlopens(argv[2]);
	else if (!strcmp(what, "churn"))
		thread_churn();
	else if (!strcmp(what, "heap"))
		heap_inquiries();
	else
		return 2;
	pthread_join(watcher, NULL);
	printf("done %lu\n", work_done);
	return work_done ? 0 : 15;
}
#endif
