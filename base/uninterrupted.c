/* SPDX-License-Identifier: GPL-2.0-only */
/* See uninterrupted.h. */
#include "uninterrupted.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void uninterrupted_begin(struct uninterrupted *q)
{
	sigset_t all, pending;

	q->saved_errno = errno;
	sigfillset(&all);
	/* Held back, these would end the process when they happen (signal(7)). */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGSYS);
	sigprocmask(SIG_BLOCK, &all, &q->mask);
	sigpending(&pending);
	q->pipe_pending = sigismember(&pending, SIGPIPE) == 1;
	q->size_pending = sigismember(&pending, SIGXFSZ) == 1;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &q->cancel_state);
}

/* Takes a signal that we caused ourselves off the queue. */
static void swallow(int sig)
{
	struct timespec now = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
		;
}

void uninterrupted_end(struct uninterrupted *q)
{
	if (!q->pipe_pending)
		swallow(SIGPIPE);
	if (!q->size_pending)
		swallow(SIGXFSZ);
	pthread_setcancelstate(q->cancel_state, NULL);
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
	errno = q->saved_errno;
}
