/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks before anything runs that the files and directories which the options name can be used. */
#ifndef WRAPPER_NAMED_FILES_H
#define WRAPPER_NAMED_FILES_H

#include "options/options.h"

#include <limits.h>
#include <stdbool.h>

#define NAMED_FILES_WHY_BYTES	(PATH_MAX + 128)	/* any message of these functions */

/* Whether the file of --ignore can be read, the directories of --debug-dir and --sysroot can be searched, and no
 * picture would go to a terminal. False: why gets a message. */
bool named_files_check(const struct options *o, char why[NAMED_FILES_WHY_BYTES]);

/*
 * Whether the file of --record, if that option is given, can be created. As process/storage.c will do, this creates
 * a file under a temporary name beside it, and then removes that file. command: PROGRAM's command name. False: why
 * gets a message.
 */
bool named_files_check_record(const struct options *o, const char *command, char why[NAMED_FILES_WHY_BYTES]);

#endif
