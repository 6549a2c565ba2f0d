/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sits in one state, named by argv[1], and says "ready". Every wait that SA_RESTART restarts
 * must not notice a signal; it is ended by a line on standard input, which a thread (or, for
 * waitpid, a child) turns into what the wait is for. sleep, pause and poll go on until the
 * line came.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void *volatile kept[32];
static const char *state;
static volatile int over;
static int pipe_ends[2], sockets[2];
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_t main_thread;

/* Few large blocks and many small ones: the two orders differ. */
__attribute__((noinline)) void large(void)
{
	kept[0] = malloc(1000000);
}

__attribute__((noinline)) void small(void)
{
	for (int i = 1; i < 32; i++)
		kept[i] = malloc(10);
}

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(9);
}

static void *end_wait(void *unused)
{
	char data[65536];

	if (read(0, data, 1) < 0)
		_exit(8);
	over = 1;
	if (!strcmp(state, "read")) {
		if (write(pipe_ends[1], "x", 1) != 1)
			_exit(7);
	} else if (!strcmp(state, "write")) {
		if (read(pipe_ends[0], data, sizeof(data)) <= 0)
			_exit(6);
	} else if (!strcmp(state, "recv")) {
		send(sockets[1], "x", 1, 0);
	} else if (!strcmp(state, "sem_wait")) {
		sem_post(&semaphore);
	} else if (!strcmp(state, "mutex")) {
		pthread_mutex_unlock(&mutex);	/* a normal mutex: any thread may */
	} else if (!strcmp(state, "cond")) {
		pthread_mutex_lock(&mutex);
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&mutex);
	} else if (!strcmp(state, "sleep") || !strcmp(state, "pause") || !strcmp(state, "poll")) {
		pthread_kill(main_thread, SIGWINCH);
	}
	return unused;
}

static void on_winch(int sig)
{
	(void)sig;
}

/* The wait; its result. */
static long wait_in(const char *how)
{
	volatile double x = 1;
	char data[65536];
	long n;

	if (!strcmp(how, "read"))
		return read(pipe_ends[0], data, sizeof(data));
	if (!strcmp(how, "write")) {
		memset(data, 'x', sizeof(data));
		return write(pipe_ends[1], data, 4096);		/* the pipe is full */
	}
	if (!strcmp(how, "recv"))
		return recv(sockets[0], data, sizeof(data), 0);
	if (!strcmp(how, "sem_wait"))
		return sem_wait(&semaphore);
	if (!strcmp(how, "mutex"))
		return pthread_mutex_lock(&mutex);
	if (!strcmp(how, "cond")) {
		pthread_mutex_lock(&mutex);
		while (!over)
			pthread_cond_wait(&condition, &mutex);
		return pthread_mutex_unlock(&mutex);
	}
	if (!strcmp(how, "waitpid")) {
		int status;
		pid_t child = fork();

		if (!child) {
			signal(SIGUSR1, SIG_IGN);
			_exit(read(0, data, 1) == 1 ? 5 : 4);
		}
		do
			n = waitpid(child, &status, 0);
		while (0);
		return n == child ? WEXITSTATUS(status) : -1;
	}
	while (!over) {
		if (!strcmp(how, "sleep"))
			sleep(1);
		else if (!strcmp(how, "pause"))
			poll(NULL, 0, 500);
		else if (!strcmp(how, "poll"))
			poll(NULL, 0, 1000);
		else
			x = x * 1.0000001 + 1 / x;
	}
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t helper;
	long result;

	if (argc < 2)
		return 2;
	state = argv[1];
	main_thread = pthread_self();
	signal(SIGWINCH, on_winch);
	large();
	small();
	sem_init(&semaphore, 0, 0);
	if (pipe(pipe_ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		return 3;
	if (!strcmp(state, "write")) {
		fcntl(pipe_ends[1], F_SETPIPE_SZ, 4096);
		if (write(pipe_ends[1], kept[0], (size_t)fcntl(pipe_ends[1], F_GETPIPE_SZ)) < 0)
			return 3;
	}
	if (!strcmp(state, "mutex"))
		pthread_mutex_lock(&mutex);
	if (strcmp(state, "waitpid")) {
		/* Signals for the process go to the main thread, which waits. */
		sigset_t all, old;

		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &old);
		pthread_create(&helper, NULL, end_wait, NULL);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	say("ready\n");
	errno = 0;
	result = wait_in(state);
	printf("result %ld errno %d\n", result, result < 0 ? errno : 0);
	return 0;
}
