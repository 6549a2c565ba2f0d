/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signals that heaptrace shares with the program: the two that ask for a dump, the one that begins the figures
 * anew, and those whose default action ends the process (fatal_signal.h). Such a signal is ours (it has a handler of
 * heaptrace's) while the program leaves it at its default action. The program must not notice the handler:
 *
 * - When it asks for the action, it is told that it is the default one, with the flags and the mask that
 *   the program itself gave.
 * - When it sets the default action, the handler stays.
 * - When it sets another action, the program's replaces the handler. For a dump signal a warning names, once,
 *   another way to get a dump. If the program later sets the default action of a dump signal, that signal
 *   ends the process, as it does without heaptrace.
 *
 * Only the flags and masks are stored here. Whether a signal is ours is asked of the kernel: it is when the
 * kernel has our handler for it. /proc/PID/status (SigCgt) shows the handlers. All functions are async-signal-safe.
 *
 * No default action ends process 1 of a pid namespace, but that of a fault (pid_namespaces(7)): there only
 * the faults' signals are ours.
 */
#ifndef PROCESS_SIGNALS_H
#define PROCESS_SIGNALS_H

#include "options/options.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

typedef int signals_sigaction(int, const struct sigaction *, struct sigaction *);

/*
 * At start: installs the handlers where the action is still the default, and lets the signals through that the
 * wrapper held back (options.held). real: libc's sigaction().
 */
void signals_start(signals_sigaction *real, const struct options *o);

/* At the start of a process that is not traced: takes the dump signals that the wrapper held back off the queue, where
 * they would kill the process, and lets later ones through. */
void signals_discard_held(const struct options *o);

/* Whether sig may be ours. If not, the hooks call the real functions, and none of the functions below. */
bool signals_shared(int sig);

/* In a child that --children=no leaves untraced, and at a detach: sets the default action, as the program has last set
 * or found it, for the signals that are ours. signals_start() may be called again. */
void signals_stop(void);

/* As sigaction(2), for a shared signal. */
int signals_change(int sig, const struct sigaction *act, struct sigaction *old);

/*
 * For the relatives of signal(3). To set the default action, they call signals_default() with the flags and
 * the mask that they use themselves; it returns the previous action. To set another one, they call
 * signals_take(), then the real function, then signals_taken() with the answers of both; it returns the
 * previous action as the program is to see it.
 */
sighandler_t signals_default(int sig, int flags, bool masked);
bool signals_take(int sig);
sighandler_t signals_taken(int sig, bool was_dump, sighandler_t old);

/* The program has called siginterrupt(3). */
void signals_interrupt(int sig, int interrupt);

/* The program is about to wait for these signals itself (sigwait, signalfd). If a dump signal is among them, a line
 * warns the user, once, and names another way to get a dump. */
void signals_warn_of_wait(const sigset_t *set);

/* At the end of the process: which dump signals have come that the calling thread blocks (bits 0 to 2); and the same
 * warning of those. */
unsigned signals_blocked_dumps(void);
void signals_warn_of_blocked(unsigned dumps);

/* Which signals by which users end a program (SIGHUP, SIGINT, SIGQUIT, SIGTERM) have come and are held back, a bit for
 * each. Those that the program ignores are not among them. */
unsigned signals_pending_ends(void);

/* Sets the kernel's default action. */
void signals_reset(int sig);

/* A signal of a fault, other than sig, that is ours. 0: there is none. */
int signals_fault_but(int sig);

/* Around fork, in the thread that forks: the signals are held back in the kernel (but for faults), so
 * that each one reaches the process it was meant for. */
void signals_fork_prepare(void);
void signals_fork_ends(void);

/* Adds the dump signals to a mask. Returns those that it did not contain, as bits like those of options.held. */
unsigned signals_add_dumps(sigset_t *mask);

/* Blocks the dump signals in this thread. Returns those that were not blocked, for signals_release_dumps(). */
unsigned signals_hold_dumps(void);
void signals_release_dumps(unsigned held);

/* In a child after fork. A child of process 1 is an ordinary process, which the default actions end. */
void signals_forked(void);

#endif
