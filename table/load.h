/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table read from a file or a memfd, of a process that is gone or another one that runs:
 * copied, then checked, so that nothing can change after the check. Nothing in the file is
 * believed: the layout follows from one number, counts are held below their limits, texts
 * end, and what is left of an interrupted step is put right.
 *
 * Async-signal-safe, but for nobody's hot path.
 */
#ifndef TABLE_LOAD_H
#define TABLE_LOAD_H

#include "table.h"

enum load_status {
	LOAD_OK,
	LOAD_NO_TABLE,		/* not a table at all */
	LOAD_VERSION,		/* of another version of heaptrace, or byte order */
	LOAD_WORD_SIZE,		/* of a program with another word size */
	LOAD_TRUNCATED,		/* parts are missing */
	LOAD_DAMAGED,		/* the header contradicts itself */
	LOAD_NO_MEMORY,
	LOAD_CANNOT_READ,	/* errno says why */
};

/*
 * Reads the table from fd (by pread: its position does not matter), where it begins at `start`: 0
 * in a file or memfd, its address in /proc/PID/mem.
 */
enum load_status load_table(struct table *t, int fd, uint64_t start);

/* The header alone, with its texts ended, but nothing checked. */
enum load_status load_header(struct table_header *h, int fd, uint64_t start);

/* Gives back what load_table() has mapped. */
void load_release(struct table *t);

/* A few words in English, without a full stop; NULL for LOAD_OK. */
const char *load_status_text(enum load_status status);

#endif
