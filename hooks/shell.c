/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions by which libc itself starts a shell. Inside libc they reach neither our exec nor our spawn
 * functions, and the shell gets `environ`. Nearly always `environ` has the preload in it (inherit.h), and
 * libc's own functions are called. Where the preload is missing, the shell and all that it starts would not
 * be traced, so then:
 *
 * - system() does here what glibc's does (sysdeps/posix/system.c), with our posix_spawn().
 * - popen() makes a stream that only libc's pclose() knows, so libc's popen() has to be called. `environ`
 *   is another array while it runs. Other threads may read `environ` meanwhile, which is why such an array
 *   is never given back; they may not change it (POSIX, setenv()).
 * - wordexp() may start several shells and run for long. It is called as it is, and a notice says
 *   that its shells are not traced.
 *
 * The three are not async-signal-safe, neither here nor in libc.
 */
#include "shell.h"

#include "base/arena.h"
#include "base/atomics.h"
#include "elf/lookup.h"
#include "export.h"
#include "process/inherit.h"
#include "process/record.h"
#include "process/lifecycle.h"
#include "process/session.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <paths.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#define REAL_FUNCTIONS(X)	X(system) X(popen) X(wordexp)

static struct {
	REAL_FUNCTIONS(LOOKUP_POINTER)
} real;

void shell_init(void)
{
	lookup_next(REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(real), &real);
}

static bool lacks_preload(void)
{
	if (unlikely(!real.wordexp))
		shell_init();
	return lifecycle_follows_children() && inherit_is_incomplete(environ);
}

/* A lock, held for some instructions by system(), and by popen() until it returns. A thread that waits for
 * the lock holds no other, and in a child after fork the lock is free. */
static uint32_t busy;

static void lock(void)
{
	uint32_t nobody = 0;

	while (!cas_acq_rel(&busy, &nobody, 1)) {
		nobody = 0;
		sched_yield();
	}
}

static void unlock(void)
{
	store_release(&busy, 0);
}

/* ---- system() ---- */

/* While any thread is in system(), the process ignores the terminal's SIGINT and SIGQUIT. */
static unsigned waiting;
static struct sigaction interrupt_before, quit_before;

struct shell {
	pid_t pid;
	sigset_t mask;		/* the thread's own */
};

static void begin_waiting(struct shell *s, sigset_t *reset)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t block;

	lock();
	if (!waiting++) {
		sigaction(SIGINT, &ignore, &interrupt_before);
		sigaction(SIGQUIT, &ignore, &quit_before);
	}
	sigemptyset(reset);
	if (interrupt_before.sa_handler != SIG_IGN)
		sigaddset(reset, SIGINT);
	if (quit_before.sa_handler != SIG_IGN)
		sigaddset(reset, SIGQUIT);
	unlock();
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &s->mask);
}

