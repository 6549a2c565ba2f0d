/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes SIGUSR1 in one of the ways there are (argv[1]) and prints all that it can see of it:
 * the output must be the same with and without heaptrace. With -DLIBRARY: a library whose
 * constructor takes it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#ifdef LIBRARY

int library_signals;
static struct sigaction library_old;

static void on_library_signal(int sig)
{
	(void)sig;
	library_signals++;
}

__attribute__((constructor)) static void take(void)
{
	struct sigaction act = { .sa_handler = on_library_signal };

	sigaction(SIGUSR1, &act, &library_old);
}

int library_count(void);
int library_count(void)
{
	return library_signals + (library_old.sa_handler == SIG_DFL ? 0 : 1000);
}

#else

extern sighandler_t bsd_signal(int, sighandler_t);
extern sighandler_t sysv_signal(int, sighandler_t);
extern int __sigaction(int, const struct sigaction *, struct sigaction *);
#ifdef LINKED
int library_count(void);
#endif

static volatile int seen, seen_info;

static void on_signal(int sig)
{
	seen += sig == SIGUSR1;
}

static void on_info(int sig, siginfo_t *info, void *context)
{
	seen_info += sig == SIGUSR1 && info->si_pid == getpid() && context;
}

static const char *name(sighandler_t h)
{
	return h == SIG_DFL ? "SIG_DFL" : h == SIG_IGN ? "SIG_IGN" : h == SIG_ERR ? "SIG_ERR" :
	       h == SIG_HOLD ? "SIG_HOLD" : h == on_signal ? "on_signal" :
	       (void *)h == (void *)on_info ? "on_info" : "another";
}

static void show(const char *when, const struct sigaction *act)
{
	printf("%s: %s flags %x mask", when, name(act->sa_handler), (unsigned)act->sa_flags);
	for (int sig = 1; sig < 65; sig++) {
		if (sigismember(&act->sa_mask, sig) == 1)
			printf(" %d", sig);
	}
	printf("\n");
}

static void ask(const char *when)
{
	struct sigaction now;
	sigset_t mask;

	memset(&now, 0x55, sizeof(now));
	if (sigaction(SIGUSR1, NULL, &now))
		printf("sigaction: error %d\n", errno);
	show(when, &now);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("blocked: %d\n", sigismember(&mask, SIGUSR1));
}

static void raise_three(void)
{
	for (int i = 0; i < 3; i++)
		kill(getpid(), SIGUSR1);
	printf("seen %d, with info %d\n", seen, seen_info);
}

/* By one of the functions that take a handler and give the old one. */
static void by_function(sighandler_t (*take)(int, sighandler_t), int resets)
{
	printf("old: %s\n", name(take(SIGUSR1, SIG_DFL)));
	printf("old: %s\n", name(take(SIGUSR1, on_signal)));
	ask("taken");
	for (int i = 0; i < 3; i++) {
		kill(getpid(), SIGUSR1);
		if (resets) {
			ask("reset");
			take(SIGUSR1, on_signal);
		}
	}
	printf("seen %d\n", seen);
	printf("old: %s\n", name(take(SIGUSR1, SIG_IGN)));
	raise_three();
	printf("old: %s\n", name(take(SIGUSR1, SIG_DFL)));
	ask("default again");
	printf("bad number: %s", name(take(6500, SIG_IGN)));
	printf(" %d\n", errno);
}

