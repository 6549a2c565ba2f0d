/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a traced process tells the watcher (wrapper/watcher.h): here is my table, and here is how
 * you learn of my end.
 *
 * One datagram to the watcher's socket, whose name is in the abstract namespace (unix(7)), so
 * that it is reached from any root directory and by any user, and no process of the run has to
 * hold a descriptor. The password keeps others out: it stands in the environment, which only
 * the user and those whom the program itself starts can read. With the datagram go two
 * descriptors: the memfd of the table, and a pidfd (pidfd_open(2), Linux 5.3) of the sender.
 */
#ifndef PROCESS_WATCH_H
#define PROCESS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_PASSWORD_BYTES	32	/* hexadecimal digits */
#define WATCH_NAME_MAX		16	/* of the socket, without the leading NUL */

struct watch_message {
	char password[WATCH_PASSWORD_BYTES];
	uint32_t pid, parent;		/* as the process itself sees them; parent 0: not forked */
	uint32_t unused[2];
};

/*
 * Tells the watcher of this process. address: "NAME.PASSWORD", from the options. parent: see
 * above. Returns false when there is none (any more), or it cannot be reached: it is given a
 * second. Async-signal-safe, keeps errno.
 */
bool watch_register(const char *address, int table_fd, uint32_t parent);

#endif
