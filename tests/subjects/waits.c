/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocking calls, each in a thread of its own: waits [signals]. The process says "waiting" when all
 * threads are in their calls, and some seconds later what became of each: "NAME whole" when it came to its
 * end as if nothing had happened, "NAME interrupted" when it returned EINTR. With `signals`, each thread
 * gets a SIGUSR1 meanwhile.
 *
 * The calls are those that signal(7) says are interrupted by a handler in spite of SA_RESTART, and two (the
 * last ones) that are started again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int seconds = 3;		/* that a call waits; more where it is to be interrupted, on a busy machine, too */
static struct timespec some_time = { 3, 0 };
static int ends[2], epoll_fd, queue, semaphores;

static int do_poll(void) { return poll(NULL, 0, seconds * 1000); }
static int do_ppoll(void) { return ppoll(NULL, 0, &some_time, NULL); }
static int do_select(void) { struct timeval t = { seconds, 0 }; return select(0, NULL, NULL, NULL, &t); }
static int do_pselect(void) { return pselect(0, NULL, NULL, NULL, &some_time, NULL); }
static int do_epoll_wait(void) { struct epoll_event e; return epoll_wait(epoll_fd, &e, 1, seconds * 1000); }
static int do_epoll_pwait(void) { struct epoll_event e; return epoll_pwait(epoll_fd, &e, 1, seconds * 1000, NULL); }
static int do_nanosleep(void) { return nanosleep(&some_time, NULL); }
static int do_clock_nanosleep(void)
{
	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &some_time, NULL);
	return errno ? -1 : 0;
}
static int do_usleep(void) { return usleep(seconds * 1000000); }
static int do_sleep(void) { errno = EINTR; return sleep(seconds) ? -1 : 0; }

static int do_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	return sigtimedwait(&set, NULL, &some_time);
}

static int do_sem_timedwait(void)
{
	struct timespec until;
	sem_t sem;

	sem_init(&sem, 0, 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return sem_timedwait(&sem, &until);
}

static int do_semtimedop(void)
{
	struct sembuf op = { 0, -1, 0 };

	return semtimedop(semaphores, &op, 1, &some_time);
}

static int do_semop(void) { struct sembuf op = { 1, -1, 0 }; return semop(semaphores, &op, 1); }
static int do_msgrcv(void) { struct { long type; char text[8]; } m; return (int)msgrcv(queue, &m, sizeof(m.text), 1, 0); }

static int with_timeout(int is_send)
{
	struct timeval t = { seconds, 0 };
	static const char text[65536];
	int pair[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    setsockopt(pair[0], SOL_SOCKET, is_send ? SO_SNDTIMEO : SO_RCVTIMEO, &t, sizeof(t)))
		return 0;
	while (is_send && send(pair[0], text, sizeof(text), MSG_DONTWAIT) > 0)
		;
	return (int)(is_send ? send(pair[0], text, sizeof(text), 0) : recv(pair[0], &c, 1, 0));
}

static int do_recv_timeout(void) { return with_timeout(0); }
static int do_send_timeout(void) { return with_timeout(1); }

static int do_read(void) { char c; return (int)read(ends[0], &c, 1); }
static int do_futex(void)
{
	static uint32_t word;

	return (int)syscall(SYS_futex, &word, 9 /* FUTEX_WAIT_BITSET */ | 128, 0, NULL, NULL, ~0u);
}

static struct wait {
	const char *name;
	int (*call)(void);
	int result, error;
	pthread_t thread;
	volatile pid_t id;
	volatile int done;
} waits[] = {
#define WAIT(name) { #name, do_##name, 0, 0, 0, 0, 0 }
	WAIT(poll), WAIT(ppoll), WAIT(select), WAIT(pselect), WAIT(epoll_wait), WAIT(epoll_pwait), WAIT(nanosleep),
	WAIT(clock_nanosleep), WAIT(usleep), WAIT(sleep), WAIT(sigtimedwait), WAIT(sem_timedwait), WAIT(semtimedop),
	WAIT(semop), WAIT(msgrcv), WAIT(recv_timeout), WAIT(send_timeout), WAIT(read), WAIT(futex),
};
#define WAITS	(sizeof(waits) / sizeof(waits[0]))

static void *run(void *wait)
{
	struct wait *w = wait;

	w->id = (pid_t)syscall(SYS_gettid);
	errno = 0;
	w->result = w->call();
	w->error = errno;
	w->done = 1;
	return NULL;
}

/* Whether a thread sleeps in the kernel: "State:	S (sleeping)". */
static int sleeps(const struct wait *w)
{
	char path[64], line[128];
	int asleep = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)w->id);
	status = w->id ? fopen(path, "r") : NULL;
	while (status && fgets(line, sizeof(line), status))
		asleep |= !strncmp(line, "State:\tS", 8);
	if (status)
		fclose(status);
	return asleep;
}

/* Whether all calls have ended but the last two, which are started again. */
static int all_interrupted(void)
{
	for (unsigned i = 0; i < WAITS - 2; i++)
		if (!waits[i].done)
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	struct sembuf op = { 1, 1, 0 };
	struct { long type; char text[8]; } message = { 1, "" };
	int signals = argc > 1 && !strcmp(argv[1], "signals");

	if (signals)
		some_time.tv_sec = seconds = 20;
	epoll_fd = epoll_create1(0);
	queue = msgget(IPC_PRIVATE, 0600);
	semaphores = semget(IPC_PRIVATE, 2, 0600);
	if (pipe(ends) || epoll_fd < 0)
		return 2;
	for (unsigned i = 0; i < WAITS; i++)
		if (pthread_create(&waits[i].thread, NULL, run, &waits[i]))
			return 3;
	for (unsigned i = 0; i < WAITS; i++)
		while (!waits[i].done && !sleeps(&waits[i]))
			usleep(1000);
	puts("waiting");
	fflush(stdout);
	for (unsigned i = 0; i < WAITS && signals; i++) {
		if (!waits[i].done)
			pthread_kill(waits[i].thread, SIGUSR1);
		usleep(20000);		/* two dumps at once would be one */
	}
	/* What has a time of its own is through then; the others get what they wait for. */
	for (time_t end = time(NULL) + seconds + 1; time(NULL) < end && !(signals && all_interrupted()); )
		usleep(10000);
	semop(semaphores, &op, 1);
	msgsnd(queue, &message, 1, 0);
	if (write(ends[1], "x", 1) != 1)
		return 4;
	for (unsigned i = 0; i < WAITS; i++) {
		struct wait *w = &waits[i];

		/* The futex is waited for for ever: not to have returned is to be whole. */
		for (int tries = 0; !w->done && w->call != do_futex && tries < 2000; tries++)
			usleep(1000);
		printf("%s %s\n", w->name, w->done && w->result < 0 && w->error == EINTR ? "interrupted" : "whole");
	}
	fflush(stdout);
	msgctl(queue, IPC_RMID, NULL);
	semctl(semaphores, 0, IPC_RMID);
	_exit(0);
}
