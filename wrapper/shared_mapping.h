/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the file in which the table of a process lies among the mappings of that process. */
#ifndef WRAPPER_SHARED_MAPPING_H
#define WRAPPER_SHARED_MAPPING_H

#include "base/mappings.h"

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Finds the next writable shared mapping of a file in an open list, as this one is:
 *	7f1c2a000000-7f1c52000000 rw-s 00000000 08:01 1234567   /var/tmp/heap
 * Its text is valid until the next call. False: there are no more.
 */
bool shared_mapping_next(struct mappings *list, struct mapping *m);

/*
 * Whether the mapping is one of the file. An inode's number alone names no file, because each file system
 * counts its own. On some file systems (btrfs, overlayfs) stat() and /proc/PID/maps have different device
 * numbers, both with the major number 0. There the path has to lead to the same file.
 */
bool shared_mapping_is_of(const struct mapping *m, const struct stat *file);

#endif
