/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage: large HOW
 * Sites whose figures do not fit into 32 bits, named as in the table of tests/large.t, of blocks that
 * are not touched. The unit is 1 GB (2^30 bytes), or 220 MB in a program of 32 bits. HOW: exit; signal
 * (SIGUSR1 and SIGUSR2, then everything is freed); kill (SIGKILL); fork (a child frees one block more and is
 * killed, then so is the parent).
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SITE __attribute__((noinline))

static const size_t unit = sizeof(void *) == 8 ? (size_t)1 << 30 : (size_t)220 << 20;

static void *volatile keep;
static void *risen[5], *sunk[5], *of_thread[4], *of_resized;

static void *sure(void *p)
{
	if (!p)
		_exit(9);
	return p;
}

SITE static void rise(void) { for (int i = 0; i < 5; i++) risen[i] = sure(malloc(unit)); }
SITE static void sink(void)
{
	for (int i = 0; i < 5; i++)
		sunk[i] = sure(malloc(unit));
	for (int i = 0; i < 5; i++)
		free(sunk[i]);
}
SITE static void once(void) { keep = sure(malloc(6 * unit)); free(keep); }
SITE static void churned(void)
{
	for (int i = 0; i < 200; i++) {
		keep = sure(malloc(unit / 8));
		free(keep);
	}
}
SITE static void cleared(void) { keep = sure(calloc(3, unit)); free(keep); }
SITE static void resized(void)
{
	static const size_t units[] = { 1, 5, 2 };

	for (int i = 0; i < 3; i++)
		of_resized = sure(realloc(of_resized, units[i] * unit));
}
SITE static void *shared(void *place) { *(void **)place = sure(malloc(unit)); return NULL; }

static void threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, shared, &of_thread[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	free(of_thread[0]);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "exit";

	rise();
	sink();
	once();
	churned();
	cleared();
	resized();
	free(risen[0]);
	free(risen[1]);
	threads();
	if (!strcmp(how, "signal")) {
		raise(SIGUSR1);
		raise(SIGUSR2);
		free(of_resized);
		for (int i = 1; i < 4; i++)
			free(of_thread[i]);
		for (int i = 2; i < 5; i++)
			free(risen[i]);
	}
	if (!strcmp(how, "fork")) {
		pid_t child = fork();

		if (!child) {
			free(risen[2]);
			kill(getpid(), SIGKILL);
		}
		waitpid(child, NULL, 0);
	}
	if (!strcmp(how, "kill") || !strcmp(how, "fork"))
		kill(getpid(), SIGKILL);
	return 0;
}
