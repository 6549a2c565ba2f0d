/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --focus and --hide: which rows and which frames a report has. These need the names of all rows, so that only a
 * process that reads another one's table calls this. The traced process does not contain this code.
 */
#ifndef ANALYSIS_SELECTION_H
#define ANALYSIS_SELECTION_H

#include "names.h"
#include "table/view.h"

/*
 * Removes each row without a frame that --focus matches, and marks the names of the frames that --hide matches, so that
 * model_stack() leaves them out. An option matches a frame when one of its texts stands in the function, the source
 * file or the module. Calls that are inlined match for themselves: the others of the same address stay. sections: how
 * many sort keys the view was taken for. The live rows that are removed are added up in totals->unfocused_rows and
 * unfocused_size. The names of all rows are resolved.
 */
void selection_apply(struct view *v, struct names *n, const struct options *o, unsigned sections,
		     struct model_totals *totals);

#endif
