/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the code of a module lay in memory, and in its file. Tools that look up addresses in the file themselves
 * compute with the segment of its code, and not with the module as a whole: linkers may place segments at addresses
 * that differ from their offsets in the file (lld does).
 *
 * The file is read, so the answer is to be had only where the file still is. Async-signal-safe, for any thread.
 */
#ifndef ANALYSIS_CODE_SEGMENT_H
#define ANALYSIS_CODE_SEGMENT_H

#include "catalog.h"

#include "base/arena.h"

struct code_segment {
	uint64_t start, end;		/* addresses in memory, end excluded. The kernel maps the whole pages around
					 * them, which can have parts of other segments, too */
	uint64_t file_offset;		/* of start */
};

/* Finds the first executable segment of a module. The arena is for work space. False: the file is not there, or it is
 * another one than the process had (another build id, or segments elsewhere). */
bool code_segment_find(const char *path, const struct catalog_module *m, struct arena *arena, struct code_segment *s);

#endif
