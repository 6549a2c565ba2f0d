/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process is about to become or to start, and whether that can be traced: into a static
 * program nothing is preloaded, a set-user-ID program's loader preloads nothing of ours, and a
 * program of another machine, word size or C library cannot load this library. What is built with
 * a sanitizer wants to be preloaded first, and ends if it is not: it is left alone.
 *
 * Async-signal-safe, and safe in a vfork child: exec is called between fork and exec, or vfork and
 * exec. Keeps errno.
 */
#ifndef PROCESS_EXEC_TARGET_H
#define PROCESS_EXEC_TARGET_H

#include "inherit.h"

#include <stdbool.h>

struct exec_target {			/* on the caller's stack */
	char *const *env;		/* the environment to start the program with */
	bool traced;			/* it will be traced, as far as can be seen, or it is a script
					 * that such a program reads */
	char *const *given;		/* the environment that the caller wants it to have */
	const char *file;
	enum inherit_wish wish;
	struct inherit_room room;
};

/*
 * Looks at the file that is about to be executed with env (NULL: an empty one). search: as in PATH,
 * when there is no slash. becomes: this process itself becomes the program, so that is traced even
 * when children are not. What cannot be traced is said on our output, and in the dumps that follow:
 * the parent's where the caller shares its memory (vfork). Sets t->env and t->traced. Where the
 * program is not to be traced, or file or env cannot be read, which is the kernel's to refuse, nothing
 * is done, and t->env is env.
 */
void exec_target_examine(struct exec_target *t, const char *file, bool search, bool becomes, char *const *env);

/*
 * After that: the program is started with dump signals held back for it (options.held), and t->env
 * tells it so; it lets them through when its handlers stand. False: it cannot be told, so they must
 * not be held, and t->env is what it was.
 */
bool exec_target_hold_signals(struct exec_target *t, unsigned held);

#endif
