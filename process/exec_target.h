/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Examines the program that a process is about to become or to start, and chooses the program's environment.
 * elf/program.h finds out whether the program can be traced. If it cannot, a notice says so.
 *
 * Nothing can be preloaded into a static program. The loader of a set-user-ID program ignores the
 * preload. A program of another machine, word size or C library cannot load this library. A sanitizer
 * has to be preloaded first, and ends the program if it is not, so its programs get no preload.
 *
 * Async-signal-safe, and safe in a vfork child: programs call exec between fork or vfork and the end of
 * the child. Keeps errno.
 */
#ifndef PROCESS_EXEC_TARGET_H
#define PROCESS_EXEC_TARGET_H

#include "inherit.h"

#include <stdbool.h>

struct exec_target {			/* on the caller's stack */
	char *const *env;		/* the environment to start the program with */
	bool traced;			/* as far as can be seen, the program will be traced; for a script:
					 * its interpreter will be */
	/* For this module: */
	char *const *given;		/* the environment that the caller gives the program */
	enum inherit_policy policy;
	struct inherit_room room;
};

/*
 * Examines the file that is about to be executed with env (NULL: an empty one), and sets t->env and t->traced.
 * search: a name without a slash is searched in PATH. becomes: this process itself becomes the program, which is then
 * traced even when children are not. A program that cannot be traced is named in a notice and counted in the dumps
 * that follow, in those of the parent where the caller shares its memory (vfork). If children are not traced, if this
 * process was attached to (process/attach.h), or if file or env is memory that cannot be read, which the kernel has
 * to refuse, t->env is env. env has to live as long as *t is in use.
 */
void exec_target_examine(struct exec_target *t, const char *file, bool search, bool becomes, char *const *env);

/*
 * To be called after exec_target_examine(), when the dump signals in `held` (a bit for each) are blocked for the
 * program. Sets t->env to an environment that names these signals (options.held); the library in the program unblocks
 * them when its handlers are installed. False: there is no such environment, so the caller must unblock the signals,
 * and t->env has the same contents as before. Async-signal-safe, keeps errno.
 */
bool exec_target_hold_signals(struct exec_target *t, unsigned held);

#endif
