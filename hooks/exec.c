/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions that make the process another program. Before they call the real functions they
 *
 * - note the exec in the table (storage_note_exec()), so that nobody takes it for the table of a process that
 *   was killed. A vfork child notes nothing, as the table is its parent's;
 * - examine the new program (process/exec_target.h). If it cannot be traced, a line tells the user. Otherwise it
 *   gets an environment with the preload in it (process/inherit.h);
 * - hold back the dump signals for the new program: an exec takes our handlers away, and until the new
 *   program has handlers these signals would kill it.
 *
 * execl() and its relatives make an array of their list of arguments, as libc does.
 *
 * Async-signal-safe. The real functions are looked up at start; a call before that, which looks them up
 * itself, is not async-signal-safe.
 */
#include "exec.h"

#include "elf/lookup.h"
#include "export.h"
#include "base/out.h"
#include "base/probe.h"
#include "process/lifecycle.h"
#include "process/storage.h"
#include "process/signals.h"
#include "process/exec_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* fexecve comes last: when it has been found, all others have. */
#define REAL_FUNCTIONS(X)	X(execve) X(execvpe) X(fexecve)

static struct {
	REAL_FUNCTIONS(LOOKUP_POINTER)
} real;

void exec_init(void)
{
	lookup_next(REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(real), &real);
}

/* One call of a function that executes a program. */
struct attempt {
	bool own;			/* this process becomes the program; false in a vfork child */
	unsigned held;			/* dump signals that are blocked for the program, a bit for each */
	struct exec_target program;
};

static void begin(struct attempt *a, const char *file, bool search, char *const *env)
{
	int saved = errno;

	a->own = lifecycle_is_own_process();
	a->held = 0;
	if (!real.fexecve)
		exec_init();
	exec_target_examine(&a->program, file, search, a->own, env);
	if (a->program.traced) {
		a->held = signals_hold_dumps();
		if (a->held && !exec_target_hold_signals(&a->program, a->held)) {
			signals_release_dumps(a->held);
			a->held = 0;
		}
	}
	lifecycle_visit();
	if (a->own && lifecycle_is_own_process())
		storage_note_exec(true);
	lifecycle_leave();
	errno = saved;
}

#define DESCRIPTOR_PATH	1024	/* bytes; less than PATH_MAX, because the stack may be small */

/* Whether a path leads to the file that the descriptor stands for. */
static bool leads_to(const char *path, int fd)
{
	struct stat named, open;

	return !fstatat(AT_FDCWD, path, &named, 0) && !fstat(fd, &open) &&
	       named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

/*
 * The path of the file that execveat(dir, path) executes: `path` itself, or a text in buf. For a descriptor
 * that is the name which its link in /proc/self/fd holds, because a notice with that name says more to people
 * than one with the link. Where the name does not lead to the file (it is deleted, a memfd, or outside of this
 * process's root directory), it is the link. NULL: there is no such path, or `path` cannot be read.
 */
static const char *path_at(int dir, const char *path, char buf[DESCRIPTOR_PATH])
{
	char link[sizeof("/proc/self/fd/") + 10];
	struct out link_text = out_memory(link, sizeof(link)), text = out_memory(buf, DESCRIPTOR_PATH);
	int saved = errno;
	uintptr_t sure = 1;
	ssize_t n;

	if (path && !probe_text(path, &sure))
		return NULL;
	if (path && (*path == '/' || (*path && dir == AT_FDCWD)))
		return path;
	if (dir < 0)
		return NULL;
	out_text(&link_text, "/proc/self/fd/");
	out_u64(&link_text, (unsigned)dir);
	n = readlink(link, buf, DESCRIPTOR_PATH - 1);
	buf[n > 0 ? n : 0] = '\0';
	if (n > 0 && leads_to(buf, dir))
		text.len = (size_t)n;
	else
		out_text(&text, link);
	if (path && *path) {
		out_char(&text, '/');
		out_text(&text, path);
	}
	errno = saved;
	return text.lost ? NULL : buf;
}

static int failed(const struct attempt *a, int result)
{
	int saved = errno;

	lifecycle_visit();
	if (a->own && lifecycle_is_own_process())
		storage_note_exec(false);
	lifecycle_leave();
	if (a->held)
		signals_release_dumps(a->held);
	errno = saved;
	return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	struct attempt a;

	begin(&a, path, false, envp);
	return failed(&a, real.execve(path, argv, a.program.env));
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct attempt a;

	begin(&a, file, true, envp);
	return failed(&a, real.execvpe(file, argv, a.program.env));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	char path[DESCRIPTOR_PATH];
	struct attempt a;

	/* Without an environment libc refuses the call, so the program is not examined. */
	begin(&a, envp ? path_at(fd, "", path) : NULL, false, envp);
	return failed(&a, real.fexecve(fd, argv, a.program.env));
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	char buf[DESCRIPTOR_PATH];
	struct attempt a;

	begin(&a, path_at(dir, path, buf), false, envp);
	return failed(&a, (int)syscall(SYS_execveat, dir, path, argv, a.program.env, flags));
}

/* Makes an array of the arguments that begin with first. For execle() the environment follows them. */
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
