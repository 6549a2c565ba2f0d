/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that holds 5000 bytes in 5 blocks from keep_blocks(), says "ready", and does what
 * argv[1] says until its standard input ends:
 *
 *	idle		sleeps in one system call
 *	compute		computes, without a system call (and does not look at its input)
 *	own		handles both dump signals itself
 *	blocked, sigwait, signalfd	has SIGUSR1 that way
 *	grow, grow threads	allocates 20 blocks of 100,000 bytes, then frees and allocates them anew
 *	forks		has one short-lived child after another; says the pid of each
 *	fork		has a child that holds 700 bytes more; its pid is in the output
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static char *kept[20];

__attribute__((noinline)) static char *keep_blocks(size_t size)
{
	char *p = malloc(size);

	__asm__ volatile("" : : "r"(p) : "memory");
	return p;
}

static void own(int sig)
{
	(void)sig;
	write(STDOUT_FILENO, "own\n", 4);
}

static void *grow(void *unused)
{
	for (int i = 0; i < 20; i++)
		kept[i] = keep_blocks(100000);
	return unused;
}

static void wait_for_end(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static void keep_forking(void)
{
	struct pollfd in = { .fd = STDIN_FILENO };

	do {
		pid_t pid = fork();

		if (!pid) {
			keep_blocks(700);
			usleep(20000);
			_exit(0);
		}
		printf("%d\n", (int)pid);
		fflush(stdout);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	} while (poll(&in, 1, 1) == 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "idle";
	volatile unsigned long sum = 0;
	pthread_t thread;
	sigset_t usr1;
	pid_t pid;
	int sig;

	for (volatile int i = 0; i < 5; i++)	/* one backtrace */
		keep_blocks(1000);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	if (!strcmp(what, "own")) {
		signal(SIGUSR1, own);
		signal(SIGUSR2, own);
	}
	if (!strcmp(what, "blocked") || !strcmp(what, "sigwait") || !strcmp(what, "signalfd"))
		sigprocmask(SIG_BLOCK, &usr1, NULL);
	if (!strcmp(what, "blocked"))
		raise(SIGUSR1);
	if (!strcmp(what, "sigwait")) {
		raise(SIGUSR1);
		sigwait(&usr1, &sig);
	}
	if (!strcmp(what, "signalfd"))
		signalfd(-1, &usr1, 0);
	if (!strcmp(what, "grow") || !strcmp(what, "grow threads")) {
		if (what[4]) {
			pthread_create(&thread, NULL, grow, NULL);
			pthread_join(thread, NULL);
		} else {
			grow(NULL);
		}
		for (int i = 0; i < 20; i++)
			free(kept[i]);
		grow(NULL);
	}
	if (!strcmp(what, "fork")) {
		pid = fork();
		if (!pid) {
			keep_blocks(700);
			wait_for_end();
			_exit(0);
		}
		printf("child %d\n", (int)pid);
		fflush(stdout);		/* before the test reads on */
	}
	write(STDOUT_FILENO, "ready\n", 6);
	if (!strcmp(what, "forks"))
		keep_forking();
	while (!strcmp(what, "compute"))
		sum += sum ^ 12345;
	wait_for_end();
	while (wait(NULL) > 0)
		;
	return 0;
}
