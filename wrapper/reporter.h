/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The work of the watcher. It holds the tables of the run's processes (process/watch.h), sleeps until a message
 * comes or a process ends, and writes
 *
 *	- the reports that processes request, in formats that they do not write themselves
 *	  (process/remote_dump.h),
 *	- the dump of a process that was killed, or ended by the bare system call,
 *	- the dumps of --every,
 *	- the processes' histories (history_writer.h).
 *
 * One report is written at a time, in the order of the requests. So even thousands of short processes never take
 * more than one processor and the memory of one report; they wait for each other.
 */
#ifndef WRAPPER_REPORTER_H
#define WRAPPER_REPORTER_H

#include "analysis/rules.h"
#include "options/options.h"

#include <stdbool.h>
#include <sys/types.h>

struct reporter {
	int listener;			/* the socket for messages */
	int program;			/* a pidfd of the process that the wrapper becomes */
	pid_t program_pid;
	bool attached;			/* it ran before, and can go on when nobody traces it any more */
	const char *password;		/* WATCH_PASSWORD_BYTES bytes, which each message has to begin with */
	const char *directory;		/* the absolute path of the one that the run was started in */
	const struct options *options;
	const struct rules *rules;
};

/* Prepares reporter_run(). *r is copied; the objects that it points to have to outlive the reporter. False: the kernel
 * refuses a descriptor, or there is no memory. */
bool reporter_start(const struct reporter *r);

/* Does the work described above. Returns when the last process of the run has ended. */
void reporter_run(void);

#endif
