/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dump that another process writes, because its format is none that the traced process
 * writes itself (options_by_reporter()).
 *
 * The process that holds the table writes them: the watcher. The traced process sends the watcher a
 * request for each dump (process/watch.h). A dump on a signal or by --above does not stop the program:
 * the watcher copies the shared table, as --dump does. At its end the program waits until the report is
 * complete, so that whoever waits for the program finds the report:
 *
 *	program				watcher
 *	request, pipe  --------------->	copies the table
 *	waits				writes FILE.PID.tmp, renames it to FILE
 *	ends	       <---------------	answer
 *
 * The wait is bounded, and ends at once when the watcher is killed. When the request cannot be
 * delivered, or the wait is over early, nothing is lost: the table stays marked as not yet dumped, and
 * the watcher writes the report when it sees the process's end.
 *
 * Without a watcher one line on standard error says which command makes the report.
 */
#ifndef PROCESS_REMOTE_DUMP_H
#define PROCESS_REMOTE_DUMP_H

#include "dump.h"

#define REMOTE_DUMP_NOTICE_SECONDS	2	/* then one line says that the program waits for its report */
#define REMOTE_DUMP_WAIT_SECONDS	10	/* the longest wait at the program's end */

enum remote_dump_result {
	REMOTE_DUMP_DONE,		/* the report is complete, or it was asked for, or it cannot be made */
	REMOTE_DUMP_LATE,		/* the program's end is not to wait any longer: the watcher goes on */
	REMOTE_DUMP_NO_DESCRIPTOR,	/* nothing was sent: call again where descriptors are free (own_descriptors.h) */
};

/*
 * Has a dump written; when it is the final one, waits for it. request.tries_again: a lack of descriptors is
 * not told, but REMOTE_DUMP_NO_DESCRIPTOR. Async-signal-safe; signals are held back by the caller.
 */
enum remote_dump_result remote_dump(struct dumper *d, const struct dump_request *request);

#endif
