/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which modules' names and lines the listed frames of a section lack, and why (struct model_lacks). A module
 * is not among them where nothing is to be had: a stripped library with the names it exports, code without
 * debug data.
 *
 * Of a module whose debug data dwz has shared with other modules, lines are never missing, but names of
 * inlined calls can be. A module is told of once: if its names are missing for a reason, its lines are
 * not mentioned.
 *
 * Async-signal-safe. Without memory for the lists they are empty.
 */
#ifndef ANALYSIS_MISSING_H
#define ANALYSIS_MISSING_H

#include "names.h"
#include "table/view.h"

/* For the rows that the section lists. */
void missing_find(struct model_section *s, const struct view *v, struct names *n);

#endif
