/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages that processes of the run send to the watcher (process/watch.h).
 *
 * The kernel keeps few messages for a socket that nobody reads: 10, unless net.unix.max_dgram_qlen says
 * otherwise. After that, each sender waits for a second and gives up, so that its table or its report is
 * lost. A report can take longer than that. Therefore a signal handler reads the socket while a
 * report is written, and keeps the messages here, in their order.
 */
#ifndef WRAPPER_INBOX_H
#define WRAPPER_INBOX_H

#include "process/watch.h"

#include <stdbool.h>
#include <sys/types.h>

struct received {
	struct watch_message message;
	int fds[2];			/* as process/watch.h has it; -1: none */
	pid_t pid;			/* of the sender, in the watcher's namespace; 0: it is in none that is seen here */
};

/* listener: the socket. password: WATCH_PASSWORD_BYTES of it; a message with another password is dropped.
 * SIGIO is ours from now on. False: the kernel refuses that; then messages wait while a report is written. */
bool inbox_start(int listener, const char *password);

/* Takes the oldest message, whose descriptors are the caller's to close. False: there is none. */
bool inbox_take(struct received *r);

/* Between these two, messages are read as they come. */
void inbox_collect_begin(void);
void inbox_collect_end(void);

#endif
