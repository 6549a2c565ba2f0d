/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages that a traced process sends to the watcher (wrapper/watcher.h).
 *
 * Each message is one datagram to the watcher's socket. The socket's name is in the abstract
 * namespace (unix(7)), so that the socket is reached from any root directory and by any user, and no
 * process of the run has to hold a descriptor. A password keeps others out: it stands in the
 * environment, which only the user and those whom the program itself starts can read. The kernel adds
 * the sender's process id (SCM_CREDENTIALS), by which the watcher knows the process.
 *
 *	WATCH_TABLE	registers the sender
 *			descriptors: the memfd or file of its table; a pidfd (pidfd_open(2), Linux 5.3),
 *			by which the watcher learns of the sender's end
 *	WATCH_REPORT	requests a report from the sender's table (process/remote_dump.h)
 *			descriptors, where the sender waits for the report: the end of a pipe that the watcher
 *			writes the answer to when the report is complete. The sender reads the other end. When
 *			the watcher is killed the kernel closes its end, and the sender notices that at once.
 *			And the file that the report is to be written to, if it is one of its own
 */
#ifndef PROCESS_WATCH_H
#define PROCESS_WATCH_H

#include "dump.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCH_PASSWORD_BYTES	32	/* hexadecimal digits */
#define WATCH_NAME_MAX		16	/* of the socket, without the leading NUL */

enum watch_kind { WATCH_TABLE, WATCH_REPORT };

/* A message. Its layout is the same in 32-bit and 64-bit programs. */
struct watch_message {
	char password[WATCH_PASSWORD_BYTES];
	uint32_t kind;			/* enum watch_kind */
	uint32_t pid, parent;		/* WATCH_TABLE: the process's and its parent's id in its own namespace; parent
					 * 0: the process was not forked by a traced one */
	uint8_t final;			/* WATCH_REPORT, like all that follows: the process ends, and waits */
	uint8_t reason;			/* enum model_reason */
	uint8_t signal;			/* as in struct dump_request */
	uint8_t sort_count;
	uint8_t sort[SORT_KEYS];	/* enum sort_key */
	char file[NAME_MAX + 1];	/* the name of the file, without its directory: its ending chooses the format;
					 * "": the report goes to where the run's dumps go */
};

/* The answer to a WATCH_REPORT whose sender waits, with a text behind it that ends where the pipe does. */
struct watch_answer {
	int32_t error;			/* 0 when the report is complete, else the errno with which writing failed, or
					 * WATCH_UNREADABLE */
	int32_t exit_status;		/* with which the process is to end if it would end with 0; 0: with that */
};
#define WATCH_TEXT_BYTES	4096u	/* lines for standard error, at most so many bytes */
#define WATCH_UNREADABLE	EBADMSG	/* the watcher cannot read the table: no errno with which writing fails */

/*
 * Registers this process with the watcher. address: "NAME.PASSWORD", from the options. parent: see struct
 * watch_message. False: there is no watcher (any more), or it has not taken the message within a second.
 * Async-signal-safe, keeps errno.
 */
bool watch_register(const char *address, int table_fd, uint32_t parent);

/*
 * Requests a report from the watcher. fds[0]: the pipe's end that the watcher writes the answer to, or -1; fds[1]: the
 * file for the report, or -1, and `file` its name without the directory, or "". The caller closes its own copies.
 * Returns 0 or an errno: ECONNREFUSED if there is no watcher any more, EAGAIN if the watcher has not taken earlier
 * messages for a second, EMFILE. Async-signal-safe, keeps errno.
 */
int watch_request(const char *address, const struct dump_request *r, const int fds[2], const char *file);

#endif
