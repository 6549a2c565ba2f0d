/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a section of a text dump has instead of rows where an option adds up all rows: groups and trees. Only
 * format/text_report.c uses it. Errors of writing are in the struct out; where there is no memory, a line says so.
 */
#ifndef FORMAT_TEXT_REPORT_H
#define FORMAT_TEXT_REPORT_H

#include "columns.h"
#include "text.h"

/* Writes the table of groups that --group asks for (text_groups.c). */
void text_write_groups(struct text *t, const struct model_section *s, struct labels *labels);

/* Writes the trees that --tree, --callers and --callees ask for (text_tree.c). */
void text_write_trees(struct text *t, const struct model_section *s, struct labels *labels);

/* Writes what --diff has found: the totals of both runs, which stand before the first section, and what differs for the
 * section's key (text_diff.c). */
void text_write_diff_totals(const struct text *t);
void text_write_diff(struct text *t, const struct model_section *s);

/* Writes "12.345 MB -> 14.123 MB, +1.778 MB (+14.4 %)". */
void text_write_change(enum sort_key key, uint64_t was, uint64_t is, struct out *out);

/* Writes what the program has mapped itself, if the table has that (text_pages.c). */
void text_write_pages(struct text *t);

/* Writes what has grown (--growth): by blocks where the section's key is the count, else by bytes (text_growth.c). */
void text_write_growth(struct text *t, const struct model_section *s);

#endif
