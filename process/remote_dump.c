/* SPDX-License-Identifier: GPL-2.0-only */
/* See remote_dump.h. */
#include "remote_dump.h"

#include "base/path.h"
#include "lifecycle.h"
#include "options/types.h"
#include "signals.h"
#include "storage.h"
#include "table/row.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECOND_NS	UINT64_C(1000000000)

#define SIGNALS_LOOK_MS	100	/* how often the wait looks for signals */
#define SIGNALS_BEGINNING_NS	(SECOND_NS / 2)

#define OPTION_BYTES	256	/* a longer value of an option is cut in a notice */

#define NO_WATCHER	"no watcher is there to write the report"
#define UNREACHABLE	"the watcher cannot be reached to write the report (it was killed, or is stopped, or is in " \
			"another network namespace, or valgrind runs this program)"

#define NEEDS_NO_QUOTES	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+./,:@%"

/* Writes one option, of which form is the environment form ("focus=a b:focus=c"), as a shell takes it: " '--focus=a b'
 * --focus=c". */
static void write_arguments(struct out *out, const char *form)
{
	char argument[OPTION_BYTES];

	do {
		size_t len = 0;
		const char *quote;

		for (; *form && *form != ':'; form++) {
			if (*form == '\\' && form[1])
				form++;
			argument[len++] = *form;
		}
		argument[len] = '\0';
		quote = strspn(argument, NEEDS_NO_QUOTES) == len ? "" : strchr(argument, '\'') ? "\"" : "'";
		out_char(out, ' ');
		out_text(out, quote);
		out_text(out, "--");
		out_name(out, argument);
		out_text(out, quote);
	} while (*form++);
}

/* Writes the options that make another process write the report: " --format=json", " --outfile=heap.html",
 * " --group=function". */
static void write_options(const struct options *o, struct out *out)
{
	struct options initial;
	char value[OPTION_BYTES];

	if (options_format(o) != OUTPUT_TEXT && (o->format || !o->outfile)) {
		out_text(out, " --format=");
		out_text(out, options_format_name(options_format(o)));
	}
	if (options_format(o) != OUTPUT_TEXT && o->outfile) {
		struct out one = out_memory(value, sizeof(value));

		types_print(&one, o, &options_table[OPTION_OUTFILE], NULL);
		write_arguments(out, out_string(&one));
	}
	options_init(&initial);
	for (const struct option_entry *e = options_table; e->name[0]; e++) {
		struct out one = out_memory(value, sizeof(value));

		if (e->purpose != OPTION_PURPOSE_REPORTER || options_same(o, &initial, e))
			continue;
		types_print(&one, o, e, NULL);
		write_arguments(out, out_string(&one));
	}
}

/* Writes "[heaptrace] TEXT OPTIONS MORE" to standard error, OPTIONS being those that ask for the report. */
static void print_notice(struct dumper *d, const char *text, const char *more)
{
	int fd = output_error_fd(&d->output);
	char buf[512];
	struct out out;

	if (fd < 0)
		return;
	out_init(&out, fd, buf, sizeof(buf));
	out_fit_terminal(&out);
	out_text(&out, "[heaptrace] ");
	out_text(&out, text);
	write_options(d->options, &out);
	out_name(&out, more);
	out_char(&out, '\n');
	out_flush(&out);
}

/*
 * Writes a notice that there is no watcher, with the command which makes the report. final: the dump is the one at the
 * end. Then a child process writes the notice only where a watcher should have been there, because the run's first
 * process has written one for all. Each process writes it once, and once for dumps apart.
 */
static void notice_command(struct dumper *d, bool final)
{
	/* The id of the process that wrote it, since a child inherits this variable. [1]: for dumps apart. */
	static uint32_t said[2];
	char path[PATH_MAX], more[PATH_MAX + 64];
	bool had_watcher = d->options->watcher;
	struct out out;

	if (said[d->apart] == d->pid || (final && d->pid != d->options->run && !d->options->watcher))
		return;
	said[d->apart] = d->pid;
	if (!storage_file(path)) {
		print_notice(d, had_watcher ? UNREACHABLE ": start the program with --record=FILE, too, and make the report by "
		    "heaptrace --report=FILE" : NO_WATCHER ": start the program as heaptrace",
		    had_watcher ? "" : " PROGRAM (without --no-watch), or with --record=FILE, from which heaptrace "
		    "--report=FILE makes it");
		return;
	}
	out = out_memory(more, sizeof(more));
	out_text(&out, " --report=");
	out_text(&out, path);
	print_notice(d, had_watcher ? UNREACHABLE "; this command makes it: heaptrace" :
		     NO_WATCHER "; this command makes it: heaptrace", out_string(&out));
}

/* Notes and reports that the request could not be sent, or that nobody is there any more to answer it (ECONNREFUSED).
 * error: of watch_request() or of the pipe. */
static void notice_undelivered(struct dumper *d, int error, bool final)
{
	d->output.failure = error;
	if (error == EAGAIN)
		dump_notice(d, final ? "the watcher is busy: it writes the report after the program's end" :
			    "the watcher is busy with earlier reports, so this dump was left out");
	else if (error != ECONNREFUSED)
		dump_notice(d, final ? "the watcher cannot be reached from here: it writes the report after the program's end" :
			    "the watcher cannot be reached from here, so this dump was left out");
	else
		notice_command(d, final);
}

