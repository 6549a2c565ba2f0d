/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handlers of forks that run inside heaptrace's: fork_handlers HOW. The library part (without -DPROGRAM)
 * registers them in its constructor, which runs before that of a preloaded library: the handler in the child
 * runs before heaptrace's, and the one before the fork runs after it.
 *
 *	exec		the child's handler calls exec, which fails
 *	action		the child's handler sets the default action for SIGTERM
 *	memory		the child's handler frees a block of the parent's and allocates one
 *	nested		a signal comes in the handler before the fork, and its handler forks
 *	plain		the handlers do nothing
 *
 * The child keeps 333 bytes by keep_child() and prints its id, the parent prints the child's status. Both print
 * how many descriptors they have, and whether SIGTERM is blocked. With a second argument the child sends itself
 * that signal at its end.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern void (*in_child)(void), (*before)(void);

#ifdef PROGRAM

#include "keeping.h"

static void *parents_block;

__attribute__((noinline)) static void keep_parent(void)
{
	parents_block = malloc(555);
	__asm__("");
}

__attribute__((noinline)) static void keep_handler(void)
{
	free(parents_block);
	parents_block = malloc(77);
	__asm__("");
}

static void call_exec(void)
{
	char *argv[] = { (char *)"/no/such/program", NULL };

	execv(argv[0], argv);
}

static void set_action(void)
{
	signal(SIGTERM, SIG_DFL);
}

static void fork_inside(int sig)
{
	pid_t child;

	(void)sig;
	before = NULL;
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
}

static void send_signal(void)
{
	raise(SIGURG);
}

static void report(const char *who, int number)
{
	sigset_t mask;
	int open = 0;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int fd = 0; fd < 200; fd++)
		open += dup2(fd, fd) == fd;
	say(who, number);
	say("descriptors", open);
	say("SIGTERM blocked", sigismember(&mask, SIGTERM));
}

int main(int argc, char **argv)
{
	pid_t child;
	int status = -1;

	keep_first();
	keep_parent();
	if (!strcmp(argv[1], "exec")) {
		in_child = call_exec;
	} else if (!strcmp(argv[1], "action")) {
		in_child = set_action;
	} else if (!strcmp(argv[1], "memory")) {
		in_child = keep_handler;
	} else if (!strcmp(argv[1], "nested")) {
		signal(SIGURG, fork_inside);
		before = send_signal;
	}
	child = fork();
	if (!child) {
		keep_child();
		report("child", getpid());
		if (argc > 2)
			raise(atoi(argv[2]));
		exit(7);
	}
	waitpid(child, &status, 0);
	report("status", status);
	return 0;
}

#else

#include <pthread.h>

void (*in_child)(void), (*before)(void);

static void run_before(void)
{
	if (before)
		before();
}

static void run_in_child(void)
{
	if (in_child)
		in_child();
}

__attribute__((constructor)) static void begin(void)
{
	pthread_atfork(run_before, NULL, run_in_child);
}

#endif
