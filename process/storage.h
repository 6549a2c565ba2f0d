/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that the table of this process lies in, which can outlive the process:
 *
 *	--record=FILE	in FILE, where the watcher notes the end of a process that is killed. Each
 *			program that a process becomes makes FILE anew: it writes a new file and
 *			gives it the name, so that a file that another process has mapped is never cut
 *	a watcher	in a memfd that the watcher holds (watch.h)
 *	otherwise	in private memory, as also when the file or the memfd cannot be made
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
 * when FILE cannot be made, and is not changed otherwise. may_watch: whether the watcher that the options name
 * may be told of this process. t and o are kept.
 */
bool storage_start(struct table *t, const struct options *o, bool may_watch, char *error,
		size_t error_bytes);

/*
 * Around fork, in that order; the dump signals are held back. In the child, seen tells
 * whether storage_fork_prepare() ran, and overtaken whether threads may have gone on after it, so that the copy
 * has to be completed.
 */
void storage_fork_prepare(void);
void storage_fork_parent(void);
void storage_fork_child(bool seen, bool overtaken);

/* Moves the table to private memory, so that a forked child can never write to its parent's table. For kernels where
 * a child that no fork handler saw cannot be recognized. */
void storage_make_private(void);

/* The address of the watcher that holds the table; NULL: none does. */
const char *storage_watcher(void);

/* The file of --record that the table is in; false: it is in none, or its name is too long. */
bool storage_file(char path[PATH_MAX]);

/* At the end (lifecycle.h): notes in the table that the process has ended. dumped: the final dump is out; otherwise
 * the watcher has to write it. */
void storage_note_end(bool dumped);

/* begins: the process is about to become another program. Otherwise the exec has failed, and the process goes on. */
void storage_note_exec(bool begins);

#endif
