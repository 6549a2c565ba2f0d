/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a table from a file or a memfd, of a process that is gone or of another one that runs. The table is copied and
 * then checked, so that nothing can change after the check. Nothing in the file is trusted: the layout follows from one
 * number, counts are held below their limits, texts are terminated, and the step of a flush that a kill has interrupted
 * is finished.
 *
 * Async-signal-safe. No checks of `make CHECK=1` look at such a table: a damaged file must not end a process.
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
 * Reads the table from fd, by pread(), at the offset `start`: 0 in a file or memfd, the table's address in
 * /proc/PID/mem.
 */
enum load_status load_table(struct table *t, int fd, uint64_t start);

/*
 * Reads the counters of a table anew that load_table() has read from the same place, and what has been added since: for
 * somebody who looks at a process again and again. *t stays where it is, and so does what it points to. What is read
 * again is rows, infos, upper parts, slots and modules, and the threads and their sets if `threads` says so. Of codes,
 * frames and text only the end is read. The timeline and the sizes stay as they were. So 500,000 rows are 25 MB.
 *
 * A row that has a call in the new figures is there with its whole stack: the counters are read first. If the result is
 * another one than LOAD_OK, the figures can be partly old and partly new. LOAD_NO_TABLE: there is another table now, or
 * none, because the process has become another program.
 */
enum load_status load_again(struct table *t, int fd, uint64_t start, bool threads);

/* Reads the header alone. The texts in it are terminated; nothing else is checked. */
enum load_status load_header(struct table_header *h, int fd, uint64_t start);

/* Whether the header's layout is the one that its rows_log2 gives, and its limits are possible. */
bool load_header_is_sane(const struct table_header *h);

/* Gives back what load_table() has mapped. */
void load_release(struct table *t);

/* A few words in English, without a full stop; NULL for LOAD_OK. */
const char *load_status_text(enum load_status status);

#endif