static void by_sigaction(int (*set)(int, const struct sigaction *, struct sigaction *))
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NODEFER }, old;

	sigaddset(&act.sa_mask, SIGHUP);
	set(SIGUSR1, &act, &old);
	show("old", &old);
	ask("taken");
	raise_three();
	set(SIGUSR1, &old, &act);
	show("mine", &act);
	ask("restored");
	set(SIGUSR1, &act, NULL);
	raise_three();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct sigaction act = { .sa_handler = on_signal }, old;
	sigset_t set, pending;

	if (!strcmp(how, "sigaction")) {
		ask("start");
		by_sigaction(sigaction);
	} else if (!strcmp(how, "__sigaction")) {
		by_sigaction(__sigaction);
	} else if (!strcmp(how, "siginfo")) {
		act.sa_sigaction = on_info;
		act.sa_flags = SA_SIGINFO | SA_ONSTACK;
		sigaction(SIGUSR1, &act, NULL);
		ask("taken");
		raise_three();
	} else if (!strcmp(how, "resethand")) {
		for (int i = 0; i < 3; i++) {
			act.sa_flags = SA_RESETHAND;
			sigaction(SIGUSR1, &act, NULL);
			kill(getpid(), SIGUSR1);
			ask("after");
		}
		printf("seen %d\n", seen);
	} else if (!strcmp(how, "same struct")) {
		struct sigaction *same = &act;

		sigaction(SIGUSR1, same, &act);
		show("old", &act);
		raise_three();
	} else if (!strcmp(how, "default with flags")) {
		act = (struct sigaction){ .sa_handler = SIG_DFL, .sa_flags = SA_NODEFER };
		sigaddset(&act.sa_mask, SIGTERM);
		sigaction(SIGUSR1, &act, &old);
		show("old", &old);
		ask("default");
		signal(SIGUSR1, SIG_DFL);
		ask("default by signal()");
		siginterrupt(SIGUSR1, 1);
		ask("default that interrupts");
	} else if (!strcmp(how, "errors")) {
		printf("%d", sigaction(6500, &act, NULL));
		printf(" %d\n", errno);
		printf("%d", sigaction(SIGKILL, &act, NULL));
		printf(" %d\n", errno);
	} else if (!strcmp(how, "signal")) {
		by_function(signal, 0);
	} else if (!strcmp(how, "bsd_signal")) {
		by_function(bsd_signal, 0);
	} else if (!strcmp(how, "ssignal")) {
		by_function(ssignal, 0);
	} else if (!strcmp(how, "sysv_signal")) {
		by_function(sysv_signal, 1);
	} else if (!strcmp(how, "sigset")) {
		by_function(sigset, 0);
	} else if (!strcmp(how, "sigset hold")) {
		printf("%s\n", name(sigset(SIGUSR1, SIG_HOLD)));
		ask("held");
		printf("%s\n", name(sigset(SIGUSR1, SIG_HOLD)));
		printf("%s\n", name(sigset(SIGUSR1, SIG_DFL)));
		sigprocmask(SIG_BLOCK, NULL, &set);
		printf("blocked: %d\n", sigismember(&set, SIGUSR1));
		sighold(SIGUSR1);
		printf("%s\n", name(sigset(SIGUSR1, on_signal)));
		ask("taken");
		raise_three();
	} else if (!strcmp(how, "sigignore")) {
		sigignore(SIGUSR1);
		ask("ignored");
		raise_three();
	} else if (!strcmp(how, "siginterrupt")) {
		siginterrupt(SIGUSR1, 1);
		signal(SIGUSR1, on_signal);
		ask("taken");
		raise_three();
	} else if (!strcmp(how, "sigwait")) {
		int got;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		kill(getpid(), SIGUSR1);
		sigpending(&pending);
		printf("pending %d\n", sigismember(&pending, SIGUSR1));
		printf("sigwait %d", sigwait(&set, &got));
		printf(" %d\n", got);
	} else if (!strcmp(how, "dlopen")) {
		void *library = dlopen(argv[2], RTLD_NOW);
		int (*count)(void) = library ? (int (*)(void))dlsym(library, "library_count") : NULL;

		raise_three();
		printf("count %d\n", count ? count() : -1);
		ask("by the library");
#ifdef LINKED
	} else if (!strcmp(how, "linked")) {
		raise_three();
		printf("count %d\n", library_count());
		ask("by the library");
#endif
	} else if (!strcmp(how, "block")) {
		/* Not for comparison: marks on standard error where a dump must come. */
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		kill(getpid(), SIGUSR1);
		free(malloc(10));
		fprintf(stderr, "<blocked>\n");
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		fprintf(stderr, "<unblocked>\n");
	} else if (!strcmp(how, "default")) {
		signal(SIGUSR1, SIG_DFL);
		fprintf(stderr, "<1>\n");
		kill(getpid(), SIGUSR1);
		fprintf(stderr, "<2>\n");
		act.sa_handler = SIG_DFL;
		sigaction(SIGUSR1, &act, &old);
		kill(getpid(), SIGUSR1);
		fprintf(stderr, "<3>\n");
		sigaction(SIGUSR1, &old, NULL);
		kill(getpid(), SIGUSR1);
		fprintf(stderr, "<4>\n");
	} else {
		return 2;
	}
	return 0;
}
#endif
