/* SPDX-License-Identifier: GPL-2.0-only */
/* sigaction(), signal(), sigwait() and their relatives in front of libc's. See signal_hooks.c. */
#ifndef HOOKS_SIGNAL_HOOKS_H
#define HOOKS_SIGNAL_HOOKS_H

#include "process/signals.h"

/* At start: finds the real functions. Returns libc's sigaction(). */
signals_sigaction *signal_hooks_init(void);

#endif
