/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a tracer of malloc does not see, each a known number of times: not_seen HOW.
 *
 *	nothing		no allocation at all
 *	foreign		7 blocks of libc's own malloc are freed by the program's free
 *	stale		5 blocks of the program's malloc are freed by libc's own free, and come again
 *	jit		9 allocations from code that belongs to no file, and has no unwind table
 *	huge		4 allocations below a frame of 8 MB
 *	full		130,000 backtraces
 *	lost		where no memory is left to record with, a block of 100 KB; prints whether it got one
 *	children FILE...	each FILE is executed by a child
 *	spawn FILE...	by posix_spawn()
 *
 * 1000 bytes are kept by keep_main(), but for the first.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

__attribute__((noinline)) void keep_main(void)
{
	kept = malloc(1000);
}

static void foreign_and_stale(int stale)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW);
	void *(*get)(size_t) = (void *(*)(size_t))dlsym(libc, "malloc");
	void (*give)(void *) = (void (*)(void *))dlsym(libc, "free");

	for (int i = 0; i < 7 && !stale; i++)
		free(get(100));
	for (int i = 0; i < 6 && stale; i++) {
		void *p = malloc(5000);

		if (i < 5)
			give(p);
		else
			free(p);
	}
}

/* call *%rax between two that keep the stack aligned, with no frame pointer to go by. */
static int jit(void)
{
#ifdef __x86_64__
	static const unsigned char code[] = {
		0x55,				/* push %rbp */
		0x31, 0xed,			/* xor %ebp, %ebp */
		0x48, 0x89, 0xf0,		/* mov %rsi, %rax */
		0xff, 0xd0,			/* call *%rax */
		0x5d, 0xc3,			/* pop %rbp; ret */
	};
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

	if (page == MAP_FAILED)
		return 77;
	memcpy(page, code, sizeof(code));
	for (int i = 0; i < 9; i++)
		kept = ((void *(*)(size_t, void *(*)(size_t)))(uintptr_t)page)(64, malloc);
	return 0;
#else
	return 77;
#endif
}

__attribute__((noinline)) static int huge(void)
{
	volatile char frame[8 << 20];

	frame[0] = 1;
	for (int i = 0; i < 4; i++)
		kept = malloc(64);
	return frame[0] - 1;
}

static void *call_huge(void *unused)
{
	return (void *)(intptr_t)huge() ? unused : NULL;
}

/* On a stack that has room for it. */
static int on_large_stack(void)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)16 << 20);
	return pthread_create(&t, &attr, call_huge, NULL) || pthread_join(t, NULL);
}

__attribute__((noinline)) static int go_left(unsigned way, int depth);
__attribute__((noinline)) static int go_right(unsigned way, int depth)
{
	if (!depth)
		return malloc(1) != NULL;
	return (way & 1 ? go_left(way >> 1, depth - 1) : go_right(way >> 1, depth - 1)) & 1;
}

static int go_left(unsigned way, int depth)
{
	if (!depth)
		return malloc(1) != NULL;
	return (way & 1 ? go_left(way >> 1, depth - 1) : go_right(way >> 1, depth - 1)) & 1;
}

/* Room for the block, and not for what has to be known of where it lies. */
static void lose(void)
{
	size_t pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");
	struct rlimit limit;
	void *p;

	if (!statm || fscanf(statm, "%zu", &pages) != 1)
		exit(3);
	fclose(statm);
	/* Smaller than what is large, but mapped by itself, far from all other blocks. */
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	limit.rlim_cur = limit.rlim_max = pages * (size_t)getpagesize() + ((size_t)2 << 20);
	setrlimit(RLIMIT_AS, &limit);
	kept = malloc(60 << 10);		/* of what brk() has given, no more is left */
	p = malloc(100 << 10);
	puts(p ? "a block" : "no block");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int status = 0;

	if (!strcmp(how, "nothing"))
		return 0;
	keep_main();
	if (!strcmp(how, "foreign") || !strcmp(how, "stale"))
		foreign_and_stale(!strcmp(how, "stale"));
	if (!strcmp(how, "jit"))
		return jit();
	if (!strcmp(how, "huge"))
		return on_large_stack();
	for (unsigned i = 0; i < 130000 && !strcmp(how, "full"); i++)
		go_left(i, 17);
	if (!strcmp(how, "lost"))
		lose();
	for (int i = 2; i < argc && !strcmp(how, "children"); i++) {
		pid_t child = fork();

		if (!child) {
			execl(argv[i], argv[i], (char *)NULL);
			_exit(99);
		}
		if (waitpid(child, &status, 0) != child || status)
			return 4;
	}
	for (int i = 2; i < argc && !strcmp(how, "spawn"); i++) {
		char *args[] = { argv[i], NULL };
		pid_t child;

		if (posix_spawn(&child, argv[i], NULL, NULL, args, environ) ||
		    waitpid(child, &status, 0) != child || status)
			return 5;
	}
	return 0;
}
