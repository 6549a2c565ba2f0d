/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The signals that we share with the program: the two that ask for a dump, and those whose
 * default action ends the process (fatal_signal.h). They are ours while the program leaves them at
 * their default action, and then it must not notice: it is told that the action is the
 * default, with the flags and mask that it gave itself; when it asks for the default it has
 * it already; when it takes a signal for itself ours steps back, and where that was a dump
 * signal heaptrace says once how else a dump can be had. A dump signal that the program took
 * and gave back is one of those that end the process, as it is natively.
 *
 * No state is kept but the kernel's own (and what is shown), so nothing can disagree: a
 * signal is ours when its handler is. /proc/PID/status (SigCgt) shows the handlers. All
 * functions are async-signal-safe.
 *
 * Process 1 of a pid namespace is never ended by a default action but of a fault
 * (pid_namespaces(7)): there only the faults are ours.
 */
#ifndef PROCESS_SIGNALS_H
#define PROCESS_SIGNALS_H

#include "options/options.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

typedef int signals_sigaction(int, const struct sigaction *, struct sigaction *);

/*
 * Installs the handlers where the action is still the default, and lets through what the
 * wrapper held back (options.held). real: libc's sigaction().
 */
void signals_start(signals_sigaction *real, const struct options *o);

/* When there will be no tracing: what came meanwhile is dropped instead of killing. */
void signals_drop(const struct options *o);

/* Whether sig may be ours: if not, the real functions are called, and no others of these. */
bool signals_shared(int sig);
/* In a child that is not traced: the default actions, for what is ours. */
void signals_stop(void);


/* As sigaction(2), for a signal that is shared. */
int signals_change(int sig, const struct sigaction *act, struct sigaction *old);

/*
 * The relatives of signal(3). Asked for the default action: signals_default(), with the flags
 * and mask that this relative gives it, returns what was there. For anything else: the real
 * function between signals_take() and signals_taken(), which returns what the program is to see
 * instead of `old`, the real one's answer.
 */
sighandler_t signals_default(int sig, int flags, bool masked);
bool signals_take(int sig);
sighandler_t signals_taken(int sig, bool was_dump, sighandler_t old);

/* The program has called siginterrupt(3). */
void signals_interrupt(int sig, int interrupt);

/* The program waits for these signals itself (sigwait, signalfd): where dump signals are
 * among them it is told, once, how else a dump can be had. */
void signals_waited(const sigset_t *set);

/* At the end: a dump signal that is blocked has come; told likewise. */
void signals_end(void);

/* The default action, of the kernel. */
void signals_reset(int sig);

/* A fault's signal that is ours, other than sig; 0: there is none. */
int signals_fault_but(int sig);

/* Around fork, in the thread that forks: the signals are held back in the kernel (but for faults), so
 * that each one reaches the process it was meant for. */
void signals_fork_prepare(void);
void signals_fork_ends(void);

/* Adds the dump signals to a mask; returns which were not in it, as in options.held. */
unsigned signals_add_dumps(sigset_t *mask);

/* Holds them back in this thread; returns likewise what signals_let() is to be given. */
unsigned signals_hold_dumps(void);
void signals_let(unsigned held);

/* In a child after fork. */
void signals_forked(void);

#endif
