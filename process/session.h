/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dumps of this process: which thread takes one, and when.
 *
 * One dump is taken at a time. A thread that finds another one under way leaves a request, and the thread
 * that dumps takes that dump, too, when it is through. So no thread waits, but the one that ends the
 * process, for a while. All functions are async-signal-safe and for any thread, unless they say otherwise.
 */
#ifndef PROCESS_SESSION_H
#define PROCESS_SESSION_H

#include "options/options.h"
#include "table/table.h"

#include <stdbool.h>

enum session_request {		/* bits */
	SESSION_SIZE = 1,	/* a dump sorted by size */
	SESSION_COUNT = 2,	/* a dump sorted by count */
	SESSION_FATAL_SIGNAL = 4,	/* fatal_signal_finish(): the process ends by a signal */
	SESSION_ABOVE = 8,	/* a dump sorted as options.sort says */
	SESSION_CLEAR = 32,	/* no dump: the figures begin anew (control.h) */
	SESSION_CONTROL = 16,	/* the same, as a command asks for (control.h) */
};

/*
 * At start, once: opens the output and writes "initialized". t and o are kept. first: this process began the
 * run, and nobody has emptied its outfile yet. error: written as a line for the user, unless it is empty.
 */
void session_init(struct table *t, const struct options *o, bool first, const char *error);

/*
 * Asks for dumps (bits of enum session_request), from a signal handler or elsewhere. They are taken at once,
 * or, inside the guard, when the guard is left. Keeps errno.
 */
void session_request(unsigned bits);

/*
 * A dump to a file of its own, of which the run's dumps, their file and their numbers know nothing (output_set_apart(),
 * struct dumper). path: the file's name, of less than PATH_MAX bytes; its ending chooses the format. In a process that
 * has its own memory, inside the guard (once). Waits for a dump under way in another thread, at most 10 seconds, and
 * for the watcher where it writes the format, at most 60. 0, or an errno: EAGAIN, another dump or a call of the
 * allocator's is under way; those of remote_dump(); or why the file cannot be written, which has been reported if it
 * was the first such error. Keeps errno.
 */
int session_dump_to(const char *path);

/*
 * The final dump, one of the ends of lifecycle.h: inside the guard, with signals held back. Waits for a
 * dump under way in another thread, at most 10 seconds. heap_sound: see lifecycle_end(). detaches: the process goes on.
 * False: the watcher has yet to write the dump.
 */
bool session_final(bool heap_sound, bool detaches);

/* After the final dump of a process that goes on: closes the output. session_init() may then be called again. */
void session_close(void);

/* The exit status for a process that would end with this one: another one than 0 stays; 0 (or 256, of which the kernel
 * keeps the lowest 8 bits) becomes that of --error-exitcode if the watcher has answered that a limit is broken. To be
 * called after session_final(). */
int session_exit_status(int status);

/* Writes a line for the user ("[heaptrace] ..."). False: it was not written, as a dump is under way. */
bool session_notice(const char *text);

/* The process is about to lose a right or a directory that it may need to open its outfile: opens the outfile
 * now, if that can be kept open. */
void session_keep_output(void);

/* In a child after fork. unseen: no fork handler ran, so another thread of the parent may have held malloc's
 * locks. In the child they are then held for ever, and no dump asks the allocator for figures. */
void session_forked(bool unseen);

#endif
