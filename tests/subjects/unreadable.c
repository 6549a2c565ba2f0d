/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls functions of libc with addresses of which natively only the kernel reads anything: memory that
 * is not mapped, texts without an end before it, and texts and arrays that end just there. Prints what each call
 * returned. As "unreadable child" it prints how many variables it has besides those of heaptrace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static char self[4096];
static char *arguments[] = { self, (char *)"child", NULL };
static char *usual[] = { (char *)"A=1", NULL };

static void print(const char *call, const char *what, int result, int error)
{
	printf("%s, %s: %d, %s\n", call, what, result, result ? strerror(error) : "");
	fflush(stdout);
}

enum form { EXECVE, EXECV, EXECLE, EXECVPE, EXECVEAT, FEXECVE, FORMS };

static const char *const names[FORMS] = { "execve", "execv", "execle", "execvpe", "execveat", "fexecve" };

static int start(enum form form, const char *path, char *const *env)
{
	switch (form) {
	case EXECVE:
		return execve(path, arguments, env);
	case EXECV:
		environ = (char **)(uintptr_t)env;
		return execv(path, arguments);
	case EXECLE:
		return execle(path, self, "child", (char *)NULL, env);
	case EXECVPE:
		return execvpe(path, arguments, env);
	case EXECVEAT:
		return execveat(AT_FDCWD, path, arguments, env, 0);
	default:
		return fexecve(open(self, O_RDONLY), arguments, env);
	}
}

static void try_exec(const char *what, const char *path, char *const *env)
{
	for (enum form form = 0; form < FORMS; form++) {
		/* libc itself looks for a slash in this path, and does not get this one. */
		if ((form == EXECVPE || form == FEXECVE) && path != self)
			continue;
		pid_t pid = fork();
		int status = -1;

		if (!pid) {
			int result = start(form, path, env);

			print(names[form], what, result, errno);
			_exit(9);
		}
		waitpid(pid, &status, 0);
		printf("%s, %s: status %x\n", names[form], what, (unsigned)status);
		fflush(stdout);
	}
}

static void try_spawn(const char *what, const char *path, char *const *env)
{
	int status = -1, result;
	pid_t pid = -1;

	result = posix_spawn(&pid, path, NULL, NULL, arguments, env);
	if (!result)
		waitpid(pid, &status, 0);
	print("posix_spawn", what, result, result);
	printf("posix_spawn, %s: status %x\n", what, (unsigned)status);
	fflush(stdout);
}

static void try_wait(const char *what, const sigset_t *set)
{
	struct timespec none = { 0, 0 };
	int sig, result;

	result = sigtimedwait(set, NULL, &none);
	print("sigtimedwait", what, result, errno);
	result = signalfd(-1, set, 0);
	print("signalfd", what, result < 0 ? -1 : 0, errno);
	if (set == (sigset_t *)(uintptr_t)8) {
		result = sigwaitinfo(set, NULL);
		print("sigwaitinfo", what, result, errno);
		result = sigwait(set, &sig);
		print("sigwait", what, result, result);
	}
}

int main(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = memory + page, **array = (char **)(void *)end;
	char *nowhere = (char *)(uintptr_t)8;
	unsigned count = 0;

	if (argc > 1) {
		for (char **e = environ; e && *e; e++)
			count += strncmp(*e, "LD_PRELOAD=", 11) && strncmp(*e, "HEAPTRACE_OPTIONS=", 18);
		printf("child: %u variables\n", count);
		return 7;
	}
	if (memory == MAP_FAILED || munmap(end, page) || realpath(argv[0], self) != self)
		return 99;

	for (unsigned i = 0; i < 2; i++) {
		void (*try)(const char *, const char *, char *const *) = i ? try_exec : try_spawn;
		char *strings[] = { (char *)"A=1", nowhere, NULL };

		try("usual", self, usual);
		try("no path", nowhere, usual);
		try("no environment", self, (char **)(void *)nowhere);
		try("no variable", self, strings);
		memset(memory, 'x', page);
		try("a path without end", end - 5, usual);
		strings[1] = end - 7;
		try("a variable without end", self, strings);
		end[-1] = '\0';
		try("a variable to the end", self, strings);
		array[-1] = array[-2] = usual[0];
		try("an array without end", self, array - 2);
		array[-1] = NULL;
		try("an array to the end", self, array - 2);
	}

	memset(memory, 0, page);
	try_wait("nowhere", (sigset_t *)(void *)nowhere);
	try_wait("NULL", NULL);
	try_wait("at the end", (sigset_t *)(void *)(end - 8));
	try_wait("beyond the end", (sigset_t *)(void *)(end - 4));
	return 0;
}
