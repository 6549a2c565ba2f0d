/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Children in many ways: process_ways HOW [ARG]. The first process keeps 1000 bytes by
 * keep_first(), a child 333 by keep_child(). Prints "child PID" for each child whose dump is to be
 * looked for, and the statuses that it got.
 *
 *	many		a child from each of 8 threads that allocate all the time
 *	raw		clone by syscall(), while other threads allocate and free
 *	raw3		clone3 by syscall()
 *	strict		clone by syscall(); the child enters the strict mode of seccomp(2) before it allocates
 *	newpid		clone into a namespace of process ids: the child's is 1
 *	function	daemon(), the function: it must have /dev/null as its streams, and / to be in
 *	daemon DIR	double fork, setsid, closes every descriptor, chroot to DIR, setuid to nobody
 *	daemon DIR loop, daemon DIR range	the same, closing them one by one or with close_range(2),
 *			and then it stays
 *	user1		a child waits for SIGUSR1, which is sent to it
 *	chain WAY N	becomes (exec) or starts and waits for (fork, vfork, spawn) chain WAY N-1,
 *			and so on; the last one's status is 7, and so is that of each
 *	image		an exec'd image of this program
 */
#include <errno.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeping.h"

#define NO_SUCH 77

static volatile int over;

static void *churn(void *unused)
{
	while (!over) {
		void *p = malloc(100 + (size_t)(uintptr_t)&unused % 64);

		p = realloc(p, 5000);
		free(p);
	}
	return unused;
}

static void wait_for(pid_t child)
{
	int status = -1;

	if (waitpid(child, &status, 0) != child)
		say("no child", errno);
	say("status", status);
}

static void *fork_one(void *unused)
{
	pid_t child = fork();

	if (!child) {
		say("child", getpid());
		keep_child();
		_exit(7);
	}
	wait_for(child);
	return unused;
}

static void many(void)
{
	pthread_t t[8], busy[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&busy[i], NULL, churn, NULL);
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, fork_one, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	over = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(busy[i], NULL);
}

/* What a child may do that took nobody's locks: no allocation. Its end is the dump. */
static void raw(int three, int flags)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pthread_t busy[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&busy[i], NULL, churn, NULL);
	for (int i = 0; i < 5; i++) {
		pid_t child;

		usleep(3000);
		child = three ? (pid_t)syscall(SYS_clone3, &args, sizeof(args)) :
			(pid_t)syscall(SYS_clone, SIGCHLD | flags, 0, 0, 0, 0);
		if (child < 0)
			_exit(NO_SUCH);
		if (!child) {
			say("child", getpid());
			_exit(7);
		}
		wait_for(child);
	}
	over = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(busy[i], NULL);
}

static void strict(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!child) {
		say("child", getpid());
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			_exit(NO_SUCH);
		keep_child();
		syscall(SYS_exit, 7);
	}
	wait_for(child);
}

static void close_from_1(const char *how)
{
	if (how && !strcmp(how, "range")) {
		if (syscall(SYS_close_range, 1, ~0u, 0))
			_exit(NO_SUCH);
		return;
	}
	for (int fd = 1; fd < sysconf(_SC_OPEN_MAX); fd++)
		close(fd);
}

static void daemonize(const char *root, const char *how)
{
	int ends[2];
	char c;

	if (pipe(ends))
		_exit(95);
	if (!fork()) {
		setsid();
		if (!fork()) {
			say("child", getpid());
			dup2(ends[1], 0);
			close_from_1(how);
			if (chroot(root) || chdir("/") || setgid(65534) || setuid(65534))
				_exit(94);
			keep_child();
			if (how && write(0, "x", 1) == 1) {
				for (;;)
					pause();
			}
			exit(0);
		}
		_exit(0);
	}
	close(ends[1]);
	wait(NULL);
	say(how ? "stays" : "end of file", read(ends[0], &c, 1));
}

static void by_function(void)
{
	char place[2], name[16] = "";
	pid_t first = getpid();

	if (daemon(0, 0) || getpid() == first || getsid(0) == getsid(first))
		_exit(92);
	if (!getcwd(place, sizeof(place)) || strcmp(place, "/"))
		_exit(91);
	for (int fd = 0; fd < 3; fd++) {
		char link[] = "/proc/self/fd/0";

		link[14] = (char)('0' + fd);
		if (readlink(link, name, sizeof(name) - 1) != 9 || strcmp(name, "/dev/null"))
			_exit(90);
	}
	keep_child();
	exit(0);
}

static void signalled(void)
{
	int ends[2];
	pid_t child;
	char c;

	if (pipe(ends))
		_exit(95);
	child = fork();
	if (!child) {
		say("child", getpid());
		keep_child();
		if (write(ends[1], "x", 1) < 0)
			_exit(93);
		for (int i = 0; i < 100; i++)
			usleep(20000);
		_exit(7);
	}
	if (read(ends[0], &c, 1) == 1)
		kill(child, SIGUSR1);
	wait_for(child);
}

static int chain(const char *self, const char *way, int n)
{
	char number[20];
	char *argv[] = { (char *)(uintptr_t)self, (char *)(uintptr_t)"chain", (char *)(uintptr_t)way, number, NULL };
	pid_t child = 0;
	int status = 0;

	keep_child();
	if (n <= 0)
		return 7;
	snprintf(number, sizeof(number), "%d", n - 1);
	if (!strcmp(way, "spawn") && posix_spawn(&child, self, NULL, NULL, argv, environ))
		return 92;
	if (!strcmp(way, "fork"))
		child = fork();
	if (!strcmp(way, "vfork"))
		child = vfork();
	if (!child) {
		execve(self, argv, environ);
		_exit(91);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "image")) {
		say("child", getpid());
		keep_child();
		return 0;
	}
	if (!strcmp(how, "chain"))
		return chain(argv[0], argv[2], atoi(argv[3]));
	keep_first();
	if (!strcmp(how, "many"))
		many();
	else if (!strcmp(how, "raw"))
		raw(0, 0);
	else if (!strcmp(how, "raw3"))
		raw(1, 0);
	else if (!strcmp(how, "strict"))
		strict();
	else if (!strcmp(how, "newpid"))
		raw(0, CLONE_NEWPID);
	else if (!strcmp(how, "function"))
		by_function();
	else if (!strcmp(how, "daemon"))
		daemonize(argv[2], argc > 3 ? argv[3] : NULL);
	else if (!strcmp(how, "user1"))
		signalled();
	else
		return 2;
	return 5;
}
