/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_report.h. */
#include "watch_report.h"

#include "playback.h"
#include "quit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes the report, in the child. */
static _Noreturn void write_report(const struct watch_view *v, const char *file)
{
	struct options o = *v->options;
	uint32_t pid = watch_source_pid(o.watch);
	const char *why;

	o.outfile = file;
	if (v->rates.sort < SORT_KEYS) {	/* as on the screen */
		o.sort[0] = (uint8_t)v->rates.sort;
		o.sort_count = 1;
	}
	if (options_format(&o) == OUTPUT_TEXT && !options_adds_up(&o) && v->names.group != GROUP_BACKTRACE)
		o.group = (uint8_t)v->names.group;
	if (pid) {
		o.dump = pid;
		why = playback_process(&o);
	} else {
		o.report = o.watch;
		why = playback(&o);
	}
	if (why && *why)
		quit_saying(EXIT_SETUP, "%s", why);
	quit(why ? EXIT_SETUP : 0);
}

void watch_report_begin(struct watch_view *v, const char *file)
{
	int ends[2], nothing;
	sigset_t none;

	if (v->writer) {
		snprintf(v->message, sizeof(v->message), "%s is still being written", v->writer_file);
		return;
	}
	if (!strcmp(file, "-") || pipe2(ends, O_CLOEXEC)) {
		snprintf(v->message, sizeof(v->message), "%s",
			 strcmp(file, "-") ? strerror(errno) : "standard output is this screen");
		return;
	}
	snprintf(v->writer_file, sizeof(v->writer_file), "%s", file);
	v->writer = fork();
	if (!v->writer) {
		sigemptyset(&none);
		signal(SIGTSTP, SIG_DFL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(nothing, STDIN_FILENO);
		dup2(nothing, STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		write_report(v, v->writer_file);
	}
	close(ends[1]);
	v->writer_fd = ends[0];
	v->writer_text[0] = '\0';
	if (v->writer < 0) {
		v->writer = 0;
		close(v->writer_fd);
		v->writer_fd = -1;
	}
	snprintf(v->message, sizeof(v->message), v->writer ? "writing %s ..." : "no process can be started to write %s", file);
}

void watch_report_work(struct watch_view *v)
{
	static const char *const own[] = { "heaptrace: ", "[heaptrace] " };
	size_t have = strlen(v->writer_text);
	char more[300], *text = v->writer_text;
	ssize_t n = read(v->writer_fd, more, sizeof(more));
	int status = 0;

	if (n > 0) {	/* the rest of a long text is dropped */
		size_t room = sizeof(v->writer_text) - 1 - have, bytes = (size_t)n < room ? (size_t)n : room;

		memcpy(text + have, more, bytes);
		text[have + bytes] = '\0';
		return;
	}
	if (n < 0 && errno == EINTR)
		return;
	close(v->writer_fd);
	v->writer_fd = -1;
	while (waitpid(v->writer, &status, 0) < 0 && errno == EINTR)
		;
	v->writer = 0;
	v->message_end_ns = 0;
	for (unsigned i = 0; i < 2; i++)
		text += strncmp(text, own[i], strlen(own[i])) ? 0 : strlen(own[i]);
	text[strcspn(text, "\n")] = '\0';
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		snprintf(v->message, sizeof(v->message), "%s is written%s%s", v->writer_file, *text ? "; " : "", text);
	else
		snprintf(v->message, sizeof(v->message), "%s could not be written%s%s", v->writer_file, *text ? ": " : "",
			 text);
}
