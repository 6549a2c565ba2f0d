/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that have more rights than who starts them: set-user-ID, set-group-ID, file capabilities.
 *
 * The loader drops LD_PRELOAD for these, but not what /etc/ld.so.preload names. Their caller has chosen
 * the environment, the signals that are to come and what the descriptors are, and may not learn what is
 * in the heap. So nothing is traced there, no option is read, no file is written, no signal is taken and
 * nothing is said.
 */
#ifndef PROCESS_RIGHTS_H
#define PROCESS_RIGHTS_H

#include <stdbool.h>
#include <sys/auxv.h>

/* Whether this process is such a program: the kernel says so (AT_SECURE, getauxval(3)). Async-signal-safe. */
static inline bool rights_are_more(void)
{
	return getauxval(AT_SECURE) != 0;
}

#endif
