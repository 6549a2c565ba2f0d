/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For pages.t: maps memory in all ways. Each way is a function of its own, so that each has a row of its own; the test
 * has what they must leave behind, in pages.
 *
 *	pages calls FILE	one call of each kind
 *	pages massif FILE	some of these, as far as valgrind knows them
 *	pages threads N ROUNDS	N threads that map and unmap, and keep some
 *	pages handlers ROUNDS	the same, while a signal handler does so, too
 *	pages fork		parent and child map different things, and the child unmaps something of the parent
 *	pages storm FORKS	threads map, unmap and move, while the main thread forks
 *	pages many N		N mappings side by side, and holes in them
 *	pages rounds N		N times mmap() and munmap(), for a measurement
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAY		__attribute__((noinline))
#define PRIVATE		(MAP_PRIVATE | MAP_ANONYMOUS)
#define RW		(PROT_READ | PROT_WRITE)

static size_t page;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(3);
}

/* So that no call is the last thing that a function does. */
static char *kept(void *p, const char *what)
{
	check(p != MAP_FAILED, what);
	__asm__ volatile("" : : "r"(p) : "memory");
	return p;
}

static void unmap(char *p, size_t pages)
{
	check(!munmap(p, pages * page), "munmap");
}

static void touch(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		p[i * page] = 1;
}

/* ---- One call of each kind ---- */

WAY static void *hole(void)			/* 8 of 10 pages */
{
	char *p = kept(mmap(NULL, 10 * page, RW, PRIVATE, -1, 0), "hole");

	unmap(p + 4 * page, 2);
	touch(p, 3);
	return p;
}

WAY static void *gone(void)			/* nothing of 5 pages */
{
	char *p = kept(mmap(NULL, 5 * page, RW, PRIVATE, -1, 0), "gone");

	unmap(p + page, 2);
	unmap(p, 5);
	return p;
}

WAY static void *odd_size(void)			/* 2 pages */
{
	return kept(mmap(NULL, page + 1, RW, PRIVATE, -1, 0), "odd size");
}

WAY static char *reserve(void)			/* 12 of 16 pages, in two parts */
{
	return kept(mmap(NULL, 16 * page, PROT_NONE, PRIVATE, -1, 0), "reserve");
}

WAY static void *commit(char *p)		/* 4 pages */
{
	return kept(mmap(p + 6 * page, 4 * page, RW, PRIVATE | MAP_FIXED, -1, 0), "commit");
}

WAY static char *covered(void)			/* nothing of 3 pages */
{
	return kept(mmap(NULL, 3 * page, RW, PRIVATE, -1, 0), "covered");
}

WAY static void *cover(char *p)			/* 3 pages */
{
	return kept(mmap(p, 3 * page, RW, PRIVATE | MAP_FIXED, -1, 0), "cover");
}

WAY static void *file(const char *name)		/* 2 pages */
{
	int fd = open(name, O_RDWR);
	void *p = kept(mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0), "file");

	close(fd);
	return p;
}

WAY static void *file_64(const char *name)	/* 1 page */
{
	int fd = open(name, O_RDWR);
	void *p = kept(mmap64(NULL, page, PROT_READ, MAP_PRIVATE, fd, (off64_t)page), "file of mmap64");

	close(fd);
	return p;
}

WAY static void *memory_file(void)		/* 7 pages */
{
	int fd = memfd_create("of pages", 0);
	void *p;

	check(!ftruncate(fd, (off_t)(7 * page)), "memfd");
	p = kept(mmap(NULL, 7 * page, RW, MAP_SHARED, fd, 0), "memfd");
	close(fd);
	return p;
}

WAY static char *shared(void)			/* 6 pages */
{
	return kept(mmap(NULL, 6 * page, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), "shared");
}

WAY static void *twice(char *p)			/* 6 pages: the same pages once more */
{
	return kept(mremap(p, 0, 6 * page, MREMAP_MAYMOVE), "twice");
}

WAY static void *grown(void)			/* 64 pages by mremap */
{
	char *p = kept(mmap(NULL, 4 * page, RW, PRIVATE, -1, 0), "to grow");

	return kept(mremap(p, 4 * page, 64 * page, MREMAP_MAYMOVE), "grow");
}

WAY static void *shrunk(void)			/* 3 pages by mremap */
{
	char *p = kept(mmap(NULL, 8 * page, RW, PRIVATE, -1, 0), "to shrink");

	return kept(mremap(p, 8 * page, 3 * page, 0), "shrink");
}

WAY static void *moved(void)			/* 2 pages by mremap over 9 by mmap, and 4 more of 6: 11 by mmap */
{
	char *to = kept(mmap(NULL, 9 * page, RW, PRIVATE, -1, 0), "to move to");
	char *p = kept(mmap(NULL, 6 * page, RW, PRIVATE, -1, 0), "to move");

	return kept(mremap(p + 2 * page, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, to + 3 * page), "move");
}

