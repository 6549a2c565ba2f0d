/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that allocate, each in known functions: tests/thread_rows.t compares what a report says of them.
 *
 *	thread_rows CASE
 *
 * Prints "NAME ID" for each thread whose id matters. What is allocated is kept, unless the case says otherwise.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

#define SITE(name)								\
	static __attribute__((noinline)) void *name(size_t size)		\
	{									\
		void *p = malloc(size);						\
										\
		kept = p;							\
		return p;							\
	}
SITE(shared_site) SITE(own_site) SITE(main_site) SITE(both_site) SITE(other_site) SITE(child_site) SITE(later_site)

static __attribute__((noinline)) void *resize_site(void *p, size_t size)
{
	p = realloc(p, size);
	kept = p;
	return p;
}

static pthread_barrier_t met;

static void meet(void)
{
	pthread_barrier_wait(&met);
}

/* With a newline at once, so that no buffer is allocated or lost. */
static void say(const char *name)
{
	char line[64];

	if (write(1, line, (size_t)snprintf(line, sizeof(line), "%s %ld\n", name, syscall(SYS_gettid))) < 0)
		_exit(9);
}

static pthread_t begin(void *(*run)(void *), void *of)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, of))
		_exit(8);
	return thread;
}

/* ---- Three threads, named in three ways ---- */

static void *alpha(void *unused)
{
	pthread_setname_np(pthread_self(), "alpha");
	say("alpha");
	shared_site(100);
	both_site(10);
	for (int i = 0; i < 1000; i++)
		own_site(200 + (size_t)i);
	meet();
	meet();
	return unused;
}

static void *beta(void *unused)
{
	say("beta");
	shared_site(100);
	prctl(PR_SET_NAME, "beta");
	meet();
	meet();
	return unused;
}

static void *gamma_named_by_main(void *unused)
{
	say("gamma");
	shared_site(100);
	meet();
	other_site(5);
	meet();
	return unused;
}

static void named(int end_signal)
{
	pthread_t threads[3];

	both_site(10);
	main_site(10);
	pthread_barrier_init(&met, NULL, 4);
	threads[0] = begin(alpha, NULL);
	threads[1] = begin(beta, NULL);
	threads[2] = begin(gamma_named_by_main, NULL);
	meet();
	pthread_setname_np(threads[2], "gamma");
	meet();
	if (end_signal) {
		kill(getpid(), end_signal);
		pause();
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* ---- Names that change, also by other ways than functions, and threads that are gone ---- */

static void *renamed(void *unused)
{
	pthread_setname_np(pthread_self(), "before");
	own_site(100);
	pthread_setname_np(pthread_self(), "renamed");
	say("renamed");
	return unused;
}

static void *renamed_by_kernel(void *unused)
{
	other_site(100);
	syscall(SYS_prctl, PR_SET_NAME, "kernel name", 0, 0, 0);
	say("kernel");
	return unused;
}

static void *resizes(void *p)
{
	prctl(PR_SET_NAME, "odd\033[31m \"name\"");
	say("odd");
	free(resize_site(p, 4000));
	return NULL;
}

static void ended(void)
{
	pthread_join(begin(renamed, NULL), NULL);
	pthread_join(begin(renamed_by_kernel, NULL), NULL);
	pthread_join(begin(resizes, main_site(3000)), NULL);
	prctl(PR_SET_NAME, "the main one");
	both_site(1);
	pthread_join(begin(alpha, NULL), NULL);
}

/* ---- Many threads ---- */

static void *one_of_many(void *number)
{
	shared_site(100);
	if ((long)number == 7) {
		prctl(PR_SET_NAME, "seventh");
		say("seventh");
		own_site(100);
	}
	if ((long)number < 4)
		other_site(1);
	return NULL;
}

static void many(void)
{
	for (long i = 0; i < 200; i++)
		pthread_join(begin(one_of_many, (void *)i), NULL);
}

/* More threads at a time than have slots. The last one's calls are recorded without. */
static void *one_of_crowd(void *number)
{
	free(shared_site(100));
	if (number) {
		prctl(PR_SET_NAME, "last");
		say("last");
		own_site(100);
		kept = realloc(other_site(100), 5000);
	}
	meet();
	return NULL;
}

static void crowd(void)
{
	enum { CROWD = 300 };
	static pthread_t threads[CROWD];

	pthread_barrier_init(&met, NULL, CROWD + 1);
	for (int i = 0; i < CROWD; i++) {
		if (i == CROWD - 1)
			usleep(300000);		/* the others have called malloc */
		threads[i] = begin(one_of_crowd, i == CROWD - 1 ? "" : NULL);
	}
	meet();
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
}

/* ---- A fork, by a thread; what is pending in the slots of all threads goes to the child, too ---- */

static void *another(void *unused)
{
	pthread_setname_np(pthread_self(), "another");
	say("another");
	other_site(100);
	shared_site(100);
	meet();
	meet();
	return unused;
}

static void *forks(void *unused)
{
	pid_t child;
	int status;

	pthread_setname_np(pthread_self(), "forks");
	own_site(100);
	both_site(100);
	later_site(100);
	meet();
	child = fork();
	if (!child) {
		child_site(100);
		own_site(100);
		shared_site(100);
		main_site(100);
		prctl(PR_SET_NAME, "child");
		pthread_join(begin(renamed_by_kernel, NULL), NULL);
		exit(0);
	}
	waitpid(child, &status, 0);
	later_site(100);
	meet();
	return unused;
}

static void forked(void)
{
	pthread_t threads[2];

	main_site(100);
	both_site(100);
	pthread_barrier_init(&met, NULL, 3);
	threads[0] = begin(another, NULL);
	threads[1] = begin(forks, NULL);
	meet();
	meet();
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	say("main");
	if (!strcmp(what, "named"))
		named(0);
	else if (!strcmp(what, "killed"))
		named(SIGKILL);
	else if (!strcmp(what, "many"))
		many();
	else if (!strcmp(what, "crowd"))
		crowd();
	else if (!strcmp(what, "forked"))
		forked();
	else if (!strcmp(what, "ended"))
		pthread_barrier_init(&met, NULL, 1), ended();
	else
		return 1;
	return 0;
}
