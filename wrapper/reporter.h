/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reporter: what the watcher does. It holds the tables of the run's processes (process/watch.h),
 * sleeps until a message comes or a process ends, and writes
 *
 *	- a report that a process asks for, in a format that processes do not write themselves
 *	  (process/remote_dump.h),
 *	- the dump of a process that was killed, or ended by the bare system call,
 *	- the dumps of --every.
 *
 * One report is written at a time, in the order in which they were asked for: thousands of short
 * processes wait for each other, and never take more than one processor and the memory of one report.
 */
#ifndef WRAPPER_REPORTER_H
#define WRAPPER_REPORTER_H

#include "analysis/rules.h"
#include "options/options.h"

#include <stdbool.h>
#include <sys/types.h>

struct reporter {
	int listener;			/* the socket that messages come by */
	int program;			/* a pidfd of the process that the wrapper becomes */
	pid_t program_pid;
	const char *password;		/* WATCH_PASSWORD_BYTES of it */
	const struct options *options;
	const struct rules *rules;
};

/* *r is copied; what it points to has to stay. False: the kernel refuses what that takes. */
bool reporter_start(const struct reporter *r);

/* Returns when the last process of the run has ended. */
void reporter_run(void);

#endif
