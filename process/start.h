/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The start of tracing, in two parts, because a program can allocate long before libc is ready for
 * everything: the loader and the constructors of other libraries do.
 *
 *	start_recording()	at the first allocation: the options, the table, the block map
 *	start_reporting()	in this library's constructor: the unwinder, the modules, what children
 *				inherit, the output
 *
 * All functions are for the only thread that the process has then, unless they say otherwise.
 */
#ifndef PROCESS_START_H
#define PROCESS_START_H

#include "attach.h"
#include "options/options.h"

#include <stdbool.h>

/*
 * Begins to record, if this process is to be traced; or makes a child that no fork handler saw a process
 * of its own. Outside the guard or inside it, async-signal-safe. False: nothing is recorded.
 */
bool start_recording(void);

/* Inside the guard, when start_recording() was true, once. Returns the options, which stay. */
const struct options *start_reporting(void);

/* Where start_recording() was false: lets signals through that the wrapper held back, and says that nothing is traced,
 * unless --children=no asks for that. */
void start_untraced(void);

/*
 * As start_recording() and start_reporting(), for a process that sleeps (lifecycle.h): with these options, in the form
 * of HEAPTRACE_OPTIONS, and an empty table. *kept gets the options, which stay. Inside the guard; other threads may
 * run. On success lifecycle_wake() has to follow.
 */
enum attach_result start_attached(const char *text, const struct options **kept);

/* Takes back what start_attached() has done, when the process sleeps again. outside: whether no other thread is inside
 * the guard. Otherwise the table stays until the next start_attached(). */
void start_detached(bool outside);

/* After lifecycle_start(): warns when the program or a library before this one has a malloc of its own, so that the
 * program's calls do not reach own_malloc, which is this library's. why: why its functions cannot be hooked, or NULL;
 * function: which of them, or "". */
void start_warn_of_other_malloc(const void *own_malloc, const char *function, const char *why);

/* Whether the process runs under valgrind. */
bool start_is_under_valgrind(void);

/* After lifecycle_start(): warns that valgrind's allocator takes the program's calls. */
void start_warn_of_redirection(void);

#endif
