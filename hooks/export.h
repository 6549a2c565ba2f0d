/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks the functions that the library exports: those that stand in front of another library's
 * function of the same name. Only the files of hooks/ and libheaptrace.c export anything.
 */
#ifndef HOOKS_EXPORT_H
#define HOOKS_EXPORT_H

#define EXPORT __attribute__((visibility("default")))

#endif
