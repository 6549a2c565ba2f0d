/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dumps of this process, in time: who may take one, when, and the last one of all.
 *
 * One dump at a time. Who finds another one under way leaves its wish, and the one under way
 * sees to it when it is through: nobody waits (but the end of the process, for a while). All
 * functions are async-signal-safe and for any thread, unless they say otherwise.
 */
#ifndef PROCESS_SESSION_H
#define PROCESS_SESSION_H

#include "options/options.h"
#include "table/table.h"

#include <stdbool.h>

enum session_request {		/* bits */
	SESSION_SIZE = 1,	/* a dump sorted by size */
	SESSION_COUNT = 2,	/* by count */
	SESSION_FATAL_SIGNAL = 4,	/* fatal_signal_finish() */
	SESSION_ABOVE = 8,	/* as options.sort says */
};

/*
 * At start, once: opens the output and says "initialized". All three outlive the process's
 * use of them. first: this process began the run, and nobody has emptied its outfile yet.
 * error (may be empty) is told to the user.
 */
void session_init(struct table *t, const struct options *o, bool first, const char *error);

/*
 * Asks for dumps, from a signal handler or anywhere. Inside the guard they are taken when
 * it ends, else now. Keeps errno.
 */
void session_request(unsigned bits);

/*
 * The final dump, one of the ends of lifecycle.h: inside the guard, with signals held back. Waits for a
 * dump under way in another thread, at most 10 seconds. heap_sound: see lifecycle_end(). False: the
 * watcher has yet to write the dump.
 */
bool session_final(bool heap_sound);

/* A line for the user ("[heaptrace] ..."); false: not now, a dump is under way. */
bool session_notice(const char *text);

/* The process is about to lose a right or a place that its outfile may need: opens what can be kept
 * open. */
void session_keep_output(void);

/* In a child after fork. locks_unknown: no handler ran, so another thread of the parent may have held
 * malloc's locks, which the child then finds held for ever: the allocator is not asked for figures. */
void session_forked(bool locks_unknown);

#endif
