/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the table of this process is kept, so that it outlives the process:
 *
 *	--record=FILE	in FILE, where the watcher notes the end of a process that is killed. Each
 *			program that a process becomes makes FILE anew: it writes a new file and
 *			gives it the name, so that a file that another process has mapped is never cut
 *	a watcher	in a memfd that the watcher holds (watch.h)
 *	otherwise	in memory of the process's own: also when neither of the two can be had
 *
 * No descriptor is held afterwards. A forked child must not write into its parent's table: the
 * parent makes a copy before it forks, and the child puts the copy in the table's place. A child that
 * no fork handler saw makes the copy itself (lifecycle.h).
 *
 * Async-signal-safe.
 */
#ifndef PROCESS_STORAGE_H
#define PROCESS_STORAGE_H

#include "options/options.h"
#include "table/table.h"

#include <limits.h>

/*
 * At start, once: makes the table. False: there is not even memory for it. error gets a line for the user
 * when FILE cannot be had, and is not touched otherwise. may_watch: whether the watcher that the options name
 * may be told of this process. t and o are kept.
 */
bool storage_start(struct table *t, const struct options *o, bool may_watch, char *error,
		size_t error_bytes);

/*
 * Around fork, in that order; the signals that ask for dumps are held back. In the child, seen tells
 * whether storage_fork_prepare() ran, and overtaken whether threads may have gone on after it, so that the copy
 * has to be completed.
 */
void storage_fork_prepare(void);
void storage_fork_parent(void);
void storage_fork_child(bool seen, bool overtaken);

/* Takes the table out of the file or memfd: where a forked child that no handler saw could not be told
 * from its parent. */
void storage_make_private(void);

/* The address of the watcher that holds the table; NULL: none does. */
const char *storage_watcher(void);

/* The file of --record that the table is in; false: it is in none, or its name is too long. */
bool storage_file(char path[PATH_MAX]);

/* At the end (lifecycle.h): notes in the table that the process has ended. dumped: the final dump is out; otherwise
 * the process that holds the table has to write it. */
void storage_note_end(bool dumped);

/* The process is about to become another program (begins), or it has not: the exec failed. */
void storage_note_exec(bool begins);

#endif
