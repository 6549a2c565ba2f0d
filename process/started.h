/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process is about to become or to start, and whether that can be traced: into a static
 * program nothing is preloaded, and a set-user-ID program's loader preloads nothing of ours. What is built with
 * a sanitizer wants to be preloaded first, and ends if it is not: it is left alone.
 *
 * Async-signal-safe: exec is called between fork and exec, or vfork and exec. Keeps errno.
 */
#ifndef PROCESS_STARTED_H
#define PROCESS_STARTED_H

#include <stdbool.h>

/* Looks at the file, and says so on our output if it cannot be traced, and in the dumps that follow:
 * the parent's where the caller shares its memory (vfork). search: as in PATH, when there is no
 * slash. Returns the environment for it: env, or one without this library in LD_PRELOAD, where the
 * program would not bear it. */
char *const *started_look(const char *file, bool search, char *const *env);

#endif
