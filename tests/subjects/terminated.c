/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every signal that can end a process, on its main thread and on another, with every action:
 * one child per case, which holds 1000 bytes from keep_block(), and one line per child:
 *
 *	SIGNAL ACTION THREAD: pid PID status 0xSTATUS TEXT
 *
 * argv[1]: all; one of the other cases (see main); or shown, the actions that are seen.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
	SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF,
	SIGIO, SIGPWR, SIGSYS };
static const char *const actions[] = { "default", "handler", "ignored", "blocked", "restored", "again" };

static char *kept;
static volatile sig_atomic_t handled;
static char text[64];		/* what the case has to say; shared with the parent */
static char *said = text;
#define READY	64	/* of said: the child holds its block, and has the threads that it is to have */

__attribute__((noinline)) static char *keep_block(size_t size)
{
	char *p = malloc(size);

	__asm__ volatile("" : : "r"(p) : "memory");
	return p;
}

static void count(int sig)
{
	(void)sig;
	handled++;
}

/* What a program does that cleans up first: the default action again, and the signal again. */
static void clean_up(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

struct act {
	int sig;
	const char *action;
};

static void *act(void *argument)
{
	struct act *a = argument;
	struct sigaction s, old;
	sigset_t set, pending;

	if (!strcmp(a->action, "handler"))
		signal(a->sig, count);
	if (!strcmp(a->action, "ignored"))
		signal(a->sig, SIG_IGN);
	if (!strcmp(a->action, "again"))
		signal(a->sig, clean_up);
	if (!strcmp(a->action, "restored")) {
		sigaction(a->sig, NULL, &old);
		memset(&s, 0, sizeof(s));
		s.sa_handler = count;
		sigaction(a->sig, &s, NULL);
		raise(a->sig);
		sigaction(a->sig, &old, &s);
		sprintf(said, "was %s, handled %d, handler back %d", old.sa_handler == SIG_DFL ? "default" :
			"other", (int)handled, s.sa_handler == count);
	}
	sigemptyset(&set);
	sigaddset(&set, a->sig);
	if (!strcmp(a->action, "blocked"))
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	errno = 7;
	if (!strcmp(a->action, "default") && a->sig == SIGABRT)
		abort();
	raise(a->sig);
	sigpending(&pending);
	sprintf(said, "handled %d pending %d errno %d", (int)handled, sigismember(&pending, a->sig), errno);
	return NULL;
}

static void fault(const char *kind)
{
	volatile int zero = 0;
	volatile char *page;
	FILE *file;

	if (!strcmp(kind, "segv"))
		*(volatile int *)(uintptr_t)zero = 1;
	if (!strcmp(kind, "bus")) {
		file = tmpfile();
		page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
		zero = page[0];
	}
#if defined(__x86_64__) || defined(__i386__)
	if (!strcmp(kind, "fpe"))
		zero = 100 / zero;
	if (!strcmp(kind, "trap"))
		__asm__ volatile("int3");
	if (!strcmp(kind, "ill"))
		__asm__ volatile("ud2");
#endif
	if (!strcmp(kind, "free"))
		free(kept + 64);
	if (!strcmp(kind, "inside"))		/* the allocator under test (LIBRARY) faults */
		keep_block(54321);
	if (!strcmp(kind, "abort inside"))
		keep_block(54322);
}

static void churn_threads(const char *unused);

/* The child's life; the parent prints its end. */
static void in_child(const char *name, const char *action, void (*life)(const char *), const char *argument)
{
	pid_t pid;
	int status;

	memset(said, 0, READY + 1);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		kept = keep_block(1000);
		said[READY] = life != churn_threads;
		life(argument);
		_exit(3);
	}
	if (!strcmp(action, "kill")) {
		for (int i = 0; i < 10000 && !*(volatile char *)&said[READY]; i++)
			usleep(1000);
		usleep(30000);
		kill(pid, SIGTERM);
	}
	waitpid(pid, &status, 0);
	printf("%s %s: pid %d status 0x%x %s\n", name, action, (int)pid, (unsigned)status, said);
}

static struct act the_act;

static void on_main(const char *unused)
{
	(void)unused;
	act(&the_act);
}

static void on_other(const char *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, act, &the_act);
	pthread_join(thread, NULL);
}

static void all(void)
{
	char name[64];

	for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++) {
		for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++) {
			the_act = (struct act){ signals[s], actions[a] };
			sprintf(name, "%d %s", signals[s], actions[a]);
			in_child(name, "main", on_main, NULL);
			in_child(name, "other", on_other, NULL);
		}
	}
}

