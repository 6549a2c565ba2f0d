/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends in one of many ways (argv[1]), with 1000 bytes kept by keep_first() and, in a child,
 * 333 by keep_child(). Prints "child PID" for a child whose own dump is to be looked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeping.h"

extern char **environ;
extern int close_range(unsigned, unsigned, int) __attribute__((weak));
extern pid_t _Fork(void) __attribute__((weak));

#define NO_SUCH 77

static int end_status;
static const char *self_path;

__attribute__((noinline)) void keep_handler(void)
{
	kept[2] = malloc(77);
}

static void on_end(void)
{
	keep_handler();
	say("handler", 0);
}

static void *exit_in_thread(void *unused)
{
	(void)unused;
	exit(5);
}

static void fill_stack(int sig)
{
	volatile char bytes[4096];

	(void)sig;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0x41;
}

static void end_in_handler(int sig)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } };

	(void)sig;
	setitimer(ITIMER_REAL, &often, NULL);
	_exit(5);
}

/* By _exit() in a handler on the alternate signal stack, while another handler on that stack comes again and again. */
static void end_on_alternate_stack(void)
{
	static char stack[1 << 16];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction act = { .sa_handler = fill_stack, .sa_flags = SA_ONSTACK | SA_RESTART };

	sigaltstack(&alternate, NULL);
	sigaction(SIGALRM, &act, NULL);
	act.sa_handler = end_in_handler;
	sigaction(SIGHUP, &act, NULL);
	raise(SIGHUP);
}

/* Two threads end the process at once, each in its own way. */
static void *end_now(void *unused)
{
	(void)unused;
	usleep((unsigned)getpid() % 16 * 100);
	_exit(5);
}

static void *end_last(void *unused)
{
	usleep(20000);
	return unused;
}

static void check_child(pid_t child)
{
	int status = -1;

	if (child < 0 || waitpid(child, &status, 0) != child)
		say("no child", errno);
	say("status", status);
}

static void end_by(const char *how)
{
	pthread_t t;

	if (!strcmp(how, "return"))
		return;
	if (!strcmp(how, "exit"))
		exit(5);
	if (!strcmp(how, "_exit"))
		_exit(6);
	if (!strcmp(how, "_Exit"))
		_Exit(7);
	if (!strcmp(how, "quick_exit")) {
		at_quick_exit(on_end);
		quick_exit(8);
	}
	if (!strcmp(how, "atexit")) {
		atexit(on_end);
		exit(9);
	}
	if (!strcmp(how, "thread")) {
		pthread_create(&t, NULL, exit_in_thread, NULL);
		pthread_join(t, NULL);
	}
	if (!strcmp(how, "both")) {
		pthread_create(&t, NULL, end_now, NULL);
		usleep(500);
		exit(5);
	}
	if (!strcmp(how, "pthread_exit")) {
		pthread_create(&t, NULL, end_last, NULL);
		pthread_exit(NULL);
	}
	if (!strcmp(how, "exec")) {
		execl(self_path, self_path, "image", (char *)NULL);
		_exit(97);
	}
	_exit(96);
}

/* A child by fork, clone or _Fork that ends by `how`. */
static void with_child(pid_t child, const char *how)
{
	if (!child) {
		say("child", getpid());
		keep_child();
		end_by(how);
		_exit(0);
	}
	check_child(child);
}

static void daemonize(void)
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
			for (int fd = 1; fd < sysconf(_SC_OPEN_MAX); fd++)
				close(fd);
			if (open("/dev/null", O_RDWR) != 1 || chdir("/"))
				_exit(94);
			keep_child();
			exit(0);
		}
		_exit(0);
	}
	close(ends[1]);
	wait(NULL);
	say("end of file", read(ends[0], &c, 1));	/* when the daemon has ended */
}

static int in_a_child_of(const char *how)
{
	char *args[] = { (char *)self_path, (char *)"image", NULL };
	pid_t child;
	FILE *f;
	char line[100] = "";

	if (!strncmp(how, "fork ", 5)) {
		with_child(fork(), how + 5);
	} else if (!strncmp(how, "clone ", 6)) {
		with_child((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), how + 6);
	} else if (!strncmp(how, "_Fork ", 6)) {
		if (!_Fork)
			return NO_SUCH;
		with_child(_Fork(), how + 6);
	} else if (!strcmp(how, "vfork _exit")) {
		child = vfork();
		if (!child)
			_exit(4);
		check_child(child);
		keep_child();	/* the parent's own dump is yet to come */
	} else if (!strcmp(how, "vfork exec")) {
		child = vfork();
		if (!child) {
			execv(args[0], args);
			_exit(93);
		}
		check_child(child);
	} else if (!strcmp(how, "posix_spawn")) {
		posix_spawn(&child, args[0], NULL, NULL, args, environ);
		check_child(child);
	} else if (!strcmp(how, "system")) {
		say("system", system("echo $((6 * 7))"));
	} else if (!strcmp(how, "popen")) {
		f = popen("echo $((6 * 7))", "r");
		say("popen", f && fgets(line, sizeof(line), f) ? atoi(line) : -1);
		say("pclose", f ? pclose(f) : -1);
	} else if (!strcmp(how, "daemon")) {
		daemonize();
	} else {
		return 2;
	}
	return end_status;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	self_path = "/proc/self/exe";
	if (!strcmp(how, "image")) {		/* what is exec'd */
		say("child", getpid());
		keep_child();
		return 3;
	}
	if (!strcmp(how, "free all")) {
		free(malloc(100));
		return 0;
	}
	keep_first();
	if (strchr(how, ' ') || !strcmp(how, "posix_spawn") || !strcmp(how, "system") ||
	    !strcmp(how, "popen") || !strcmp(how, "daemon"))
		return in_a_child_of(how);
	if (!strcmp(how, "alternate_stack")) {
		end_on_alternate_stack();
	} else if (!strcmp(how, "close_range")) {
		if (!close_range)
			return NO_SUCH;
		say("close_range", close_range(3, ~0U, 0));
	} else if (!strcmp(how, "close")) {
		for (int fd = 3; fd < sysconf(_SC_OPEN_MAX); fd++)
			close(fd);
	} else if (!strcmp(how, "streams")) {
		say("closing", 0);
		close(0);
		close(1);
		close(2);
	} else if (!strcmp(how, "chdir")) {
		if (chdir("/"))
			return 92;
	} else if (!strcmp(how, "chroot")) {
		if (chroot(argv[2]) || chdir("/"))
			return NO_SUCH;
	} else if (!strcmp(how, "setuid")) {
		if (setgid(65534) || setuid(65534))
			return NO_SUCH;
	} else {
		end_by(how);
	}
	return end_status;
}
