/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * argv: RUNS SEED OUTFILE HEAPTRACE PROGRAM. Starts HEAPTRACE again and again and sends each
 * one a SIGUSR1 at a random moment from the wrapper's first instructions to well after the
 * program's start. "First instructions" is when the kernel says that the process holds the
 * signal back or has a handler: before that it would die natively too. Prints what went
 * wrong, and how many moments fell before and after the program's start.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Bit of SIGUSR1 in a line like "SigBlk:\t0000000000000a00". */
static int has_usr1(const char *status, const char *field)
{
	const char *at = strstr(status, field);

	return at && strtoull(at + strlen(field), NULL, 16) & 1u << (SIGUSR1 - 1);
}

/* 1: held back, 2: handled, 0: neither, -1: the process is over. */
static int look(pid_t pid)
{
	char path[64], status[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	n = read(fd, status, sizeof(status) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	status[n] = '\0';
	if (strstr(status, "State:\tZ"))
		return -1;
	return has_usr1(status, "SigBlk:") ? 1 : has_usr1(status, "SigCgt:") ? 2 : 0;
}

static int count_dumps(const char *file)
{
	static char text[1 << 20];
	int fd = open(file, O_RDONLY), dumps = 0;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	for (const char *at = text; (at = strstr(at, "sorted by size")); at++)
		dumps++;
	if (fd >= 0)
		close(fd);
	return dumps;
}

int main(int argc, char **argv)
{
	int runs = atoi(argv[1]), moments[3] = { 0 }, failures = 0;
	char option[4096];

	if (argc < 6)
		return 2;
	srandom((unsigned)atoi(argv[2]));
	snprintf(option, sizeof(option), "--outfile=%s", argv[3]);
	for (int i = 0; i < runs; i++) {
		char *args[] = { argv[4], option, (char *)"--sort=count", argv[5], (char *)"-", NULL };
		struct timespec delay = { 0, i % 3 ? random() % 5000000 : 0 };
		posix_spawn_file_actions_t actions;
		int status, when, dumps, ends[2];
		pid_t pid;

		unlink(argv[3]);
		if (pipe2(ends, O_CLOEXEC))
			return 3;
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
		if (posix_spawn(&pid, argv[4], &actions, NULL, args, environ))
			return 3;
		posix_spawn_file_actions_destroy(&actions);
		close(ends[0]);
		while (!(when = look(pid)))
			;
		nanosleep(&delay, NULL);
		when = look(pid);
		kill(pid, SIGUSR1);
		close(ends[1]);		/* it has not ended before, where a signal is only held back */
		waitpid(pid, &status, 0);
		dumps = count_dumps(argv[3]);
		moments[when > 0 ? when : 0]++;
		if (when > 0 && (status != 7 << 8 || dumps != 1)) {
			printf("run %d: after %ld ns, %s: status %x, %d dumps\n", i, delay.tv_nsec,
			       when == 1 ? "held back" : "handled", (unsigned)status, dumps);
			failures++;
		}
	}
	printf("held back %d, handled %d, over %d, failures %d\n", moments[1], moments[2], moments[0],
	       failures);
	return failures != 0;
}
