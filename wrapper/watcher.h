/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watcher: a small process that the wrapper leaves behind before it becomes the program. It
 * holds the tables of the run's processes (process/watch.h), sleeps until one of them ends, and
 * prints the dump of one that could not do so itself: it was killed, or ended by the bare system
 * call. When the last has ended, it ends.
 *
 *	shell --fork-- heaptrace = program		the pid that the shell knows
 *			   \_ (gone) --fork-- watcher	in a session of its own
 *
 * It is no child of the program's and the program is not its child; signals of the terminal do
 * not reach it. Of what it inherits it keeps the stream that dumps go to, and nothing else: a
 * pipe that dumps do not go to sees its end as without it, and one that they do go to (standard
 * error, `heaptrace program 2>&1 | cat`) right after the last of the run's processes has ended,
 * as these hold it open themselves.
 *
 * It wakes up when a process of the run starts, forks or ends, when --every's time has come, and
 * at no other time. The other clock is for a child whose parent has ended before the child could say that it is there: that
 * one is given a second.
 */
#ifndef WRAPPER_WATCHER_H
#define WRAPPER_WATCHER_H

#include "options/options.h"
#include "process/watch.h"

#define WATCHER_COMMAND		"heaptrace-watch"	/* its name in /proc/PID/comm */
#define WATCHER_ADDRESS_BYTES	(WATCH_NAME_MAX + 1 + WATCH_PASSWORD_BYTES + 1)

/* Opens its socket, and writes the address for the option `watch`. False: this system has not
 * what it takes (pidfd_open, memfd_create), or there are no descriptors: then nobody watches. */
bool watcher_open(char address[WATCHER_ADDRESS_BYTES]);

/*
 * Leaves the watcher behind, and closes the socket here. text: the options as the program gets
 * them. arguments: argv, whose texts it overwrites in its own memory, so that a search for the
 * program's command line does not find it. Returns in the wrapper only.
 */
void watcher_leave(const char *text, int argc, char **arguments);

#endif
