/* SPDX-License-Identifier: GPL-2.0-only */
/* Leaves out of a view the rows that a rule of --ignore matches. Async-signal-safe. */
#ifndef ANALYSIS_FILTER_H
#define ANALYSIS_FILTER_H

#include "names.h"
#include "rules.h"
#include "table/view.h"

/*
 * A row is left out when a rule matches the printed line of one of its frames (frame.h). The names of all
 * rows are resolved for that. sections: how many sort keys the view was taken for. totals gets the figures
 * of the live rows that are left out. Without memory every row stays.
 */
void filter_apply(struct view *v, struct names *n, const struct rules *rules, unsigned sections,
		  struct model_totals *totals);

#endif
