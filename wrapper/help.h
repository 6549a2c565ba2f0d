/* SPDX-License-Identifier: GPL-2.0-only */
/* The text of --help. */
#ifndef WRAPPER_HELP_H
#define WRAPPER_HELP_H

/* Prints the usage, all options and the sort keys to standard output (stdio). */
void help_print(void);

#endif
