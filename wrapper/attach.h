/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --pid and --detach: begins to trace a process that runs, and lets go of it.
 *
 *	may it be traced? (attach_refusal.h) -> a watcher's socket -> a thread at a safe point is stopped
 *	(safe_thread.h) -> it loads the library (attach_library.h) and calls heaptrace_attach() in it (ptrace_call.h)
 *	-> it goes on -> the watcher
 *
 * Until the thread goes on, signals that would end the wrapper are held back. A wrapper that is killed nevertheless
 * leaves behind a process that goes on; see ptrace_call.h.
 */
#ifndef WRAPPER_ATTACH_H
#define WRAPPER_ATTACH_H

#include "options/options.h"

/* Executes --pid or --detach, and ends the wrapper. library: the absolute path of the library. argc, argv: main()'s,
 * for the watcher. */
_Noreturn void attach_execute(struct options *o, const char *library, int argc, char **argv);

#endif