WAY static void *refused(void)			/* 5 pages: nothing that is refused changes anything */
{
	char *p = kept(mmap(NULL, 5 * page, RW, PRIVATE, -1, 0), "refused");

	check(munmap(p + 1, page) == -1, "munmap of an odd address");
	check(munmap(p, 0) == -1, "munmap of nothing");
	check(mremap(p, page, 2 * page, 0) == MAP_FAILED, "mremap without room");
	check(mremap(p + 1, page, page, MREMAP_MAYMOVE) == MAP_FAILED, "mremap of an odd address");
	check(mmap(NULL, 0, RW, PRIVATE, -1, 0) == MAP_FAILED, "mmap of nothing");
	check(mmap(NULL, page, RW, MAP_PRIVATE, -1, 0) == MAP_FAILED, "mmap of no file");
	return p;
}

WAY static void *across(void)			/* 1 + 1 of 3 + 3 pages, in two mappings */
{
	char *p = kept(mmap(NULL, 9 * page, PROT_NONE, PRIVATE, -1, 0), "across");
	char *a = kept(mmap(p, 3 * page, RW, PRIVATE | MAP_FIXED, -1, 0), "across a");

	kept(mmap(p + 6 * page, 3 * page, RW, PRIVATE | MAP_FIXED, -1, 0), "across b");
	unmap(p + page, 7);
	return a;
}

WAY static void *left_half(char *p)		/* 10 pages, 3 of them in memory */
{
	kept(mmap(p, 10 * page, RW, PRIVATE | MAP_FIXED, -1, 0), "left");
	touch(p + page, 3);
	return p;
}

WAY static void *right_half(char *p)		/* 10 pages, 5 of them in memory. The kernel joins both */
{
	kept(mmap(p + 10 * page, 10 * page, RW, PRIVATE | MAP_FIXED, -1, 0), "right");
	touch(p + 12 * page, 5);
	return p;
}

WAY static void *data_segment(void)		/* 5 pages by sbrk, then 2 more by brk */
{
	char *p = sbrk((intptr_t)(5 * page + 100));

	check(p != (void *)-1, "sbrk");
	check(sbrk(-100) != (void *)-1, "sbrk back");
	check(!brk(p + 9 * page), "brk");
	check(!brk(p + 7 * page), "brk back");
	return p;
}

WAY static void *segment(void)			/* 3 pages of System V's, attached twice and detached once */
{
	int id = shmget(IPC_PRIVATE, 2 * page + 1, IPC_CREAT | 0600);
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, 0);

	check(a != (void *)-1 && b != (void *)-1, "shmat");
	check(!shmdt(a), "shmdt");
	check(shmdt(a) == -1, "shmdt once more");
	check(!shmctl(id, IPC_RMID, NULL), "shmctl");
	return b;
}

WAY static void calls(const char *name)
{
	char *p = reserve();
	char *halves = kept(mmap(NULL, 20 * page, PROT_NONE, PRIVATE, -1, 0), "halves");

	data_segment();
	hole();
	gone();
	odd_size();
	commit(p);
	cover(covered());
	file(name);
	file_64(name);
	memory_file();
	twice(shared());
	grown();
	shrunk();
	moved();
	refused();
	across();
	left_half(halves);
	right_half(halves);
	segment();
}

/* The peak is at the end, with one more page: massif looks for it when something is unmapped. What is mapped over something else massif counts as more, shmat() and the growth by mremap() it
 * does not count. */
WAY static void for_massif(const char *name)
{
	shrunk();
	data_segment();
	hole();
	odd_size();
	file(name);
	file_64(name);
	memory_file();
	shared();
	unmap(kept(mmap(NULL, page, RW, PRIVATE, -1, 0), "the peak"), 1);
	_exit(0);
}

/* ---- Threads ---- */

#define KEPT	7u

static unsigned rounds;

/* Each round maps 3 pages, takes the middle one away, and then the rest; the last KEPT ones keep 2 pages. */
WAY static void work(void)
{
	for (unsigned i = 0; i < rounds; i++) {
		char *p = kept(mmap(NULL, 3 * page, RW, PRIVATE, -1, 0), "of a thread");

		unmap(p + page, 1);
		if (i + KEPT >= rounds)
			continue;
		unmap(p, 1);
		unmap(p + 2 * page, 1);
	}
}

static void *thread(void *unused)
{
	work();
	return unused;
}

static void threads(unsigned count)
{
	pthread_t list[64];

	for (unsigned i = 0; i < count; i++)
		check(!pthread_create(&list[i], NULL, thread, NULL), "thread");
	for (unsigned i = 0; i < count; i++)
		pthread_join(list[i], NULL);
}

