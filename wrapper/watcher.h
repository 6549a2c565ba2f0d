/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watcher: a small process that the wrapper leaves behind before it becomes the program. The watcher
 * holds the tables of the run's processes (process/watch.h) and writes reports from them
 * (wrapper/reporter.h). When the last process of the run has ended, the watcher ends.
 *
 *	shell --fork-- heaptrace = program		the pid that the shell knows
 *			   \_ (gone) --fork-- watcher	in a session of its own
 *
 * The watcher is neither parent nor child of the program, and signals of the terminal do not reach it. Of the
 * descriptors that it inherits it keeps the one that dumps go to, and no other. So the reader of a pipe that
 * dumps do not go to sees the end of file as it does without heaptrace. The reader of a pipe that dumps do go to
 * (standard error, as in `heaptrace program 2>&1 | cat`) sees it right after the last process of the run has
 * ended. Without heaptrace it would not see it earlier, because these processes hold the pipe open themselves.
 *
 * The watcher wakes up when a process of the run starts, forks, requests a report or ends, when a dump of --every is
 * due, and to write the processes' histories (wrapper/history_writer.h): every 10 ms at first, less often later. There
 * is one more timeout: a child whose parent has ended before the child could register has a second to do so.
 */
#ifndef WRAPPER_WATCHER_H
#define WRAPPER_WATCHER_H

#include "options/options.h"
#include "process/watch.h"

#include <sys/types.h>

#define WATCHER_COMMAND		"heaptrace-watch"	/* its name in /proc/PID/comm */
#define WATCHER_ADDRESS_BYTES	(WATCH_NAME_MAX + 1 + WATCH_PASSWORD_BYTES + 1)

/* Opens the watcher's socket. address: gets the value of the option `watch`, from which the program's processes know
 * the socket. False: there can be no watcher, because the system has no pidfd_open(), no descriptor is left, or this
 * process is process 1 or a reaper of orphans. */
bool watcher_open(char address[WATCHER_ADDRESS_BYTES]);

/* The same for a process that runs already, pid. The socket belongs to its network namespace, so that the process finds
 * it; where that is another one, this takes the rights of root. */
bool watcher_open_for(char address[WATCHER_ADDRESS_BYTES], pid_t pid);

/*
 * Starts the watcher, and closes the socket in the wrapper. text: the environment form of the options o, as the
 * program gets it. arguments: argv of main(), whose texts the watcher overwrites when the wrapper has left their
 * memory, so that a search for the program's command line does not find the watcher. Returns in the wrapper only.
 */
void watcher_spawn(const struct options *o, const char *text, int argc, char **arguments);

/* The same after watcher_open_for(). The watcher is a copy of this process. Its standard output and error are the
 * process's, so that its dumps go where the process's own go. */
void watcher_spawn_for(const struct options *o, const char *text, int argc, char **arguments);

#endif
