/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line on what the names of a section of a dump lack and why, for the modules whose frames
 * in this section lack it. Nothing where nothing is to be had: a stripped library with the names it
 * exports, code without debug data. Async-signal-safe.
 *
 *	[heaptrace] names missing                : libfoo.so.1 (no symbols), bar (the file was replaced:
 *	its build id differs); lines missing: libx.so (compressed with zstd)
 *
 * Of a module whose debug data dwz has shared with other modules, lines are never missing, but names
 * of inlined calls are told of as missing.
 */
#ifndef ANALYSIS_MISSING_H
#define ANALYSIS_MISSING_H

#include "model.h"

void missing_write(struct report *r, const struct report_section *s, struct out *out);

#endif