/* Each time maps 4 pages and unmaps 3, and in the end all of them again: nothing is left. */
static char *of_handler;

WAY static void handler(int sig)
{
	char *p = mmap(NULL, 4 * page, RW, PRIVATE, -1, 0);

	(void)sig;
	munmap(p + page, 2 * page);
	munmap(p, 4 * page);
	of_handler = p;
}

static void handlers(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };

	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &often, NULL);
	threads(2);
	setitimer(ITIMER_REAL, &never, NULL);
}

/* ---- Fork ---- */

WAY static char *of_parent(void)		/* 4 pages; 1 in the child */
{
	return kept(mmap(NULL, 4 * page, RW, PRIVATE, -1, 0), "of the parent");
}

WAY static void of_child(void)			/* 9 pages, in the child */
{
	kept(mmap(NULL, 9 * page, RW, PRIVATE, -1, 0), "of the child");
}

WAY static void after_fork(void)		/* 2 pages, in the parent */
{
	kept(mmap(NULL, 2 * page, RW, PRIVATE, -1, 0), "after the fork");
}

static void forks(void)
{
	char *p = of_parent();
	pid_t child = fork();
	int status;

	check(child >= 0, "fork");
	if (child) {
		check(waitpid(child, &status, 0) == child && !status, "child");
		after_fork();
		return;
	}
	unmap(p + page, 2);
	unmap(p + 3 * page, 1);
	of_child();
}

/* ---- All at once ---- */

#define SLOTS	64u
#define PAGES	20u

static volatile int stops;

static void *storm_thread(void *seed)
{
	unsigned s = (unsigned)(uintptr_t)seed;
	char *at[SLOTS] = { NULL };
	size_t pages[SLOTS];

	while (!stops) {
		unsigned i = (unsigned)rand_r(&s) % SLOTS;
		size_t more = 1 + (unsigned)rand_r(&s) % PAGES;

		if (!at[i]) {
			at[i] = kept(mmap(NULL, more * page, RW, PRIVATE, -1, 0), "in a storm");
			pages[i] = more;
		} else if (rand_r(&s) % 3 == 0) {
			at[i] = kept(mremap(at[i], pages[i] * page, more * page, MREMAP_MAYMOVE), "moved in a storm");
			pages[i] = more;
		} else {
			unmap(at[i], pages[i]);
			at[i] = NULL;
		}
	}
	return NULL;
}

static void storm(int forks_wanted)
{
	pthread_t list[3];
	int status;

	for (uintptr_t i = 0; i < 3; i++)
		check(!pthread_create(&list[i], NULL, storm_thread, (void *)(i + 1)), "thread");
	for (int i = 0; i < forks_wanted; i++) {
		pid_t child = fork();

		if (!child) {
			of_child();
			_exit(0);
		}
		check(waitpid(child, &status, 0) == child && !status, "child");
	}
	stops = 1;
	for (unsigned i = 0; i < 3; i++)
		pthread_join(list[i], NULL);
}

/* ---- Many ---- */

WAY static void one_of_many(char *p, size_t i)
{
	kept(mmap(p + 2 * i * page, page, i % 2 ? RW : PROT_READ, PRIVATE | MAP_FIXED, -1, 0), "one of many");
}

WAY static void many(size_t count)
{
	char *p = kept(mmap(NULL, 2 * count * page, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0), "space for many");

	unmap(p, 2 * count);
	for (size_t i = 0; i < count; i++)
		one_of_many(p, i * 7919 % count);	/* 7919 is a prime */
	for (size_t i = 0; i < count; i += 10)
		unmap(p + 2 * i * page, 1);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (!strcmp(way, "calls") && argc == 3) {
		calls(argv[2]);
	} else if (!strcmp(way, "massif") && argc == 3) {
		for_massif(argv[2]);
	} else if (!strcmp(way, "threads") && argc == 4) {
		rounds = (unsigned)atoi(argv[3]);
		threads((unsigned)atoi(argv[2]));
	} else if (!strcmp(way, "handlers") && argc == 3) {
		rounds = (unsigned)atoi(argv[2]);
		handlers();
	} else if (!strcmp(way, "fork")) {
		forks();
	} else if (!strcmp(way, "storm") && argc == 3) {
		storm(atoi(argv[2]));
	} else if (!strcmp(way, "many") && argc == 3) {
		many((size_t)atoi(argv[2]));
	} else if (!strcmp(way, "rounds") && argc == 3) {
		for (unsigned i = (unsigned)atoi(argv[2]); i-- > 0; )
			unmap(kept(mmap(NULL, page, RW, PRIVATE, -1, 0), "a round"), 1);
	} else {
		return 2;
	}
	return 0;
}
