/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions that make the process another program. They do what the real ones do; before,
 * the table is marked (keep.h), so that nobody takes it for that of a process that was killed.
 * What cannot be traced is said (started.h). For what can be, the dump signals are held back: an
 * exec takes our handlers away, and until there are new ones they would kill. execl() and its
 * relatives come as lists of arguments and go on as arrays, as in libc.
 *
 * Async-signal-safe but for the first call of each, which looks the real function up; that is
 * done at start. In a vfork child nothing is marked: the table is its parent's.
 */
#include "exec.h"

#include "keep.h"
#include "session.h"
#include "signals.h"
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

struct attempt {
	bool own;
	unsigned held;
	char *const *env;
	struct started_hold hold;
};

/* file: what is about to run, or NULL where only a descriptor names it. */
static void begin(struct attempt *a, const char *file, bool search, char *const *env)
{
	int saved = errno;
	bool traced = false;

	a->own = session_own_process();
	a->held = 0;
	a->env = env;
	if (!real_fexecve)
		exec_init();
	if (file && session_follows_children())
		a->env = started_look(file, search, env, &traced);
	if (traced) {
		a->held = signals_hold_dumps();
		env = a->held ? started_hold(a->env, a->held, &a->hold) : NULL;
		if (env) {
			a->env = env;
		} else {
			signals_let(a->held);
			a->held = 0;
		}
	}
	if (a->own)
		keep_exec(true);
	errno = saved;
}

static int failed(const struct attempt *a, int result)
{
	int saved = errno;

	if (a->own)
		keep_exec(false);
	if (a->held)
		signals_let(a->held);
	errno = saved;
	return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	struct attempt a;

	begin(&a, path, false, envp);
	return failed(&a, real_execve(path, argv, a.env));
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct attempt a;

	begin(&a, file, true, envp);
	return failed(&a, real_execvpe(file, argv, a.env));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	struct attempt a;

	begin(&a, NULL, false, envp);
	return failed(&a, real_fexecve(fd, argv, envp));
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct attempt a;

	begin(&a, NULL, false, envp);
	return failed(&a, (int)syscall(SYS_execveat, dir, path, argv, envp, flags));
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
