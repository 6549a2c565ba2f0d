/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * posix_spawn() and the functions that take rights from the process, in front of libc's. They allocate
 * nothing. The real functions are looked up at start, because between fork and exec no lock of the loader's
 * may be taken.
 */
#include "base/atomics.h"
#include "elf/lookup.h"
#include "export.h"
#include "process/session.h"
#include "process/signals.h"
#include "process/exec_target.h"

#include <spawn.h>
#include <stdint.h>
#include <unistd.h>

#define REAL_FUNCTIONS(X)							\
	X(chroot) X(setuid) X(seteuid) X(setreuid) X(setresuid)	\
	X(posix_spawn) X(posix_spawnp)

static struct {
	REAL_FUNCTIONS(LOOKUP_POINTER)
} real;

__attribute__((constructor(LOOKUPS))) static void find_real(void)
{
	lookup_next(REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(real), &real);
}

/* ---- Functions that take rights or directories away: the outfile is opened before ---- */

#define RIGHTS_HOOK(name, parameters, arguments)	\
	EXPORT int name parameters			\
	{						\
		if (unlikely(!real.name))		\
			find_real();			\
		session_keep_output();			\
		return real.name arguments;		\
	}
RIGHTS_HOOK(chroot, (const char *path), (path))
RIGHTS_HOOK(setuid, (uid_t user), (user))
RIGHTS_HOOK(seteuid, (uid_t user), (user))
RIGHTS_HOOK(setreuid, (uid_t user, uid_t effective), (user, effective))
RIGHTS_HOOK(setresuid, (uid_t user, uid_t effective, uid_t saved), (user, effective, saved))

/* ---- Functions that start programs, which are examined as in exec.c ---- */

struct spawn {
	posix_spawnattr_t attributes;
	struct exec_target program;
};

/* Blocks the dump signals in the new process alone, by the signal mask that it starts with. False: they are not
 * blocked. */
static bool hold_back(struct spawn *s, const posix_spawnattr_t *given)
{
	short flags = 0;
	sigset_t mask;
	unsigned held;

	if (given)
		s->attributes = *given;
	else if (posix_spawnattr_init(&s->attributes))
		return false;
	posix_spawnattr_getflags(&s->attributes, &flags);
	if (flags & POSIX_SPAWN_SETSIGMASK)
		posix_spawnattr_getsigmask(&s->attributes, &mask);
	else
		sigprocmask(SIG_BLOCK, NULL, &mask);
	held = signals_add_dumps(&mask);
	if (!held || !exec_target_hold_signals(&s->program, held))
		return false;
	return !posix_spawnattr_setflags(&s->attributes, flags | POSIX_SPAWN_SETSIGMASK) &&
	       !posix_spawnattr_setsigmask(&s->attributes, &mask);
}

#define SPAWN_HOOK(name, search)								\
	EXPORT int name(pid_t *pid, const char *file,						\
			const posix_spawn_file_actions_t *actions,				\
			const posix_spawnattr_t *attributes, char *const argv[], char *const env[])	\
	{											\
		struct spawn own;								\
												\
		if (unlikely(!real.name))							\
			find_real();								\
		exec_target_examine(&own.program, file, search, false, env);					\
		if (own.program.traced && hold_back(&own, attributes))				\
			attributes = &own.attributes;						\
		return real.name(pid, file, actions, attributes, argv,				\
				 (char **)(uintptr_t)own.program.env);				\
	}
SPAWN_HOOK(posix_spawn, false)
SPAWN_HOOK(posix_spawnp, true)
