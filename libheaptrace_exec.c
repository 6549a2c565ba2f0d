/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other interposed functions of the preload library: what starts programs, and what takes
 * rights away. They allocate nothing and are in nobody's way; the real ones are looked up at
 * start, because between fork and exec nobody may ask the loader.
 */
#include "base/atomics.h"
#include "process/session.h"
#include "process/started.h"

#include <dlfcn.h>
#include <spawn.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define REAL_FUNCTIONS(X)							\
	X(chroot) X(setuid) X(seteuid) X(setreuid) X(setresuid) X(execve) X(execv)	\
	X(execvp) X(execvpe) X(posix_spawn) X(posix_spawnp)

static struct {
#define DECLARE(name) __typeof__(name) *name;
	REAL_FUNCTIONS(DECLARE)
} real;

__attribute__((constructor)) static void find_real(void)
{
#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name);
	REAL_FUNCTIONS(FIND)
}

/* ---- What takes rights or places away: the outfile is opened before ---- */

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

/* ---- What starts programs: some cannot be traced ---- */

#define EXEC_HOOK(name, search, passed, parameters, arguments, arguments_with)	\
	EXPORT int name parameters						\
	{									\
		char *const *use = passed;					\
										\
		if (unlikely(!real.name))					\
			find_real();						\
		if (session_follows_children())					\
			use = started_look(file, search, passed);		\
		if (use != passed)						\
			return real.arguments_with;				\
		return real.name arguments;					\
	}
EXEC_HOOK(execve, false, env, (const char *file, char *const argv[], char *const env[]),
	  (file, argv, env), execve(file, argv, (char **)use))
EXEC_HOOK(execv, false, environ, (const char *file, char *const argv[]),
	  (file, argv), execve(file, argv, (char **)use))
EXEC_HOOK(execvp, true, environ, (const char *file, char *const argv[]),
	  (file, argv), execvpe(file, argv, (char **)use))
EXEC_HOOK(execvpe, true, env, (const char *file, char *const argv[], char *const env[]),
	  (file, argv, env), execvpe(file, argv, (char **)use))
#define SPAWN_HOOK(name, search)								\
	EXEC_HOOK(name, search, env, (pid_t *pid, const char *file,				\
		  const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,	\
		  char *const argv[], char *const env[]), (pid, file, actions, attributes, argv, env),	\
		  name(pid, file, actions, attributes, argv, (char **)use))
SPAWN_HOOK(posix_spawn, false)
SPAWN_HOOK(posix_spawnp, true)
