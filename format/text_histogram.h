/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The histograms of sizes in a text dump (--histogram): two tables of the process, and two lines for a row. Lines have
 * at most 80 columns. A process that keeps no such counts gets a line that says how to have them, and its rows none.
 *
 * Only processes other than the traced one write these, so the code is not in the library.
 */
#ifndef FORMAT_TEXT_HISTOGRAM_H
#define FORMAT_TEXT_HISTOGRAM_H

#include "text.h"

/* Writes the tables: by power of two, and by the allocator's size classes. */
void text_write_histogram(struct text *t);

/* Writes the lines of a row, which stand behind its frames. */
void text_write_row_histogram(struct text *t, const struct model_row *row);

#endif
