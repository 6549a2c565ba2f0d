/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything at once, by chance: stress SEED MILLISECONDS LIBRARY
 *
 * Three to eight threads, each of which allocates and checks, forks children that end in many
 * ways, opens and closes LIBRARY, starts short threads, cancels some, sends SIGUSR1 and SIGUSR2
 * to the process and to its threads, takes a signal whose handler allocates, and one whose
 * handler leaves by siglongjmp(). Ends with 0 and "done N" when every check held.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef LIBRARY

#include "library_work.h"

#else

#define BLOCKS	128

extern char **environ;
static const char *library;
static pthread_mutex_t loader = PTHREAD_MUTEX_INITIALIZER;
static unsigned long work_done;
static __thread sigjmp_buf back;
static __thread unsigned char *volatile handled;

static void fail(const char *what)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "stress: %s (errno %d)\n", what, errno);

	if (write(2, line, (size_t)n) < 0)
		_exit(14);
	_exit(13);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

static void churn(uint32_t *seed, unsigned steps)
{
	unsigned char *p[BLOCKS] = { NULL };
	size_t size[BLOCKS] = { 0 };

	for (unsigned n = 0; n < steps; n++) {
		uint32_t r = next_random(seed), i = r % BLOCKS;
		size_t want = r % 50 ? (r >> 8) % 600 + 2 : (r >> 8) % 200000 + 2;

		if (p[i] && (p[i][0] != (unsigned char)i || p[i][size[i] - 1] != (unsigned char)i))
			fail("a block has changed");
		if (p[i] && r & 0x1000000) {
			free(p[i]);
			p[i] = NULL;
			continue;
		}
		p[i] = p[i] || r & 0x2000000 ? realloc(p[i], want) : calloc(1, want);
		if (!p[i])
			fail("no memory");
		size[i] = want;
		p[i][0] = p[i][want - 1] = (unsigned char)i;
	}
	for (int i = 0; i < BLOCKS; i++)
		free(p[i]);
}

static void wait_status(pid_t child, int want)
{
	int status = -1;

	while (waitpid(child, &status, 0) != child) {
		if (errno != EINTR)
			fail("waitpid");
	}
	if (status != want) {
		fprintf(stderr, "stress: child %d: %x instead of %x\n", (int)child, (unsigned)status,
			(unsigned)want);
		_exit(15);
	}
}

/* Signals meant for the group reach an exec'd child before heaptrace is there again. */
static void block_dump_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void forks(uint32_t *seed)
{
	uint32_t r = next_random(seed), how = r % 7;
	char *args[] = { (char *)"true", NULL };
	pid_t child;

	if (how == 6) {
		if (posix_spawn(&child, "/bin/true", NULL, NULL, args, environ))
			fail("posix_spawn");
		wait_status(child, 0);
		return;
	}
	/* exit() in the child takes locks of dlclose()'s, which fork() does not see to. */
	if (how < 2)
		pthread_mutex_lock(&loader);
	child = how == 5 ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
	if (how < 2)
		pthread_mutex_unlock(&loader);
	if (child < 0)
		fail("fork");
	if (!child) {
		if (how == 5)	/* no locks are held open for it, as fork() sees to */
			_exit(20);
		churn(seed, 200);
		if (how == 0)
			exit(20);
		if (how == 1)
			quick_exit(20);
		if (how == 2 && !fork()) {
			churn(seed, 100);
			_exit(21);
		}
		if (how == 2)
			wait(NULL);
		if (how == 3) {
			block_dump_signals();
			execv("/bin/true", args);
		}
		if (how == 4)
			kill(getpid(), SIGKILL);
		_exit(20);
	}
	wait_status(child, how == 3 ? 0 : how == 4 ? SIGKILL : 20 << 8);
}

static void opens(uint32_t *seed)
{
	void *handle = (pthread_mutex_lock(&loader), dlopen(library, next_random(seed) & 1 ? RTLD_NOW : RTLD_LAZY | RTLD_DEEPBIND));
	char *(*work)(size_t) = handle ? (char *(*)(size_t))dlsym(handle, "library_work") : NULL;
	char *p;

	if (!work)
		fail("dlopen");
	p = work(100);
	if (p[99] != 'l')
		fail("the library's block");
	free(p);
	if (dlclose(handle))
		fail("dlclose");
	pthread_mutex_unlock(&loader);
}

static void *short_thread(void *seed)
{
	uint32_t own = (uint32_t)(uintptr_t)seed | 1;

	churn(&own, 50);
	return seed;
}

static void *cancelled_thread(void *unused)
{
	for (;;) {
		free(malloc(100));
		pthread_testcancel();
	}
	return unused;
}

static void thread_churn(uint32_t *seed)
{
	pthread_attr_t attr;
	pthread_t t[3];
	void *result;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&t[i], &attr, i ? short_thread : cancelled_thread,
				   (void *)(uintptr_t)next_random(seed)))
			fail("pthread_create");
	pthread_cancel(t[0]);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], &result);
	pthread_attr_destroy(&attr);
}

static void on_hup(int sig)
{
	(void)sig;
	handled = malloc(77);
}

static void on_winch(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static void handlers(void)
{
	raise(SIGHUP);
	if (!handled)
		fail("the handler");
	free(handled);
	handled = NULL;
	if (!sigsetjmp(back, 1)) {
		raise(SIGWINCH);
		fail("siglongjmp");
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double end;

/* The signals can keep the first thread from ever coming to its own work: each sees to the end. */
static void *work(void *argument)
{
	uint32_t seed = (uint32_t)(uintptr_t)argument | 1;

	for (; seconds() < end; __atomic_fetch_add(&work_done, 1, __ATOMIC_RELAXED)) {
		uint32_t r = next_random(&seed);

		switch (r % 16) {
		case 0:		forks(&seed); break;
		case 1:		opens(&seed); break;
		case 2:		thread_churn(&seed); break;
		case 3:		handlers(); break;
		case 4:		kill(getpid(), r & 0x100 ? SIGUSR1 : SIGUSR2); break;
		case 5:		raise(r & 0x100 ? SIGUSR1 : SIGUSR2); break;
		case 6:		sched_yield(); break;
		default:	churn(&seed, r >> 20); break;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint32_t seed = argc > 3 ? (uint32_t)strtoul(argv[1], NULL, 10) | 1 : 1;
	long ms = argc > 3 ? atol(argv[2]) : 500;
	int count = (int)(seed % 6) + 3;
	pthread_t t[8];

	library = argv[3];
	signal(SIGHUP, on_hup);
	signal(SIGWINCH, on_winch);
	if (write(1, "ready\n", 6) < 0)
		return 16;
	end = seconds() + (double)ms / 1000;
	for (int i = 0; i < count; i++)
		pthread_create(&t[i], NULL, work, (void *)(uintptr_t)(next_random(&seed)));
	for (int i = 0; i < count; i++)
		pthread_join(t[i], NULL);
	printf("done %lu\n", work_done);
	return 0;
}
#endif
