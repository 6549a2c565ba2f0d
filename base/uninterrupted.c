/* SPDX-License-Identifier: GPL-2.0-only */
/* See uninterrupted.h. */
#include "uninterrupted.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

void uninterrupted_begin(struct uninterrupted *u)
{
	sigset_t all, pending;

	u->saved_errno = errno;
	sigfillset(&all);
	/* While one of these is held back, the fault that raises it ends the process (signal(7)). */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGSYS);
	sigprocmask(SIG_BLOCK, &all, &u->mask);
	sigpending(&pending);
	u->pipe_pending = sigismember(&pending, SIGPIPE) == 1;
	u->size_pending = sigismember(&pending, SIGXFSZ) == 1;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &u->cancel_state);
}

/* By the system call: the library's own sigtimedwait() is a hook, which takes the caller for the program. */
bool uninterrupted_discard(const sigset_t *set)
{
	long now[4] = { 0 };	/* the kernel's struct timespec, whatever its width */
	long sig;

	do
		sig = syscall(SYS_rt_sigtimedwait, set, NULL, now, (size_t)_NSIG / 8);
	while (sig < 0 && errno == EINTR);
	return sig > 0;
}

static void discard(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	uninterrupted_discard(&set);
}

void uninterrupted_end(struct uninterrupted *u)
{
	if (!u->pipe_pending)
		discard(SIGPIPE);
	if (!u->size_pending)
		discard(SIGXFSZ);
	pthread_setcancelstate(u->cancel_state, NULL);
	sigprocmask(SIG_SETMASK, &u->mask, NULL);
	errno = u->saved_errno;
}
