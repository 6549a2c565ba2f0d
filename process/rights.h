/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that have more rights than their caller: set-user-ID, set-group-ID, file capabilities.
 *
 * The loader of such a program ignores LD_PRELOAD, but not /etc/ld.so.preload. The caller has chosen the program's
 * environment, signals and descriptors, and may not learn what is in the heap. So the program is not traced, no option
 * is read, no file is written, no signal is handled and nothing is printed. The caller's HEAPTRACE_OPTIONS is removed
 * from the environment, because a program that this one starts would find the variable there, and the kernel does
 * not regard that program as one with more rights than its caller. glibc removes its own variables for the same
 * reason (sysdeps/generic/unsecvars.h).
 */
#ifndef PROCESS_RIGHTS_H
#define PROCESS_RIGHTS_H

#include "options/options.h"

#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

/* Whether this process runs such a program, according to the kernel (AT_SECURE, getauxval(3)). Async-signal-safe. */
static inline bool rights_are_elevated(void)
{
	return getauxval(AT_SECURE) != 0;
}

/* Removes HEAPTRACE_OPTIONS from an environment, which may be NULL. At the start, by the only thread. */
static inline void rights_remove_options(char **environment)
{
	char **to = environment;

	for (char **e = environment; e && *e; e++) {
		if (strncmp(*e, OPTIONS_ENV "=", sizeof(OPTIONS_ENV)))
			*to++ = *e;
	}
	if (to)
		*to = NULL;
}

#endif
