/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lock FLAGS LIMIT STEPS...: locks its memory by mlockall(FLAGS), where RLIMIT_MEMLOCK is LIMIT: "none", or so many
 * KB above what is mapped natively (which is not known here: the test finds it), for a user who may not exceed it. Prints
 * what mlockall() gives, then, on lines that begin with '#', figures in KB that may differ a little. STEPS:
 *
 *	fill		so many small blocks, from several places, until there is no memory or 32 MB
 *	large		blocks of 1 MB, until there is no memory or 64 of them
 *	thread		a thread allocates
 *	unlock		munlockall()
 *	again N		mlockall(N)
 *	fork		a child allocates
 *	dump		SIGUSR1 to itself, if traced
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A line of /proc/self/status: "VmLck:	    1024 kB". */
static long status_kb(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name) + 1);
	}
	if (f)
		fclose(f);
	return kb;
}

static void figures(const char *when)
{
	printf("# %s: mapped %ld locked %ld resident %ld\n", when, status_kb("VmSize"), status_kb("VmLck"),
	       status_kb("VmRSS"));
	fflush(stdout);
}

static void lock(int flags)
{
	int result;

	errno = 0;
	result = mlockall(flags);
	printf("mlockall(%d): %d %s\n", flags, result, result ? strerror(errno) : errno ? "errno changed" : "");
	figures("locked");
}

__attribute__((noinline)) static void *place(int depth, size_t size)
{
	void *p = depth ? place(depth - 1, size) : malloc(size);

	__asm__ volatile("");
	return p;
}

static void fill(size_t size, size_t most)
{
	size_t n = 0;
	char *p;

	while (n < most && (p = place((int)(n % 20), size))) {
		p[0] = 1;
		n++;
	}
	printf("# filled: %zu\n", n * size >> 10);
	figures("filled");
}

static void *work(void *unused)
{
	for (int i = 0; i < 100; i++)
		free(place(i % 10, 100));
	return unused;
}

int main(int argc, char **argv)
{
	int flags = argc > 2 ? atoi(argv[1]) : 0;
	pthread_t t;

	setvbuf(stdout, malloc(4096), _IOLBF, 4096);
	free(malloc(1000));
	figures("begun");
	if (argc > 2 && strcmp(argv[2], "none")) {
		rlim_t bytes = (rlim_t)atol(argv[2]) << 10;
		struct rlimit limit = { bytes, bytes };

		if (setrlimit(RLIMIT_MEMLOCK, &limit) || (!getuid() && setuid(65534)))
			return 77;
	}
	lock(flags);
	for (int i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "fill")) {
			fill(100, (32 << 20) / 100);
		} else if (!strcmp(argv[i], "large")) {
			fill(1 << 20, 64);
		} else if (!strcmp(argv[i], "thread")) {
			if (!pthread_create(&t, NULL, work, NULL))
				pthread_join(t, NULL);
			figures("thread");
		} else if (!strcmp(argv[i], "unlock")) {
			printf("munlockall: %d\n", munlockall());
			figures("unlocked");
		} else if (!strcmp(argv[i], "again")) {
			lock(atoi(argv[++i]));
		} else if (!strcmp(argv[i], "fork")) {
			pid_t child;

			fflush(stdout);
			child = fork();
			if (!child) {
				work(NULL);
				figures("child");
				exit(0);
			}
			waitpid(child, NULL, 0);
		} else if (!strcmp(argv[i], "dump") && getenv("LD_PRELOAD")) {
			raise(SIGUSR1);
			figures("dumped");
		}
	}
	puts("done");
	return 0;
}
