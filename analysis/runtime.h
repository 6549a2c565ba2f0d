/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks that the runtime keeps for good, and never frees on purpose: the emergency pool of libstdc++ (72,704 bytes,
 * for exceptions when there is no memory), the buffers of stdin, stdout and stderr, and what ld.so notes of the
 * libraries that are loaded. They are no leaks, so a report of a process that ends sums them up instead of listing them
 * first.
 *
 * They are recognized by the names of their frames. A block that only looks like one is listed rather than hidden: a
 * second buffer of the same backtrace may be that of a file which was never closed, and what ld.so allocates for a
 * thread may belong to a thread which was never joined.
 *
 * Async-signal-safe; allocates nothing.
 */
#ifndef ANALYSIS_RUNTIME_H
#define ANALYSIS_RUNTIME_H

#include "model.h"

#define RUNTIME_ROWS_MOST	16u	/* more of a section's largest rows are hardly ever the runtime's */

/* Whether lists of live rows leave out the runtime's. Who wants all rows or all frames, or examines a record, wants
 * these, too. */
bool runtime_is_apart(const struct model *m);

/*
 * How many of the section's rows, which are sorted, need names so that `top` are left when the runtime's are set apart.
 * For each row that looks like the runtime's, without names, that is one more. Names are the costliest part of a dump
 * where libc has a debug file: so a program should hardly look up more than it lists. If a row of the runtime's looks
 * like none, one row too few is listed.
 */
uint32_t runtime_rows(const struct model *m, const struct model_section *s, uint32_t top);

/* Whether, as far as the files of its code tell, the row will be set apart, so that its functions' names suffice. */
bool runtime_needs_functions(const struct model *m, const struct model_row *row);

/* Whether the row may be set apart, which only the names of its functions tell: so one row more may be listed. */
bool runtime_may_keep(const struct model *m, const struct model_row *row);

/* Removes the runtime's rows from those that the section lists, sums them up in section.kept, and leaves at most
 * `top` rows. Their names have been resolved. */
void runtime_set_apart(const struct model *m, struct model_section *s, uint32_t top);

/* Whether the row's blocks are the runtime's. Its names have been resolved. */
bool runtime_keeps(const struct model *m, const struct model_row *row);

#endif
