/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks the signals that request a dump, while the wrapper runs and until the program has handlers for them.
 *
 * SIGUSR1 and SIGUSR2, or the signals that the options choose instead, would kill a process that has no handler
 * yet. So the wrapper blocks them before anything else happens. Blocked and pending signals survive exec. When the
 * library in the program has installed its handlers, it unblocks the signals that options.held names.
 *
 * For a process of one thread.
 */
#ifndef WRAPPER_HELD_SIGNALS_H
#define WRAPPER_HELD_SIGNALS_H

#include "options/options.h"

#include <stdint.h>

/* Blocks the signals that request a dump. The loader has called this before main(). A second call blocks them again
 * if they were unblocked meanwhile. */
void held_signals_hold(void);

/* Blocks these signals (options.signals) instead. A signal that no longer requests a dump has the effect that it has
 * without heaptrace. */
void held_signals_choose(const uint8_t signals[OPTIONS_SIGNALS]);

/* Unblocks the signals that the wrapper has blocked, and that were not blocked before. */
void held_signals_release(void);

/* Which of the signals the wrapper has blocked, and were not blocked before: bits 0 to 2, as in options.held. */
uint8_t held_signals_mask(void);

#endif
