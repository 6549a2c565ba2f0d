/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hands the preload and the options on to the programs that this process starts, in two variables of their
 * environment: LD_PRELOAD and HEAPTRACE_OPTIONS.
 *
 * A program may start another one with an environment of its own making, in which LD_PRELOAD or
 * HEAPTRACE_OPTIONS is missing or has been replaced (`env -i`, clearenv(), a job scheduler). The two are then
 * put back, in a new array: the caller's array and its strings are not changed. The option `added` tells the
 * library in the new program which of them were put back, and there the library takes them out of `environ`
 * again before the program's own code runs. So the new program finds the environment that it was given, and
 * the programs that it starts are traced all the same, since all exec and spawn functions come through here.
 *
 * All functions but inherit_init() are async-signal-safe, and safe in a vfork child. They do not keep errno.
 */
#ifndef PROCESS_INHERIT_H
#define PROCESS_INHERIT_H

#include "options/options.h"

#include <stdbool.h>
#include <stddef.h>

/* Bits of options.added: what was missing in an environment and has been put there. */
enum inherit_added {
	INHERIT_PRELOAD = 1,		/* the variable LD_PRELOAD */
	INHERIT_PRELOAD_FRONT = 2,	/* this library, in front of an LD_PRELOAD that was there */
	INHERIT_OPTIONS = 4,		/* the variable HEAPTRACE_OPTIONS */
};

/* What becomes of the preload in the environment of a program that is started. */
enum inherit_policy {
	INHERIT_UNCHANGED,		/* the environment is not changed */
	INHERIT_TRACED,			/* both variables are there, so that the program is traced */
	INHERIT_WITHOUT_LIBRARY,	/* the program would not run with this library: LD_PRELOAD loses it */
};

/* Room for a new environment, on the caller's stack: a mapping that a vfork child makes would stay in its parent.
 * An environment that does not fit gets a mapping, which the thread keeps and uses again. */
struct inherit_room {
	void *words[512];
};

/*
 * At start, in the constructor: remembers the variables to hand on, with absolute names of files, and takes out
 * of `environ` what options->added says. text: the value of HEAPTRACE_OPTIONS in this process's environment, or
 * NULL; the options in it that are for this process alone are cleared. Without a wrapper no option says which
 * process began the run. Then this one did: the variable is added to `environ`, and its new value is returned,
 * so that the caller parses it again. Otherwise NULL is returned.
 */
const char *inherit_init(struct options *options, char *text);

enum inherit_result {
	INHERIT_DONE,		/* the environment is as the policy asks */
	INHERIT_NO_LIBRARY,	/* the library's file cannot be reached (chroot): LD_PRELOAD has lost it instead */
	INHERIT_NO_WAY,		/* no memory, or the library has no path that can stand in LD_PRELOAD */
	INHERIT_NOT_OURS,	/* the library was not preloaded: the program was linked with it, or opened it */
};

/*
 * Returns the environment for a program that the caller is about to start with env (NULL: an empty one): env
 * itself, where nothing has to be changed, or an array in room, which also refers to env's strings. held: the dump
 * signals that are held back for the program, a bit for each (options.held), which HEAPTRACE_OPTIONS then says.
 * With a *result other than INHERIT_DONE and INHERIT_NO_LIBRARY, env is returned. The answer is valid until the
 * thread's next call, or until room or env ends.
 */
char *const *inherit_environment(char *const *env, enum inherit_policy policy, unsigned held,
				 struct inherit_room *room, enum inherit_result *result);

/* Whether one of the two variables is missing in env (NULL: an empty one), so that a program that libc starts with env
 * is not traced. */
bool inherit_is_incomplete(char *const *env);

/* When the calling thread ends: unmaps the memory that inherit_environment() keeps for the thread. */
void inherit_thread_ends(void);

#endif
