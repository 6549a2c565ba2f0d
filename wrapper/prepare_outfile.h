/* SPDX-License-Identifier: GPL-2.0-only */
/* Prepares the file of --outfile before PROGRAM runs. For the wrapper's only thread. */
#ifndef WRAPPER_PREPARE_OUTFILE_H
#define WRAPPER_PREPARE_OUTFILE_H

#include <stdint.h>

struct options;

/*
 * Ends the wrapper with a message if the outfile cannot be written, which the user would otherwise learn at the
 * first dump only. The one file of text dumps, to which the dumps of the run are appended, is emptied. Dumps in other
 * formats are put in place by renaming, so for them only the directory has to be writable. pid, command: of the process
 * that is traced, for %p and %c.
 */
void prepare_outfile(const struct options *o, uint32_t pid, const char *command);

#endif
