/* SPDX-License-Identifier: GPL-2.0-only */
/* See exec_target.h. */
#include "exec_target.h"

#include "base/out.h"
#include "base/probe.h"
#include "elf/lookup.h"
#include "elf/program.h"
#include "record.h"
#include "lifecycle.h"
#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES	1024	/* on stacks that may be small; longer paths are not examined */

/*
 * The notice about a program that is not traced, and the change of its environment. A static program keeps the
 * variables, because a program that it starts can be traced again. The loader of a program with more rights ignores
 * the preload by itself. With the library, any other one of these programs would print an error, or end.
 */
static const struct {
	const char *reason;		/* continues the program's name; NULL: there is no notice */
	enum inherit_policy policy;
} consequences[PROGRAM_OBSTACLES] = {
	[PROGRAM_TRACEABLE] = { NULL, INHERIT_TRACED },
	[PROGRAM_HAS_RIGHTS] = { " runs with another user's or group's rights: it is not traced (trace a copy "
				 "without the set-ID bit or file capabilities)", INHERIT_UNCHANGED },
	[PROGRAM_IS_FOREIGN] = { " is for another word size or machine: it is not traced (start it by a "
				 "heaptrace of its own)", INHERIT_WITHOUT_LIBRARY },
	[PROGRAM_IS_VALGRIND] = { NULL, INHERIT_TRACED },
	[PROGRAM_IS_STATIC] = { " is statically linked: it is not traced (link it without -static)", INHERIT_TRACED },
	[PROGRAM_IS_SANITIZED] = { " is built with a sanitizer: it is not traced (build it without)",
				   INHERIT_WITHOUT_LIBRARY },
	[PROGRAM_OTHER_LIBC] = { " uses another C library than glibc: it is not traced", INHERIT_WITHOUT_LIBRARY },
	[PROGRAM_OTHER_WORD_SIZE] = { " is for another word size or machine: it is not traced (start it by a "
				      "heaptrace of its own)", INHERIT_WITHOUT_LIBRARY },
};

/* Prints a notice about a program that is not traced, and counts the program. */
static void say(const char *file, const char *why)
{
	char line[320];
	struct out text = out_memory(line, sizeof(line));

	out_foreign(&text, file, strlen(file));
	out_text(&text, why);
	add_relaxed(&recorder.table.head->totals.untraced, 1);
	session_notice(line);
}

/* Sets t->env as t->policy asks, and says of the program in file if that is not possible. */
static void set_environment(struct exec_target *t, const char *file)
{
	enum inherit_result result;

	t->env = inherit_environment(t->given, t->policy, 0, &t->room, &result);
	if (result == INHERIT_DONE)
		return;
	t->traced = false;
	if (result == INHERIT_NO_LIBRARY)
		say(file, " cannot reach heaptrace's library from its root directory: it is not traced "
		    "(put a copy of the library there, under the same path)");
	else if (result == INHERIT_NO_WAY)
		say(file, " gets an environment without LD_PRELOAD, which cannot be put back (no memory, "
		    "or a blank or colon in the library's path): it is not traced");
}

/* Examines the program in a file, or if that is a script, its interpreter, which may be a script itself. */
static void examine(struct exec_target *t, const char *file)
{
	struct program_file p;
	char name[PROGRAM_NAME_BYTES];
	const char *runs = file;

	program_examine(&p, file);
	for (int depth = 0; p.kind == PROGRAM_SCRIPT && depth < PROGRAM_SCRIPT_DEPTH; depth++) {
		runs = strcpy(name, p.interpreter);
		program_examine(&p, runs);
	}
	t->traced = p.kind == PROGRAM_ELF && p.obstacle == PROGRAM_TRACEABLE;
	t->policy = consequences[p.obstacle].policy;
	if (consequences[p.obstacle].reason)
		say(runs, consequences[p.obstacle].reason);
	set_environment(t, file);
}

/* The directories that execvp() searches: PATH, or without it what confstr(_CS_PATH) has in glibc. */
static const char *search_path(void)
{
	for (char **e = environ; e && *e; e++) {
		if (!strncmp(*e, "PATH=", 5))
			return *e + 5;
	}
	return "/bin:/usr/bin";
}

/* Examines the first file of this name that can be executed, as execvp() searches it. */
static void examine_in_path(struct exec_target *t, const char *file)
{
	const char *dir = search_path();
	size_t name_len = strlen(file);
	char path[PATH_BYTES];

	while (dir && *file) {
		size_t len = strcspn(dir, ":");

		if (len + name_len + 2 <= sizeof(path)) {
			memcpy(path, dir, len);
			path[len] = '/';
			memcpy(path + len + 1, file, name_len + 1);
			if (!access(len ? path : file, X_OK)) {
				examine(t, len ? path : file);
				break;
			}
		}
		dir = dir[len] ? dir + len + 1 : NULL;
	}
}

/*
 * Whether all of a path and an environment can be read. If not, the kernel answers EFAULT, and the caller must get this
 * answer and no SIGSEGV, so nothing here may read them.
 */
static bool can_be_read(const char *file, char *const *env)
{
	uintptr_t sure_of_array = 1, sure = 1;

	if (!probe_text(file, &sure))
		return false;
	for (; env; env++) {
		if (!probe_bytes(env, sizeof(*env), &sure_of_array))
			return false;
		if (!*env)
			break;
		if (!probe_text(*env, &sure))
			return false;
	}
	return true;
}

void exec_target_examine(struct exec_target *t, const char *file, bool search, bool becomes, char *const *env)
{
	int saved = errno;

	t->env = t->given = env;
	t->traced = false;
	t->policy = INHERIT_UNCHANGED;
	if (!file || lookup_is_late() || !(becomes || lifecycle_follows_children()) || !can_be_read(file, env))
		return;
	if (search && !strchr(file, '/'))
		examine_in_path(t, file);
	else
		examine(t, file);
	errno = saved;
}

bool exec_target_hold_signals(struct exec_target *t, unsigned held)
{
	enum inherit_result result;
	char *const *env;
	int saved = errno;

	env = inherit_environment(t->given, t->policy, held, &t->room, &result);
	errno = saved;
	if (result == INHERIT_DONE && t->policy == INHERIT_TRACED) {
		t->env = env;
		return true;
	}
	/* The first call may have overwritten the environment in t->room. */
	t->env = inherit_environment(t->given, t->policy, 0, &t->room, &result);
	errno = saved;
	return false;
}
