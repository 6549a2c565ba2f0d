/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call with a table of descriptors of its own.
 *
 * A server that has as many descriptors open as RLIMIT_NOFILE lets it have cannot open the files that
 * a dump is to read or to write. To close one of the program's, or to raise its limit for a while, could
 * be noticed by its other threads. So the call is made in a thread that the kernel gives a copy of the
 * table (clone(2) without CLONE_FILES). That thread closes its copies, which closes nothing of the
 * program's: a descriptor is only the end of a reference, and locks belong to the table that took them.
 *
 *	the program's thread		waits ....................................... goes on
 *	the other thread		closes its copies, makes the call, ends
 *
 * The other thread has the caller's thread-local variables, errno among them, and a stack of its own.
 */
#ifndef PROCESS_OWN_DESCRIPTORS_H
#define PROCESS_OWN_DESCRIPTORS_H

#include <stdbool.h>

/*
 * Calls fn(arg) in such a thread, where of all descriptors only kept[0..count) are open, and waits for
 * its end. Signals have to be held back. False when there is no such thread to be had: fn was not called.
 * Async-signal-safe; keeps errno.
 */
bool own_descriptors_call(void (*fn)(void *), void *arg, const int *kept, unsigned count);

/* At the start, before anything else of this. */
void own_descriptors_start(void);

/*
 * Whether one of the highest descriptors that the process may have is open. As a new descriptor gets the
 * lowest number that is free, there are few left then, and the program's other threads may need them.
 * Async-signal-safe; keeps errno.
 */
bool own_descriptors_needed(void);

/*
 * From now on own_descriptors_call() is always false: a new thread would kill the process, because of a filter of
 * seccomp(2) that the program is about to install, or valgrind, which knows no such thread.
 */
void own_descriptors_forbid(void);

#endif