/* Allocates without a pause until it is killed. */
static void churn(const char *unused)
{
	(void)unused;
	for (;;) {
		char *p = keep_block(100), *q = keep_block(200);

		free(p);
		free(q);
	}
}

static void *churn_thread(void *unused)
{
	said[READY] = 1;
	churn(unused);
	return NULL;
}

static void churn_threads(const char *unused)
{
	pthread_t thread;

	pthread_create(&thread, NULL, churn_thread, NULL);
	churn(unused);
}

static void hang(const char *unused)	/* in the allocator (LIBRARY), as after a deadlock */
{
	(void)unused;
	keep_block(12345);
}

/* The signal is let through for the time of the call only. */
static void suspend(const char *unused)
{
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigsuspend(&set);
	sprintf(said, "went on");
}

static void *pause_thread(void *unused)
{
	pause();
	return unused;
}

/* Both threads are struck, by different signals: one of them it is. */
static void two(const char *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_create(&thread, NULL, pause_thread, NULL);
	usleep(1000);
	pthread_kill(thread, SIGTERM);
	pthread_kill(pthread_self(), SIGTERM);
	sprintf(said, "went on");
	_exit(1);
}

static void overflow(const char *deep)
{
	char frame[4096];

	memset(frame, deep ? 1 : 0, sizeof(frame));
	__asm__ volatile("" : : "r"(frame) : "memory");
	if (handled < 1000)		/* for ever */
		overflow(frame);
	__asm__ volatile("" : : "r"(frame) : "memory");
}

static void in_vfork(const char *unused)
{
	pid_t pid = vfork();
	int status;

	(void)unused;
	if (!pid) {
		raise(SIGTERM);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	sprintf(said, "vfork child's 0x%x", (unsigned)status);
	raise(SIGTERM);		/* and the parent's own death is not changed by it */
}

static void show(void)
{
	for (int sig = 1; sig < 32; sig++) {
		struct sigaction a;

		if (sigaction(sig, NULL, &a))
			continue;
		printf("%d %s %x %d\n", sig, a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ?
		       "ignored" : "other", (unsigned)a.sa_flags & ~0x04000000u, sigismember(&a.sa_mask, sig));
	}
}

#ifdef LIBRARY		/* an allocator that goes wrong, below heaptrace */
#include <dlfcn.h>
void *malloc(size_t size)
{
	static void *(*real)(size_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "malloc");
	while (size == 12345)
		usleep(100000);
	if (size == 54321)
		fault("segv");
	if (size == 54322)
		abort();
	return real(size);
}
#endif

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "all";
	struct rlimit cores = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit stack = { 8 << 20, 8 << 20 };	/* where there is none, an overflow takes all memory */

	if (argc > 2) {		/* small cores are enough for the flag, where there are limits */
		getrlimit(RLIMIT_CORE, &cores);
		cores.rlim_cur = cores.rlim_max;
		setrlimit(RLIMIT_CORE, &cores);
	}
	said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!strcmp(what, "all"))
		all();
	else if (!strcmp(what, "shown"))
		show();
	else if (!strcmp(what, "churn"))
		for (int i = 0; i < 8; i++)
			in_child("churn", "kill", i % 2 ? churn_threads : churn, NULL);
	else if (!strcmp(what, "hang"))
		in_child("hang", "kill", hang, NULL);
	else if (!strncmp(what, "first", 5)) {		/* process 1 */
		kept = keep_block(1000);
		raise(SIGTERM);
		kill(getpid(), SIGSEGV);
		if (!fork()) {
			usleep(20000);
			kill(getppid(), SIGTERM);
			usleep(100000);
			kill(getpid(), SIGKILL);
		}
		printf("slept: %d\n", usleep(60000));
		printf("pid %d goes on\n", (int)getpid());
		fflush(stdout);
		if (what[5])
			fault("segv");
	} else if (!strcmp(what, "suspend"))
		in_child("suspend", "kill", suspend, NULL);
	else if (!strcmp(what, "two"))
		for (int i = 0; i < 10; i++)
			in_child("two", "threads", two, NULL);
	else if (!strcmp(what, "overflow")) {
		setrlimit(RLIMIT_STACK, &stack);
		in_child("overflow", "fault", overflow, NULL);
	} else if (!strcmp(what, "vfork"))
		in_child("vfork", "child", in_vfork, NULL);
	else
		in_child(what, "fault", fault, what);
	return 0;
}
