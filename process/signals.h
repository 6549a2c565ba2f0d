/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SIGUSR1 and SIGUSR2: ours while the program leaves them at their default action, and then
 * the program must not notice. It is told that the action is the default; when it asks for
 * the default it has it already; when it takes a signal for itself ours steps back, and
 * heaptrace says once how else a dump can be had.
 *
 * No state is kept but the kernel's own, so nothing can disagree: a signal is ours when its
 * handler is. All functions are async-signal-safe.
 */
#ifndef PROCESS_SIGNALS_H
#define PROCESS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

typedef int signals_sigaction(int, const struct sigaction *, struct sigaction *);

/*
 * Installs the handlers where the action is still the default, and lets through what the
 * wrapper held back (held: bit 0 SIGUSR1, bit 1 SIGUSR2). real: libc's sigaction().
 */
void signals_start(signals_sigaction *real, uint8_t held);

/* When there will be no tracing: what came meanwhile is dropped instead of killing. */
void signals_drop(uint8_t held);

/* In a child that is not traced: the default actions, for what is ours. */
void signals_stop(void);

/* Whether our handler is installed for sig. */
bool signals_ours(int sig);

/* The program has taken sig, which was ours. */
void signals_step_back(int sig);

/* Around fork: both signals are held back in the kernel, so that each one reaches the
 * process it was meant for. mask keeps the thread's own between the two. */
void signals_hold(sigset_t *mask);
void signals_release(const sigset_t *mask);

#endif
