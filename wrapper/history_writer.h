/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes the history of a process (table/history_file.h): the points of the timeline that the watcher takes, and the
 * snapshots. It reads the table through its descriptor, so the traced process takes no part.
 *
 * Points begin 10 ms apart, snapshots 100 ms. They are rarer where taking them takes the watcher more than a small
 * part of the time: many rows, many processes. While nothing changes, the pauses between points grow.
 *
 * For the watcher's only thread.
 */
#ifndef WRAPPER_HISTORY_WRITER_H
#define WRAPPER_HISTORY_WRITER_H

#include "table/history_file.h"

#include <sys/types.h>

/* The history of one process. Zeroed: nothing is written. */
struct history_writer {
	int table_fd;
	pid_t pid;
	uint64_t due_ns;		/* when history_writer_work() has something to do; 0: never */
	struct history_writing *own;	/* NULL until it had */
};

/* Begins the history of a process whose table is in table_fd, which stays open until history_writer_end(). pid: its id
 * as seen from here, or 0. now_ns: now_ns(). */
void history_writer_begin(struct history_writer *w, int table_fd, pid_t pid, uint64_t now_ns);

/* Takes a point and a snapshot, as far as they are due. shares: how many processes share the watcher's time. */
void history_writer_work(struct history_writer *w, uint64_t now_ns, unsigned shares);

/* Takes a point and a snapshot now, for a dump that a later one is to be compared with. */
void history_writer_snapshot(struct history_writer *w, uint64_t now_ns);

/* Ends the history, which may not have begun. killed: the process has ended without a dump, so it took no last point
 * itself. */
void history_writer_end(struct history_writer *w, bool killed);

#endif
