/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A span in which nothing of the program's runs on this thread: all signals are held back
 * (but the synchronous ones), the thread cannot be cancelled, and a SIGPIPE or SIGXFSZ that
 * our own writing causes never reaches the program. Also keeps errno. Async-signal-safe;
 * spans do not nest.
 */
#ifndef BASE_UNINTERRUPTED_H
#define BASE_UNINTERRUPTED_H

#include <signal.h>
#include <stdbool.h>

struct uninterrupted {
	sigset_t mask;		/* the thread's, from before */
	int cancel_state;
	int saved_errno;
	bool pipe_pending, size_pending;	/* before us: then they are the program's */
};

void uninterrupted_begin(struct uninterrupted *q);
void uninterrupted_end(struct uninterrupted *q);

#endif
