/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this process hands on to the programs that it starts: the preload and the options, which
 * travel in two variables of the environment.
 *
 * A program may start another one with an environment of its own making, in which LD_PRELOAD or
 * HEAPTRACE_OPTIONS is missing or has been replaced (`env -i`, clearenv(), a job scheduler). They
 * are put back there, in an array that is new: the caller's array and its strings stay as they
 * are. The option `added` tells the new program's copy of this library which of the two were put
 * back, and that copy takes them out of `environ` again before the program's own code runs. So the
 * new program finds the environment that it was given, and what that program starts is traced all
 * the same, since all exec and spawn functions come through here.
 *
 * Async-signal-safe, and safe in a vfork child, but for inherit_init().
 */
#ifndef PROCESS_INHERIT_H
#define PROCESS_INHERIT_H

#include "options/options.h"

#include <stdbool.h>
#include <stddef.h>

/* Bits of options.added: what was put into an environment that had it not. */
enum inherit_added {
	INHERIT_PRELOAD = 1,		/* the variable LD_PRELOAD */
	INHERIT_PRELOAD_FRONT = 2,	/* this library, in front of an LD_PRELOAD that was there */
	INHERIT_OPTIONS = 4,		/* the variable HEAPTRACE_OPTIONS */
};

enum inherit_wish {
	INHERIT_AS_IS,		/* the environment is not changed */
	INHERIT_KEEP,		/* the new program is to be traced */
	INHERIT_DROP,		/* the program would not run with this library: LD_PRELOAD loses it */
};

/* Room for a new environment, on the caller's stack: what a vfork child maps would stay its
 * parent's. An environment that does not fit has a mapping that its thread keeps. */
struct inherit_room {
	void *words[512];
};

/*
 * At start, in the constructor: remembers what is to be handed on, with names that are right in
 * other directories, too, and takes out of `environ` what options->added says. text: the value of
 * HEAPTRACE_OPTIONS in this process's environment, or NULL; what it says to this process alone is
 * cleared there. Where nobody has said which process began the run (there was no wrapper), this
 * process does: it adds the variable to `environ`, and the new value is returned, to be read
 * again; else NULL.
 */
const char *inherit_init(struct options *options, char *text);

enum inherit_result {
	INHERIT_DONE,		/* it is as wished */
	INHERIT_NO_LIBRARY,	/* the library's file cannot be reached from here (chroot): dropped */
	INHERIT_NO_WAY,		/* no memory, or no path that can stand in LD_PRELOAD */
	INHERIT_NOT_OURS,	/* this process was not preloaded but linked with the library, or opened it */
};

/*
 * The environment for a program that is about to be started from env (NULL: an empty one). held:
 * the dump signals that are held back for it (options.held), which it is told. *result says
 * whether the wish was fulfilled; what was not possible leaves the environment as it is. Returns
 * env itself where nothing is to be changed. The answer refers to env's strings and to room.
 */
char *const *inherit_environment(char *const *env, enum inherit_wish wish, unsigned held,
				 struct inherit_room *room, enum inherit_result *result);

/* Whether a program that is started with env would not be traced, though it is to be. */
bool inherit_is_lacking(char *const *env);

/* When the calling thread ends: gives back what it has mapped. */
void inherit_thread_ends(void);

#endif
