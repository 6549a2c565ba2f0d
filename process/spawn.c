/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other interposed functions of the preload library: posix_spawn(), and what takes rights away
 * (exec: process/exec.c). They allocate nothing and are in nobody's way; the real ones are looked up at
 * start, because between fork and exec nobody may ask the loader.
 */
#include "base/atomics.h"
#include "session.h"
#include "started.h"

#include <dlfcn.h>
#include <spawn.h>
#include <stdint.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

#define REAL_FUNCTIONS(X)							\
	X(chroot) X(setuid) X(seteuid) X(setreuid) X(setresuid)	\
	X(posix_spawn) X(posix_spawnp)

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

#define SPAWN_HOOK(name, search)								\
	EXPORT int name(pid_t *pid, const char *file,						\
			const posix_spawn_file_actions_t *actions,				\
			const posix_spawnattr_t *attributes, char *const argv[], char *const env[])	\
	{											\
		char *const *use = env;								\
												\
		if (unlikely(!real.name))							\
			find_real();								\
		if (session_follows_children())							\
			use = started_look(file, search, env);					\
		return real.name(pid, file, actions, attributes, argv, (char **)(uintptr_t)use);	\
	}
SPAWN_HOOK(posix_spawn, false)
SPAWN_HOOK(posix_spawnp, true)
