/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs for --pid, chosen by the first argument. Each says "ready" when it is.
 *
 *	counted		keeps 100 blocks of 1000 bytes; then, at each byte that it reads, allocates 10 blocks of 100 bytes and
 *			frees 5 of those blocks and one of the first; says "."
 *	strict		enters the strict mode of seccomp and waits
 *	filter NAME	has a seccomp filter under which NAME (memfd_create, mmap) fails with EPERM, or kills (mmap!)
 *	thread		says the id of a second thread, and waits
 *	locked		a signal handler that has interrupted malloc() waits: the only thread is never at a safe point
 *	loading LIBRARY	a second thread loads LIBRARY, whose constructor says "ready"; the first one sleeps, and says so if it is
 *			woken
 *	sleeping	sleeps, and says so if it is woken
 *	vfork		waits for two seconds in vfork(), where it cannot be stopped, and then as others do
 *	undumpable	is one that its user may not trace
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *old[100];
static void *volatile kept[100000];
static unsigned keeps;

__attribute__((noinline)) static void fill(void)
{
	for (int i = 0; i < 100; i++)
		memset(old[i] = malloc(1000), 1, 1000);
}

__attribute__((noinline)) static void grow(unsigned step)
{
	for (int i = 0; i < 10; i++)
		kept[keeps++] = malloc(100);
	for (int i = 0; i < 5; i++)
		free(kept[--keeps]);
	free(old[step % 100]);
	old[step % 100] = NULL;
}

static void counted(void)
{
	unsigned step = 0;
	char byte;

	fill();
	puts("ready");
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		grow(step++);
		if (write(STDOUT_FILENO, ".", 1) != 1)
			return;
	}
}

/* By a system call that both modes of seccomp allow, and nothing else. */
static void say_ready(void)
{
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		_exit(4);
}

static void filter(const char *name)
{
	int killing = name[strlen(name) - 1] == '!';
	int number = !strncmp(name, "mmap", 4) ? SYS_mmap : SYS_memfd_create;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, killing ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(3);
	say_ready();
	for (;;)
		sleep(1);
}

static void *second(void *unused)
{
	printf("ready %d.\n", (int)syscall(SYS_gettid));
	pause();
	return unused;
}

static void *load(void *library)
{
	dlopen(library, RTLD_NOW);
	return NULL;
}

static void sleep_on(void)
{
	struct timespec hour = { 3600, 0 };

	for (;;)
		printf("woken: %d\n", nanosleep(&hour, NULL));
}

static void wait_for_child(void)
{
	struct timespec two = { 2, 0 };

	puts("ready");
	if (!vfork()) {
		nanosleep(&two, NULL);
		_exit(0);
	}
}

static void wait_in_handler(int unused)
{
	(void)unused;
	puts("ready");
	for (;;)
		sleep(1);
}

/* The list of free blocks in the thread's cache is damaged, so that malloc() makes a fault, whose handler runs on top of its
 * frame. Since 2.32 glibc stores the list's pointers xored with their addresses. */
static void locked(void)
{
	uintptr_t *first = malloc(24), *second_block = malloc(24);

	signal(SIGSEGV, wait_in_handler);
	free(first);
	free(second_block);
	*second_block = (uintptr_t)second_block >> 12 ^ 0x10;
	for (int i = 0; i < 3; i++)
		kept[i] = malloc(24);
	puts("no fault");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "counted"))
		counted();
	else if (!strcmp(what, "filter"))
		filter(argv[2]);
	else if (!strcmp(what, "locked"))
		locked();
	else if (!strcmp(what, "thread"))
		pthread_create(&thread, NULL, second, NULL);
	else if (!strcmp(what, "sleeping"))
		puts("ready"), sleep_on();
	else if (!strcmp(what, "vfork"))
		wait_for_child();
	else if (!strcmp(what, "loading"))
		pthread_create(&thread, NULL, load, argv[2]), sleep_on();
	else if (!strcmp(what, "undumpable"))
		prctl(PR_SET_DUMPABLE, 0), puts("ready");
	else if (!strcmp(what, "strict")) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		say_ready();
		for (char byte; read(STDIN_FILENO, &byte, 1) == 1;)
			;
		syscall(SYS_exit, 0);
	} else {
		puts("ready");
	}
	if (strcmp(what, "counted"))
		for (;;)
			pause();
	return 0;
}
