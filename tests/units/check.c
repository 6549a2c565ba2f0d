/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks of `make CHECK=1` (base/check.h) can fail: each case below breaks an invariant on purpose, in a
 * process of its own, which has to print the sentence and to die by SIGABRT.
 *
 * Built with -DHEAPTRACE_CHECK, as the sources that are linked to this program are.
 */
#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned tests;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
	fflush(stdout);
}

/* Runs `break_it` in a child. want: what the child has to print in its one line, or NULL: it ends well. */
static void expect(void (*break_it)(void), const char *want, const char *name)
{
	char text[1024];
	size_t used = 0;
	ssize_t n;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe(ends))
		exit(1);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		break_it();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(ends[0]);
	text[used] = '\0';
	waitpid(pid, &status, 0);
	if (want ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, want) &&
		   strchr(text, '\n') == text + used - 1 :
		   !status && !used) {
		ok(true, name);
		return;
	}
	ok(false, name);
	printf("# status %d, printed: %s\n", status, text);
}

static void plain_fails(void)
{
	check(tests > 1000, "there are many tests");
}

static void numbers_fail(void)
{
	check_at_most((int64_t)7, (int64_t)-5, "seven is small");
}

static void ignored_signal_fails(void)
{
	signal(SIGABRT, SIG_IGN);
	check_equal(1u, 2u, "one is two");
}

static void all_holds(void)
{
	check(true, "");
	check_equal(3, 3, "");
	check_below(-1, 1, "");
	check_costly(check_at_most(1, 1, ""));
}

int main(void)
{
	expect(plain_fails, "[heaptrace] check failed: tests/units/check.c:", "a check that fails says where");
	expect(plain_fails, ": there are many tests\n", "...and what should be true");
	expect(numbers_fail, ": seven is small (7, -5)\n", "...and with which numbers");
	expect(ignored_signal_fails, ": one is two (1, 2)\n", "...though the program ignores SIGABRT");
	expect(all_holds, NULL, "checks that hold do nothing");
	printf("1..%u\n", tests);
	return 0;
}
