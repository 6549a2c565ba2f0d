/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a file of --record, for whoever makes a report of it: the table, and the moment that its figures are of. The
 * process may have ended or run.
 */
#ifndef WRAPPER_RECORD_FILE_H
#define WRAPPER_RECORD_FILE_H

#include "table/table.h"

struct record_file {
	struct table table;		/* a copy, which nobody changes */
	uint64_t moment_ns;		/* of the figures, by the clock of the table: the end of the process, or now */
	uint32_t runs_as;		/* the pid whose directory in /proc has figures of the process; 0: it has ended */
	bool end_unknown;		/* nobody has noted when the process ended: moment_ns is the last moment that left a
					 * trace in the file */
	int fd;				/* the open file, or -1 */
};

/* Reads the file. Returns NULL, or in words why that is not possible; then *r needs no record_file_close(). For the
 * only thread of a process. */
const char *record_file_open(struct record_file *r, const char *path);

/* Gives back what record_file_open() has taken. */
void record_file_close(struct record_file *r);

#endif
