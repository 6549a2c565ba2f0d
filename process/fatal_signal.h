/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A signal whose default action ends the process. First the final dump is taken, then the process ends as the
 * signal has it end, with the same status and the same core.
 *
 *	signal -> inside a hook? wait for its end -> final dump -> default action -> same signal
 *
 * The signal is sent again to the same thread while it is held back. The return from the handler lets this
 * signal through, and no other: it arrives where it arrived first, before another instruction of the
 * program is executed. So a core shows the program as it was; a fault's signal also has its address again.
 *
 * A dump inside a hook could miss the block that the hook is about to record, and could not ask the
 * allocator for its figures, as the thread may hold the allocator's locks. So the signal waits for the end of
 * the hook, but not for ever: a program that hangs in malloc must die of SIGTERM as it does without
 * heaptrace. A fault and abort() cannot wait.
 *
 * The dump cannot keep the process from ending: when a fault happens in the dump, or when
 * FATAL_SIGNAL_DUMP_SECONDS have passed, the process ends by its first signal without the dump.
 */
#ifndef PROCESS_FATAL_SIGNAL_H
#define PROCESS_FATAL_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

#define FATAL_SIGNAL_HOOK_SECONDS	1	/* how long the end of a hook is waited for */
#define FATAL_SIGNAL_DUMP_SECONDS	15	/* how long the final dump may take */

/* The handler (SA_SIGINFO), with all signals held back but faults. */
void fatal_signal_handler(int sig, siginfo_t *info, void *context);

/* At the end of the hook, outside the guard, after a signal that waited for it: takes the final dump and ends the
 * process by the signal, or waits until another thread's signal, which came first, ends it. */
void fatal_signal_finish(void);

/* Whether a signal is about to end the process. */
bool fatal_signal_came(void);

/* During the final dump: the signal that ends the process, or 0 if none does. */
int fatal_signal_number(void);

/* In a child after fork: a signal that is about to end the parent does not end the child. */
void fatal_signal_forked(void);

#endif
