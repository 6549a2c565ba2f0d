/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages that processes of the run send to the watcher (process/watch.h).
 *
 * The kernel keeps only a few messages for a socket that nobody reads: 10, unless net.unix.max_dgram_qlen is set
 * otherwise. Further senders wait for a second and then give up, so that their tables or reports are lost. A report
 * can take longer than that. Therefore a signal handler reads the socket while a report is written, and keeps the
 * messages here in their order.
 *
 * For the watcher's only thread.
 */
#ifndef WRAPPER_INBOX_H
#define WRAPPER_INBOX_H

#include "process/watch.h"

#include <stdbool.h>
#include <sys/types.h>

/* A message that has come, with the right password. */
struct received {
	struct watch_message message;
	int fds[2];			/* the descriptors that process/watch.h names for it; -1: none */
	pid_t pid;			/* the sender's id in the watcher's namespace; 0: it has none there */
};

/* Prepares the inbox, which handles SIGIO from then on. listener: the socket. password: WATCH_PASSWORD_BYTES bytes;
 * messages with another password are dropped. False: the kernel refuses the signal. Then messages that come while a
 * report is written wait in the socket. */
bool inbox_start(int listener, const char *password);

/* Takes the oldest message. The caller closes its descriptors. False: there is none. */
bool inbox_take(struct received *r);

/* Closes the descriptors of a message. */
void inbox_close(const struct received *r);

/* Between these two calls messages are read as they come. inbox_take() must not be called then. */
void inbox_collect_begin(void);
void inbox_collect_end(void);

#endif
