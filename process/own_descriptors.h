/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call in a thread that has a table of descriptors of its own.
 *
 * A server that has as many descriptors open as RLIMIT_NOFILE allows cannot open the files that a dump reads
 * or writes. The program's other threads could notice if a descriptor were closed, or the limit raised, for a
 * while. So the call is made in a new thread, which gets a copy of the table of descriptors (clone(2) without
 * CLONE_FILES) and closes the descriptors in its copy. This closes none of the program's files: a descriptor
 * is only a reference, and locks on files belong to the table by which they were taken.
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
 * Calls fn(arg) in such a thread, where only the descriptors kept[0..count) are open (negative ones are
 * ignored), and waits for the thread's end. The caller has held signals back. False: no such thread can be made,
 * and fn was not called. Async-signal-safe; keeps errno.
 */
bool own_descriptors_call(void (*fn)(void *), void *arg, const int *kept, unsigned count);

/* At the start, before the other functions. */
void own_descriptors_start(void);

/*
 * Whether few descriptors are left, which the program's other threads may need: one of the highest numbers that
 * the process may have is in use, and a new descriptor always gets the lowest free number. Async-signal-safe;
 * keeps errno.
 */
bool own_descriptors_needed(void);

/*
 * From now on own_descriptors_call() is always false, because a new thread would end the process: the program is
 * about to install a filter of seccomp(2), or the process runs under valgrind, which knows no such threads.
 */
void own_descriptors_forbid(void);

#endif
