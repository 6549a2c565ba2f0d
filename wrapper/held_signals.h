/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signals that ask for a dump, while the wrapper runs and in the moment after its exec.
 *
 * SIGUSR1 and SIGUSR2, or the signals that the options choose instead, would kill a process that has
 * no handler yet. So the wrapper blocks them before anything else happens. Blocked and pending
 * signals survive exec, and the library unblocks those that options.held names once its handlers are
 * installed. In a process of one thread.
 */
#ifndef WRAPPER_HELD_SIGNALS_H
#define WRAPPER_HELD_SIGNALS_H

#include <stdint.h>

/* Blocks the signals that ask for a dump. A start routine has called this before main(); a second call
 * blocks them again if somebody has unblocked them meanwhile. */
void held_signals_hold(void);

/* Holds these signals (struct options, signals) instead. A signal that no longer asks for a dump does
 * what it does without heaptrace. */
void held_signals_choose(const uint8_t signals[2]);

/* Unblocks the signals that the wrapper alone has blocked. */
void held_signals_release(void);

/* Which of the signals the wrapper alone has blocked: bits 0 and 1, as options.held has them. */
uint8_t held_signals_mask(void);

#endif