/* Copies the text of the watcher's answer to standard error. */
static void pass_text(struct dumper *d, int fd)
{
	int to = output_error_fd(&d->output);
	char text[256], buf[512];
	struct out out;
	ssize_t n;

	out_init(&out, to, buf, sizeof(buf));
	out_fit_terminal(&out);
	for (size_t all = 0; to >= 0 && all < WATCH_TEXT_BYTES && (n = read(fd, text, sizeof(text))) > 0; all += (size_t)n)
		out_bytes(&out, text, (size_t)n);
	out_flush(&out);
}

/* Reads the watcher's answer, and reports the error in it. False: the watcher was killed before it had answered. */
static bool take_answer(struct dumper *d, int fd)
{
	struct watch_answer answer;

	if (read(fd, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		return false;
	d->exit_status = (uint8_t)answer.exit_status;
	pass_text(d, fd);
	d->output.failure = answer.error;
	if (answer.error == WATCH_UNREADABLE)
		dump_notice(d, "the watcher could not read this process's figures (is it a program of another word "
			    "size than heaptrace?): choose text dumps of single backtraces, or --format=folded");
	else if (answer.error)
		output_failed(&d->output, d->table->head->dumps, answer.error);
	return true;
}

/* Waits for the answer, which comes by the pipe. All signals are blocked meanwhile, so a signal by which the user wants
 * to end the program at last ends the wait. Signals that come at its beginning do not: they had come before, or are the
 * ones by which the program ends, sent twice, as timeout(1) does. */
static enum remote_dump_result wait_for_answer(struct dumper *d, int fd)
{
	bool apart = d->apart;
	unsigned seconds = apart ? REMOTE_DUMP_APART_SECONDS : REMOTE_DUMP_NOTICE_SECONDS;
	uint64_t begun = now_ns(), until = begun + seconds * SECOND_NS;
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	unsigned before = ~0u;		/* such signals that have come at the beginning */
	bool noticed = false;

	for (;;) {
		uint64_t now = now_ns();
		int left = now < until ? (int)((until - now) / 1000000) + 1 : 0;
		int ready = poll(&answer, 1, left < SIGNALS_LOOK_MS ? left : SIGNALS_LOOK_MS);

		if (ready > 0)
			break;
		if ((ready < 0 && errno != EINTR) || signals_pending_ends() & ~before || (apart && lifecycle_is_ending()))
			return REMOTE_DUMP_LATE;
		if (now - begun > SIGNALS_BEGINNING_NS && before == ~0u)
			before = signals_pending_ends();
		if (now_ns() < until)
			continue;
		if (apart)
			return REMOTE_DUMP_LATE;
		if (noticed) {
			dump_notice(d, "the report is not complete after 10 seconds: the program does not wait "
				    "any longer, and the watcher goes on with the report");
			return REMOTE_DUMP_LATE;
		}
		noticed = true;
		until = begun + REMOTE_DUMP_WAIT_SECONDS * SECOND_NS;
		if (!d->options->quiet)
			dump_notice(d, "the report is still being written: the program waits for it, at most 10 seconds in "
				    "all");
	}
	if (!take_answer(d, fd))
		notice_undelivered(d, ECONNREFUSED, true);
	return REMOTE_DUMP_DONE;
}

/* Opens the pipe for the answer: ends[0] to read it, ends[1] to write it. False: errno says why there is none, and
 * the ends stay as they were. */
static bool open_pipe(int ends[2])
{
	return !syscall(SYS_pipe2, ends, O_CLOEXEC);
}

/* Sends the request, and waits for the answer if it is for the final report, or for one to a file of its own, which is
 * open as `file`. */
static enum remote_dump_result request(struct dumper *d, const struct dump_request *r, int file)
{
	bool final = r->final, waits = final || file >= 0;
	const char *watcher = storage_watcher();
	enum remote_dump_result result = REMOTE_DUMP_DONE;
	int ends[2] = { -1, -1 }, error = 0;

	if (!watcher) {
		notice_undelivered(d, ECONNREFUSED, final);
		return REMOTE_DUMP_DONE;
	}
	dump_note_loaded(d);
	if (waits && !open_pipe(ends))
		error = errno;
	if (!error)
		error = watch_request(watcher, r, (int[]){ ends[1], file }, file < 0 ? "" : path_name(d->output.target));
	if (ends[1] >= 0)
		close(ends[1]);
	if (error == EMFILE && r->tries_again) {
		result = REMOTE_DUMP_NO_DESCRIPTOR;
	} else if (error) {
		notice_undelivered(d, error, final);
		result = final ? REMOTE_DUMP_LATE : REMOTE_DUMP_DONE;
	} else if (waits) {
		result = wait_for_answer(d, ends[0]);
		if (result == REMOTE_DUMP_LATE)
			d->output.failure = ETIMEDOUT;
	}
	if (ends[0] >= 0)
		close(ends[0]);
	return result;
}

/* The file of its own is opened here, where its name stands for what the program means by it: the watcher may have
 * another directory, root or user. */
enum remote_dump_result remote_dump(struct dumper *d, const struct dump_request *r)
{
	int saved = errno, file = d->apart ? output_begin(&d->output, 0) : -1;
	enum remote_dump_result result = REMOTE_DUMP_DONE;

	if (!d->apart || file >= 0)
		result = request(d, r, file);
	else if (r->tries_again && d->output.failure == EMFILE)
		result = REMOTE_DUMP_NO_DESCRIPTOR;
	if (file >= 0 && (d->output.failure || result == REMOTE_DUMP_NO_DESCRIPTOR))
		output_abandon(&d->output);
	else if (file >= 0)
		output_end(&d->output, 0);
	errno = saved;
	return result;
}
