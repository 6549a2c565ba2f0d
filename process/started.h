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
 * program would not bear it. *traced: it is a program that will be traced, as far as can be seen,
 * or a script that such a one reads. */
char *const *started_look(const char *file, bool search, char *const *env, bool *traced);

#define STARTED_ENTRIES	256

struct started_hold {		/* on the caller's stack: what a vfork child maps stays its parent's */
	char *env[STARTED_ENTRIES + 1];
	char text[1024];
};

/*
 * The environment of a program that is started with dump signals held back for it (options.held):
 * it has them let through when its handlers stand. NULL: that cannot be said to it (it is not
 * preloaded there, or there are too many entries), so they must not be held.
 */
char *const *started_hold(char *const *env, unsigned held, struct started_hold *h);

#endif
