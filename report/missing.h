/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line on what the names of a dump lack and why, for the modules whose shown frames lack
 * it. Nothing where nothing is to be had: a stripped library with the names it exports, code
 * without debug data. Async-signal-safe.
 *
 *	[heaptrace] names missing                : libfoo.so.1 (no symbols), bar (the file was replaced: its build id differs); lines missing: libx.so (split DWARF)
 */
#ifndef REPORT_MISSING_H
#define REPORT_MISSING_H

#include "names.h"

void missing_write(const struct names *n, struct out *out);

#endif
