/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leaves rows out of a view: those that a rule of --ignore matches, or those that somebody else (selection.h) does not
 * want. Async-signal-safe.
 */
#ifndef ANALYSIS_FILTER_H
#define ANALYSIS_FILTER_H

#include "names.h"
#include "rules.h"
#include "table/view.h"

/*
 * Removes each row of which a rule matches a frame (rules.h). For that the names of all rows are resolved. sections:
 * how many sort keys the view was taken for. The live rows that are removed are added up in totals->ignored_rows and
 * ignored_size, and counted for their rules. Where there is no memory, every row stays.
 */
void filter_apply(struct view *v, struct names *n, const struct rules *rules, unsigned sections,
		  struct model_totals *totals);

/* Removes the rows that leaves(context, row, counts) is true for. sections: as above. counts: the row is there for the
 * first time, so that it may be counted. */
void filter_rows(struct view *v, unsigned sections, bool (*leaves)(void *, const struct view_row *, bool),
		 void *context);

#endif
