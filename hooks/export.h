/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks the functions that the library exports: those that stand in front of another library's
 * function of the same name. Only the files of hooks/ and libheaptrace.c export anything.
 */
#ifndef HOOKS_EXPORT_H
#define HOOKS_EXPORT_H

#define EXPORT __attribute__((visibility("default")))

/* The priority of constructors that look up the real functions: they run before the library's start and its
 * clear_stack() (libheaptrace.c), which have none. */
#define LOOKUPS	200

#endif
