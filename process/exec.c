/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions that make the process another program. They do what the real ones do; before,
 * the table is marked (keep.h), so that nobody takes it for that of a process that was killed.
 * What cannot be traced is said (started.h). execl() and its relatives come as lists of arguments and go on as arrays, as in libc.
 *
 * Async-signal-safe but for the first call of each, which looks the real function up; that is
 * done at start. In a vfork child nothing is marked: the table is its parent's.
 */
#include "exec.h"

#include "keep.h"
#include "session.h"
#include "started.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static int (*real_execve)(const char *, char *const[], char *const[]);
static int (*real_execvpe)(const char *, char *const[], char *const[]);
static int (*real_fexecve)(int, char *const[], char *const[]);

void exec_init(void)
{
	*(void **)&real_execve = dlsym(RTLD_NEXT, "execve");
	*(void **)&real_execvpe = dlsym(RTLD_NEXT, "execvpe");
	*(void **)&real_fexecve = dlsym(RTLD_NEXT, "fexecve");
}

/* file: what is about to run, or NULL where only a descriptor names it. */
static bool begin(const char *file, bool search, char *const **env)
{
	int saved = errno;
	bool own = session_own_process();

	if (!real_fexecve)
		exec_init();
	if (file && session_follows_children())
		*env = started_look(file, search, *env);
	if (own)
		keep_exec(true);
	errno = saved;
	return own;
}

static int failed(bool own, int result)
{
	if (own)
		keep_exec(false);
	return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	bool own = begin(path, false, &envp);

	return failed(own, real_execve(path, argv, envp));
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	bool own = begin(file, true, &envp);

	return failed(own, real_execvpe(file, argv, envp));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	bool own = begin(NULL, false, &envp);

	return failed(own, real_fexecve(fd, argv, envp));
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	bool own = begin(NULL, false, &envp);

	return failed(own, (int)syscall(SYS_execveat, dir, path, argv, envp, flags));
}

/* The list of arguments that begins with first, as an array; then, for execle(), the environment. */
#define LIST_HOOK(name, call, environment)						\
	EXPORT int name(const char *file, const char *first, ...)			\
	{										\
		size_t count = 1;							\
		va_list list;								\
											\
		va_start(list, first);							\
		for (const char *a = first; a; a = va_arg(list, const char *))		\
			count++;							\
		va_end(list);								\
		{									\
			char *argv[count];						\
			char *const *envp = environ;					\
											\
			va_start(list, first);						\
			argv[0] = (char *)(uintptr_t)first;				\
			for (size_t i = 1; i < count; i++)				\
				argv[i] = va_arg(list, char *);				\
			if (environment)						\
				envp = va_arg(list, char *const *);			\
			va_end(list);							\
			return call(file, argv, envp);					\
		}									\
	}
LIST_HOOK(execl, execve, false)
LIST_HOOK(execle, execve, true)
LIST_HOOK(execlp, execvpe, false)
