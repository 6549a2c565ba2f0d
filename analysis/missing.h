/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the modules whose listed frames in a section have no names or no lines, and why (struct model_lacks).
 * A module whose file holds no more than was found is not listed: a stripped library with the names that it
 * exports, or code without debug data.
 *
 * A module whose debug data dwz(1) has moved to a file that it shares with others never lacks lines, but can lack
 * names of inlined calls. A module whose names are missing for a reason is not listed for its lines, too.
 *
 * Async-signal-safe. Without memory for the lists they are empty.
 */
#ifndef ANALYSIS_MISSING_H
#define ANALYSIS_MISSING_H

#include "names.h"
#include "table/view.h"

/* Sets s->lacks, for the rows that the section lists. */
void missing_find(struct model_section *s, const struct view *v, struct names *n);

#endif
