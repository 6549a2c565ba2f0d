/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of --outfile, before PROGRAM runs. For the wrapper's only thread. */
#ifndef WRAPPER_PREPARE_OUTFILE_H
#define WRAPPER_PREPARE_OUTFILE_H

struct options;

/*
 * Ends the wrapper with a message when the outfile cannot be written, which would else come out at the
 * first dump only. A text dump's file, to which the dumps of the run are appended, starts empty. The files
 * of other formats are put in place whole, so only their directory has to allow that. command: the name
 * that the kernel will give PROGRAM, for %c.
 */
void prepare_outfile(const struct options *o, const char *command);

#endif
