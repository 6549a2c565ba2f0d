/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that may be started with more rights than its caller has: secure [SIGNAL]. Prints its ids,
 * the signals that it handles, the numbers of its descriptors and its HEAPTRACE_OPTIONS; allocates and
 * keeps; forks a child that does the same; sends itself SIGNAL, if it is given. With `become` as its
 * argument, it takes its new rights for good, and becomes itself without an argument.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

int main(int argc, char **argv)
{
	FILE *status = fopen("/proc/self/status", "r");
	const char *options = getenv("HEAPTRACE_OPTIONS");
	char line[256];
	pid_t child;

	while (status && fgets(line, sizeof(line), status)) {
		if (!strncmp(line, "SigCgt:", 7) || !strncmp(line, "SigBlk:", 7) || !strncmp(line, "SigIgn:", 7))
			fputs(line, stdout);
	}
	if (status)
		fclose(status);
	printf("secure %lu uid %d euid %d options %s\n", getauxval(AT_SECURE), (int)getuid(), (int)geteuid(),
	       options ? options : "none");
	for (int fd = 3; fd < 2048; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d\n", fd);
	}
	fflush(stdout);
	kept = malloc(123456);
	child = fork();
	if (!child) {
		kept = malloc(1000);
		_exit(!kept);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 2;
	if (argc > 1 && !strcmp(argv[1], "become")) {
		if (setregid(getegid(), getegid()) || setreuid(geteuid(), geteuid()))
			return 3;
		execl(argv[0], argv[0], (char *)NULL);
		return 4;
	}
	if (argc > 1)
		raise(atoi(argv[1]));
	return 0;
}
