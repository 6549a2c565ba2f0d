/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds out before PROGRAM runs that the file of --record cannot be made. */
#ifndef WRAPPER_RECORD_FILE_H
#define WRAPPER_RECORD_FILE_H

#include "base/options.h"

#include <limits.h>

/*
 * Tries to make the file of --record as process/keep.c will: under a temporary name beside the file,
 * which it removes again. command: PROGRAM's command name. Returns NULL, or in a few words why the
 * file cannot be made; path gets the file's name, with the placeholders filled in.
 */
const char *record_file_check(const struct options *o, const char *command, char path[PATH_MAX]);

#endif
