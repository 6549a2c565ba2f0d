/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that have more rights than their caller: set-user-ID, set-group-ID, file capabilities.
 *
 * For these the loader ignores LD_PRELOAD, but not /etc/ld.so.preload. Their caller has chosen the
 * environment, the signals that come and the descriptors, and may not learn what is in the heap. So nothing is
 * traced there, no option is read, no file is written, no signal is handled and nothing is said. The caller's
 * HEAPTRACE_OPTIONS is taken out of the environment, too: the next program would find it there, and for the
 * kernel that program has no more rights than its caller. glibc removes its own variables for the same reason
 * (sysdeps/generic/unsecvars.h).
 */
#ifndef PROCESS_RIGHTS_H
#define PROCESS_RIGHTS_H

#include "options/options.h"

#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

/* Whether this process runs such a program, according to the kernel (AT_SECURE, getauxval(3)). Async-signal-safe. */
static inline bool rights_are_more(void)
{
	return getauxval(AT_SECURE) != 0;
}

/* Takes HEAPTRACE_OPTIONS out of an environment, which may be NULL. At the start, by the only thread. */
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
