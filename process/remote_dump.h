/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps in a format that the traced process does not write itself (options_by_reporter()), so that the watcher,
 * which holds the table, writes them.
 *
 * The traced process sends the watcher a request for each dump (process/watch.h). A dump on a signal or by
 * --above does not stop the program: the watcher copies the shared table, as --dump does. At its end the program
 * waits until the report is complete, so that whoever waits for the program finds the report:
 *
 *	program				watcher
 *	request, pipe  --------------->	copies the table
 *	waits				writes FILE.PID.tmp, renames it to FILE
 *	ends	       <---------------	answer
 *
 * The wait is bounded. It ends at once when the watcher is killed, and soon after a SIGINT, SIGTERM, SIGHUP or SIGQUIT
 * that comes meanwhile. Where the request cannot be delivered, or the report is not complete when the wait ends,
 * nothing is lost: the table stays marked as not yet dumped, and the watcher writes the report when it sees the
 * process's end.
 *
 * A dump to a file of its own (struct dumper) is waited for, too, while the program's other threads go on. The process
 * opens the file, sends the watcher its descriptor with the request, and gives it its name when the answer has come.
 * The wait ends also when another thread ends the process.
 *
 * Without a watcher one line on standard error says which command makes the report.
 */
#ifndef PROCESS_REMOTE_DUMP_H
#define PROCESS_REMOTE_DUMP_H

#include "dump.h"

#define REMOTE_DUMP_NOTICE_SECONDS	2	/* then one line says that the program waits for its report */
#define REMOTE_DUMP_WAIT_SECONDS	10	/* the longest wait at the program's end */
#define REMOTE_DUMP_APART_SECONDS	60	/* the longest wait for a report to a file of its own */

enum remote_dump_result {
	REMOTE_DUMP_DONE,		/* the report is complete; or it was requested, and is not the final one; or
					 * it cannot be made, and that was reported */
	REMOTE_DUMP_LATE,		/* the final report is not complete: the watcher goes on with it, and the
					 * program must not wait any longer */
	REMOTE_DUMP_NO_DESCRIPTOR,	/* nothing was sent: the caller calls again where descriptors are free
					 * (own_descriptors.h) */
};

/*
 * Requests a dump from the watcher, and waits for it if it is the final one, or goes to a file of its own. Then
 * d->output.failure says whether the file is complete: ECONNREFUSED, there is no watcher; EAGAIN, it is busy;
 * ETIMEDOUT, also where the process is about to end; EBADMSG, the watcher cannot read the table; or another errno with
 * which writing failed. If request.tries_again is set, a lack of descriptors is not reported to the user, but is the
 * result. Async-signal-safe, keeps errno. The caller has blocked all signals.
 */
enum remote_dump_result remote_dump(struct dumper *d, const struct dump_request *request);

#endif
