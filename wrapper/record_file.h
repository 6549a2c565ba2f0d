/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a file of --record or --pack, for whoever makes a report of it: the table, the moment that its figures are of,
 * and the names that came with it. The process may have ended or run.
 */
#ifndef WRAPPER_RECORD_FILE_H
#define WRAPPER_RECORD_FILE_H

#include "analysis/history.h"
#include "pack/figures.h"

struct record_file {
	struct table table;		/* a copy, which nobody changes */
	struct history history;		/* of it */
	struct arena arena;		/* the memory of the history */
	uint64_t moment_ns;		/* of the figures, by the clock of the table: the end of the process, or now */
	uint32_t runs_as;		/* the pid whose directory in /proc has figures of the process; 0: it has
					 * ended */
	bool end_unknown;		/* nobody has noted when the process ended: moment_ns is the last moment that
					 * left a trace in the file */
	struct pack_figures figures;	/* of a process that ran when its record was packed */
	struct model_seen seen_then;	/* the same for struct model_request... */
	const struct model_seen *seen;	/* ...if there are any; else NULL */
	struct names_store *names;	/* those in a packed record, for struct model_request; NULL: it has none */
	int fd;				/* the open file or, of a packed record, a file in memory that is as the one of
					 * --record was; -1: none */
};

/* Reads the file. Returns NULL, or in words why that is not possible; then *r needs no record_file_close(). For the
 * only thread of a process. */
const char *record_file_open(struct record_file *r, const char *path);

/* Loads the history of a table that the caller has put into *r, with its moment and the file (or -1). Called by
 * record_file_open(). */
void record_file_load_history(struct record_file *r);

/* Gives back what record_file_open() has taken. */
void record_file_close(struct record_file *r);

#endif
