/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A span in which no code of the program's runs on this thread: all signals but those of faults are
 * held back, the thread cannot be cancelled, and a SIGPIPE or SIGXFSZ that the tracer's own writing
 * causes never reaches the program. errno is kept. Async-signal-safe; spans do not nest.
 */
#ifndef BASE_UNINTERRUPTED_H
#define BASE_UNINTERRUPTED_H

#include <signal.h>
#include <stdbool.h>

struct uninterrupted {
	sigset_t mask;		/* the thread's, from before */
	int cancel_state;
	int saved_errno;
	bool pipe_pending, size_pending;	/* SIGPIPE, SIGXFSZ before the span: they are the program's */
};

void uninterrupted_begin(struct uninterrupted *u);
void uninterrupted_end(struct uninterrupted *u);

/* Takes a pending signal of the set off the queue, so that it never arrives. The set is blocked. False: none
 * is pending. Async-signal-safe. */
bool uninterrupted_discard(const sigset_t *set);

#endif
