/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocates and frees in threads until it is killed, and keeps its own count of what is live in
 * a file, one line of cells per thread: what a killed process's dump is compared with.
 *
 *	killed_work FILE threads	four threads
 *	killed_work FILE fork		the same in a child that is forked before it has threads;
 *					cells 8 and up are the child's
 *	killed_work FILE busy		four threads run while the main thread forks; in the child
 *					the main thread goes on alone
 *	killed_work FILE clone		the child is made by the bare system call
 *	killed_work FILE orphan		the child is forked on the same processor, and its parent kills
 *					itself before the child runs
 *	killed_work FILE shell		a child that has its rows becomes another program
 *	killed_work FILE stacks		16,384 distinct backtraces 17 deep, 10 bytes each; then it waits
 *	killed_work FILE oom		takes memory, and uses it, without an end
 *	killed_work FILE exit		_exit by the bare system call
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS	4
#define BLOCKS	100

struct cell {
	volatile int64_t count, size;
	int64_t unused[6];
};
static struct cell *cells;	/* of this process: [THREADS] is the main thread's, and what it
				 * has inherited */
static struct cell own[THREADS + 1];	/* the same, not shared: a fork copies it */

static __attribute__((noinline)) void *work_alloc_0(size_t size) { void *p = malloc(size); __asm__ volatile("" : : "r"(p)); return p; }
static __attribute__((noinline)) void *work_alloc_1(size_t size) { void *p = malloc(size); __asm__ volatile("" : : "r"(p)); return p; }
static __attribute__((noinline)) void *work_alloc_2(size_t size) { void *p = calloc(1, size); __asm__ volatile("" : : "r"(p)); return p; }
static __attribute__((noinline)) void *work_alloc_3(size_t size) { void *p = realloc(NULL, size); __asm__ volatile("" : : "r"(p)); return p; }
static void *(*const allocs[])(size_t) = { work_alloc_0, work_alloc_1, work_alloc_2, work_alloc_3 };

static void tell(int i, int64_t count, int64_t size)
{
	own[i].count += count;
	own[i].size += size;
	cells[i].count = own[i].count;
	cells[i].size = own[i].size;
}

static void *work(void *number)
{
	int me = (int)(intptr_t)number;
	unsigned seed = (unsigned)me * 2654435761u + (unsigned)getpid();
	struct { void *p; size_t size; } blocks[BLOCKS] = { { 0 } };

	for (;;) {
		unsigned at, how;

		seed = seed * 1103515245u + 12345;
		at = seed >> 16 & 127;
		how = seed >> 24 & 3;
		if (at >= BLOCKS)
			continue;
		if (blocks[at].p) {
			free(blocks[at].p);
			blocks[at].p = NULL;
			tell(me, -1, -(int64_t)blocks[at].size);
		} else {
			blocks[at].size = 1 + (seed >> 8) % 500;
			blocks[at].p = allocs[how](blocks[at].size);
			tell(me, 1, (int64_t)blocks[at].size);
		}
	}
	return NULL;
}

static void start_threads(void)
{
	for (intptr_t i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, work, (void *)i);
	}
}

static void say(const char *what, int pid)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %d\n", what, pid);

	if (write(1, line, (size_t)n) != n)
		_exit(3);
}

/* The child's cells: what it has inherited goes to the last one. */
static void become_child(void)
{
	int64_t count = 0, size = 0;

	for (int i = 0; i <= THREADS; i++) {
		count += own[i].count;
		size += own[i].size;
		own[i].count = own[i].size = 0;
	}
	cells += 8;
	tell(THREADS, count, size);
}

/* Two places that call: each leaf has a stack of its own. */
static __attribute__((noinline)) void work_tree(int depth)
{
	if (!depth) {
		work_alloc_0(10);
		return;
	}
	work_tree(depth - 1);
	__asm__ volatile("");
	work_tree(depth - 1);
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	const char *how = argc > 2 ? argv[2] : "threads";
	pid_t child;

	if (ftruncate(fd, 4096))
		return 2;
	cells = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	for (int i = 0; i < 10; i++) {
		work_alloc_0(100);
		tell(THREADS, 1, 100);
	}
	while (!strcmp(how, "oom"))
		memset(work_alloc_0(100000), 1, 100000);
	if (!strcmp(how, "stacks")) {
		char end;

		work_tree(14);
		say("ready", getpid());
		return read(0, &end, 1) > 0;
	} else if (!strcmp(how, "exit")) {
		syscall(SYS_exit_group, 7);
	} else if (!strcmp(how, "shell")) {
		child = fork();
		if (!child) {
			execl("/bin/busybox", "busybox", "true", (char *)NULL);
			_exit(9);
		}
		waitpid(child, NULL, 0);
		return 0;
	} else if (!strcmp(how, "fork")) {
		child = fork();
		if (!child) {
			become_child();
			start_threads();
			say("child", getpid());
			pause();
		}
	} else if (!strcmp(how, "orphan")) {
		cpu_set_t here;

		CPU_ZERO(&here);
		CPU_SET(sched_getcpu(), &here);
		sched_setaffinity(0, sizeof(here), &here);
		child = fork();
		if (child)
			kill(getpid(), SIGKILL);
		become_child();
		say("child", getpid());
		for (;;)
			pause();
	} else if (!strcmp(how, "clone")) {
		child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!child) {
			become_child();
			for (int i = 0; i < 7; i++) {
				work_alloc_1(50);
				tell(THREADS, 1, 50);
			}
			say("child", (int)syscall(SYS_getpid));
			for (;;)
				pause();
		}
		while (cells[8 + THREADS].count < 17)	/* it has its copy */
			usleep(100);
	}
	start_threads();
	if (!strcmp(how, "busy")) {
		usleep(3000);
		child = fork();
		if (!child) {
			become_child();
			say("child", getpid());
			work((void *)(intptr_t)0);
		}
	}
	say("ready", getpid());
	for (;;)
		pause();
}
