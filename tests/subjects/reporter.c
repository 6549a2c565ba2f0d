/* SPDX-License-Identifier: GPL-2.0-only */
/* Holds 77 + 1234 bytes and ends in the way that the argument names, for tests/reporter.t. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *hold_block(size_t bytes)
{
	return malloc(bytes);
}

static void fork_children(int count, int at_once)
{
	for (int i = 0; i < count; i++) {
		if (!fork()) {
			hold_block(100);
			exit(0);
		}
		if (i >= at_once)
			wait(NULL);
	}
	while (wait(NULL) > 0)
		;
}

/* A child is killed, and the next one gets its id. Returns 77 where that cannot be had. */
static int give_id_again(void)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	pid_t first, second;

	raise(SIGUSR1);
	usleep(200000);
	first = fork();
	if (!first)
		raise(SIGKILL);
	waitpid(first, NULL, 0);
	if (fd < 0 || dprintf(fd, "%d", (int)first - 1) < 0)
		return 77;
	second = fork();
	if (!second)
		exit(0);
	waitpid(second, NULL, 0);
	return second == first ? 5 : 77;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "return";

	hold_block(1234);
	hold_block(77);
	if (!strcmp(how, "exit"))
		exit(5);
	if (!strcmp(how, "_exit"))
		_exit(5);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "fault"))
		raise(SIGSEGV);
	if (!strcmp(how, "SIGTERM"))
		raise(SIGTERM);
	if (!strcmp(how, "SIGKILL"))
		raise(SIGKILL);
	if (!strcmp(how, "fork"))
		fork_children(3, 3);
	if (!strcmp(how, "many"))
		fork_children(200, 20);
	if (!strcmp(how, "exec"))
		execl(argv[0], argv[0], "exec again", (char *)NULL);
	if (!strcmp(how, "exec again"))
		execl(argv[0], argv[0], "exit", (char *)NULL);
	if (!strcmp(how, "descriptors full")) {
		while (open("/dev/null", O_RDONLY) >= 0)
			;
	}
	if (!strcmp(how, "descriptors closed")) {
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
	}
	if (!strcmp(how, "root changed") && (chroot("/proc") || chdir("/")))
		return 7;
	if (!strcmp(how, "network changed") && unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 77;
	if (!strcmp(how, "id again"))
		return give_id_again();
	if (!strcmp(how, "requests")) {
		raise(SIGUSR1);
		raise(SIGUSR2);
	}
	if (!strcmp(how, "wait")) {
		puts("ready");
		fflush(stdout);
		return getchar() == EOF ? 5 : 6;
	}
	return 5;
}
