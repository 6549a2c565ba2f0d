/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has all the descriptors open that it may have, and does what its arguments say, one after the other.
 * keep() keeps 54,321 bytes of each process. Prints "done" when everything was as it has to be.
 *
 *	few		has no other descriptors than these
 *	low		lowers the soft limit to 10 afterwards: then many are open above it
 *	closed		closes its standard streams before: these numbers are taken, too
 *	usr1, usr2	sends itself a signal
 *	fork		has a child that keeps, too, and waits for it
 *	fork, kill	the same, but the child ends by SIGKILL
 *	thread		has a thread that does nothing but open and close meanwhile
 *	locks		checks that a lock on a file, which the first close() of any of its descriptors in this
 *			process would undo, is still there
 *	pipe		checks that the end of a pipe is seen as soon as its other end is closed
 *	kill		ends by SIGKILL
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;
static int lock_file = -1, pipe_ends[2] = { -1, -1 }, opened, out;
static volatile int ending, bad;

__attribute__((noinline)) void keep(void)
{
	kept = malloc(54321);
}

static void fail(const char *what)
{
	dprintf(out, "bad: %s: %s\n", what, strerror(errno));
	_exit(3);
}

/* What natively always succeeds: there is one number for it, which nobody else uses. */
static void *open_and_close(void *number)
{
	int fd = (int)(long)number;

	close(fd);
	while (!ending) {
		int got = open("/dev/null", O_RDONLY);

		if (got != fd || close(got))
			bad = 1;
	}
	if (open("/dev/null", O_RDONLY) != fd)
		bad = 1;
	return NULL;
}

static void have_child(int how)
{
	int status;
	pid_t child = fork();

	if (!child) {
		keep();
		if (how)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || (how ? !WIFSIGNALED(status) : status))
		fail("fork");
}

static void check_lock(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status;
	pid_t child = fork();

	if (!child) {
		if (fcntl(lock_file, F_GETLK, &l))
			_exit(2);
		_exit(l.l_type == F_UNLCK);
	}
	if (waitpid(child, &status, 0) != child || status)
		fail("the lock is gone");
}

static void check_pipe(void)
{
	char c;

	close(pipe_ends[1]);
	fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
	if (read(pipe_ends[0], &c, 1) != 0)
		fail("the pipe's other end is still open");
}

static void fill(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		opened = fd;
	if (errno != EMFILE)
		fail("open");
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	pthread_t thread;
	int has_thread = 0;

	if (argc > 2 && !strcmp(argv[2], "few")) {
		keep();
		return write(1, "done\n", 5) != 5;
	}
	out = dup(1);
	lock_file = open(argc > 1 ? argv[1] : "", O_RDWR);
	if (lock_file < 0 || lockf(lock_file, F_LOCK, 0) || pipe(pipe_ends))
		fail("start");
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "closed"))
			close(0), close(1), close(2);
	}
	fill();
	keep();
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "low")) {
			if (getrlimit(RLIMIT_NOFILE, &limit))
				fail("getrlimit");
			limit.rlim_cur = 10;
			if (setrlimit(RLIMIT_NOFILE, &limit))
				fail("setrlimit");
		} else if (!strcmp(argv[i], "usr1")) {
			raise(SIGUSR1);
		} else if (!strcmp(argv[i], "usr2")) {
			raise(SIGUSR2);
		} else if (!strncmp(argv[i], "fork", 4)) {
			have_child(argv[i][4]);
		} else if (!strcmp(argv[i], "thread")) {
			has_thread = !pthread_create(&thread, NULL, open_and_close, (void *)(long)opened);
		} else if (!strcmp(argv[i], "locks")) {
			check_lock();
		} else if (!strcmp(argv[i], "pipe")) {
			check_pipe();
		} else if (!strcmp(argv[i], "kill")) {
			kill(getpid(), SIGKILL);
		}
	}
	ending = 1;
	if (has_thread)
		pthread_join(thread, NULL);
	if (bad)
		fail("another thread did not get its descriptor");
	if (dprintf(out, "done\n") != 5)
		return 4;
	return 0;
}
