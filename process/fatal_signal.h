/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A signal whose default action ends the process: the final dump, and then the death that the
 * signal means, with the same status and the same core.
 *
 *	signal -> inside a hook? wait for its end -> final dump -> default action -> same signal
 *
 * The signal is sent again to the same thread while it is held back, and let through, alone,
 * by the return from the handler: it strikes where it struck first, before another instruction
 * of the program's, so a core shows the program as it was (a fault also has its address again).
 *
 * A dump inside a hook could miss what that hook is about, and could not ask the allocator,
 * whose locks the thread may hold. So it waits, but not for ever: a program that is hung in
 * malloc must die of SIGTERM as it does natively. A fault and abort() cannot wait.
 *
 * Whatever a dump does, it does not keep the process: a fault in it, or FATAL_SIGNAL_DUMP_SECONDS, and
 * the process dies of its first signal without it.
 */
#ifndef PROCESS_FATAL_SIGNAL_H
#define PROCESS_FATAL_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

#define FATAL_SIGNAL_HOOK_SECONDS	1	/* for the end of a hook */
#define FATAL_SIGNAL_DUMP_SECONDS	15	/* for the final dump */

/* The handler (SA_SIGINFO), with all signals held back but faults. */
void fatal_signal_handler(int sig, siginfo_t *info, void *context);

/* A signal has waited for the end of the hook: takes the final dump and dies of it, or waits for
 * the death that another thread's signal is. Outside the guard. */
void fatal_signal_finish(void);

/* Whether a signal is about to end the process. */
bool fatal_signal_came(void);

/* In a child after fork. The signal that a parent waits to die of is not ours. */
void fatal_signal_forked(void);

#endif