static void end_waiting(const struct shell *s)
{
	lock();
	if (!--waiting) {
		sigaction(SIGINT, &interrupt_before, NULL);
		sigaction(SIGQUIT, &quit_before, NULL);
	}
	unlock();
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* The waiting thread is cancelled: the shell is ended, as glibc does. */
static void cancelled(void *shell)
{
	struct shell *s = shell;
	int status;

	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	end_waiting(s);
}

/* Whether libc ends the shell's options with "--": glibc does since 2.38. */
static bool ends_options(void)
{
	const char *version = gnu_get_libc_version();

	return atoi(version) > 2 || (!strncmp(version, "2.", 2) && atoi(version + 2) >= 38);
}

static int run_shell(const char *command)
{
	char *line = (char *)(uintptr_t)command;
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c", line, NULL, NULL };
	posix_spawnattr_t attributes;
	int status = -1, error;
	sigset_t reset;
	struct shell s;

	if (ends_options()) {
		argv[2] = (char *)(uintptr_t)"--";
		argv[3] = line;
	}
	begin_waiting(&s, &reset);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &s.mask);
	posix_spawnattr_setsigdefault(&attributes, &reset);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(&s.pid, _PATH_BSHELL, NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (!error) {
		siginfo_t ended_how;
		pid_t ended;

		pthread_cleanup_push(cancelled, &s);
		/* Our waitpid() (base/kernel.h) is no cancellation point, as system() is: libc's waitid() is one. */
		while (waitid(P_PID, (id_t)s.pid, &ended_how, WEXITED | WNOWAIT) < 0 && errno == EINTR)
			;
		pthread_cleanup_pop(0);
		while ((ended = waitpid(s.pid, &status, 0)) < 0 && errno == EINTR)
			;
		if (ended != s.pid)
			status = -1;
	} else {
		status = W_EXITCODE(127, 0);	/* as if the shell could not execute the command */
	}
	end_waiting(&s);
	if (error)
		errno = error;
	return status;
}

EXPORT int system(const char *command)
{
	return lacks_preload() && command ? run_shell(command) : real.system(command);
}

/* ---- popen() ---- */

#define ARRAYS_MAX	64	/* arrays that may be left behind; after that popen() leaves `environ` as it is */

static char **program_environ, **our_environ;	/* while popen() runs; else NULL */
static struct {
	char **array;		/* the newest one, with its strings */
	size_t bytes;
	unsigned count;		/* how many are left behind, the newest one included */
} made;

/* A lasting copy of an environment. The newest copy is used again if it has the same contents. */
static char **lasting(char *const *env)
{
	size_t count = 0, bytes, texts = 0;
	char **array, *text;
	bool same = made.array;

	for (; env[count]; count++)
		texts += strlen(env[count]) + 1;
	for (size_t i = 0; same && i <= count; i++)
		same = env[i] && made.array[i] ? !strcmp(env[i], made.array[i]) : env[i] == made.array[i];
	if (same)
		return made.array;
	bytes = (count + 1) * sizeof(*array) + texts;
	if (process_has_one_thread() && made.array)
		arena_unmap(made.array, made.bytes);
	else if (made.count == ARRAYS_MAX)
		return NULL;
	else
		made.count++;
	made.array = array = arena_map(bytes);
	made.bytes = bytes;
	if (!array)
		return NULL;
	text = (char *)(array + count + 1);
	for (size_t i = 0; i < count; i++) {
		array[i] = text;
		text = stpcpy(text, env[i]) + 1;
	}
	return array;
}

static void begin_environment(void)
{
	struct inherit_room room;
	enum inherit_result result;
	char *const *env;

	lock();
	env = inherit_environment(environ, INHERIT_TRACED, 0, &room, &result);
	program_environ = environ;
	our_environ = result == INHERIT_DONE ? lasting(env) : NULL;
	if (our_environ)
		environ = our_environ;
	else
		session_notice("popen() starts a shell without LD_PRELOAD in its environment: "
			       "this shell is not traced");
}

static void end_environment(void)
{
	if (our_environ && environ == our_environ)
		environ = program_environ;
	our_environ = NULL;
	unlock();
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	bool lacking = lacks_preload();
	FILE *stream;
	int saved;

	if (lacking)
		begin_environment();
	stream = real.popen(command, mode);
	saved = errno;
	if (lacking)
		end_environment();
	errno = saved;
	return stream;
}

/* ---- wordexp() ---- */

/* Whether a command stands in words, as in `date` and $(date), but not in the sum $((1 + 2)). */
static bool has_command(const char *words)
{
	for (const char *c = words; *c; c++) {
		if (*c == '`' || (c[0] == '$' && c[1] == '(' && c[2] != '('))
			return true;
	}
	return false;
}

EXPORT int wordexp(const char *words, wordexp_t *expanded, int flags)
{
	if (lacks_preload() && !(flags & WRDE_NOCMD) && has_command(words)) {
		add_relaxed(&recorder.table.head->totals.untraced, 1);
		session_notice("wordexp() starts a shell without LD_PRELOAD in its environment: this "
			       "shell is not traced (leave LD_PRELOAD in the environment)");
	}
	return real.wordexp(words, expanded, flags);
}

void shell_forked(void)
{
	if (our_environ && environ == our_environ)
		environ = program_environ;
	our_environ = NULL;
	waiting = 0;
	busy = 0;
}
