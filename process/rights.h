/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that have more rights than who starts them: set-user-ID, set-group-ID, file capabilities.
 *
 * The loader drops LD_PRELOAD for these, but not what /etc/ld.so.preload names. Their caller has chosen
 * the environment, the signals that are to come and what the descriptors are, and may not learn what is
 * in the heap. So nothing is traced there, no option is read, no file is written, no signal is taken and
 * nothing is said. Nor does the caller's HEAPTRACE_OPTIONS stay in the environment, where the next program
 * would find it, which has the new rights for good and so is none of that kind: glibc removes its own
 * variables for the same reason (sysdeps/generic/unsecvars.h).
 */
#ifndef PROCESS_RIGHTS_H
#define PROCESS_RIGHTS_H

#include "options/options.h"

#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

/* Whether this process is such a program: the kernel says so (AT_SECURE, getauxval(3)). Async-signal-safe. */
static inline bool rights_are_more(void)
{
	return getauxval(AT_SECURE) != 0;
}

/* Takes our variable out of an environment, which may be NULL. At the start, by the only thread. */
static inline void rights_clear(char **environment)
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
