/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wrapper: heaptrace [OPTION...] PROGRAM [ARG...]
 *
 *	options -> PROGRAM found -> can it be traced? -> library found -> environment -> exec
 *
 * The wrapper becomes PROGRAM by exec, with LD_PRELOAD and HEAPTRACE_OPTIONS set. So PROGRAM has the pid and the
 * descriptors of the wrapper, and whoever waits for the wrapper gets PROGRAM's exit status or signal.
 *
 * Some programs and paths make the dynamic loader ignore the library without a word: a static program, a
 * set-user-ID bit, another word size, a colon in the library's path. The wrapper checks for these before anything
 * runs, and refuses with one line that says what to do.
 *
 * With --report=FILE and --dump=PID it prints a dump instead (wrapper/playback.h), with --watch it shows a live view
 * (wrapper/watch_loop.h), and with --control it tells a process what to record (wrapper/control.h).
 */
#include "base/out.h"
#include "base/path.h"
#include "elf/program.h"
#include "format/format.h"
#include "options/options.h"
#include "options/outfile.h"
#include "wrapper/attach.h"
#include "wrapper/command_line.h"
#include "wrapper/control.h"
#include "wrapper/environment.h"
#include "wrapper/gate.h"
#include "wrapper/held_signals.h"
#include "wrapper/named_files.h"
#include "wrapper/playback.h"
#include "wrapper/prepare_outfile.h"
#include "wrapper/quit.h"
#include "wrapper/record_file.h"
#include "wrapper/watch_loop.h"
#include "wrapper/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- PROGRAM in PATH ---- */

/* Returns 0 if path is a regular file that this process may execute, else an errno. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

/* Finds the file of a command as a shell does: by its path, or in the directories of PATH. */
static char *find_program(const char *name)
{
	char default_path[256] = "/bin:/usr/bin";
	const char *dir = getenv("PATH");
	int error = 0;

	if (strchr(name, '/')) {
		error = executable(name);
		if (error)
			quit_saying(error == ENOENT ? EXIT_MISSING : EXIT_EXEC, "%s: %s", name,
			    strerror(error));
		return formatted("%s", name);
	}
	if (!dir) {
		confstr(_CS_PATH, default_path, sizeof(default_path));
		dir = default_path;
	}
	while (*name) {
		int len = (int)strcspn(dir, ":");
		char *path = len ? formatted("%.*s/%s", len, dir, name)
				 : formatted("./%s", name);
		int e = executable(path);

		if (!e)
			return path;
		if (e == EACCES)
			error = e;
		free(path);
		if (!dir[len])
			break;
		dir += len + 1;
	}
	if (error)
		quit_saying(EXIT_EXEC, "%s: %s", name, strerror(error));
	quit_saying(EXIT_MISSING, "%s: command not found", name);
}

/* ---- can it be traced? ---- */

struct program {
	const char *name;	/* as the user wrote it */
	char *path;		/* of its file */
	char *runs;		/* the ELF file that runs in the end: path, or a script's interpreter */
	struct program_file file;	/* what is known of `runs` */
	const char *culprit;	/* for messages: name, or "INTERPRETER (which runs NAME)" */
	bool by_shell;		/* a script without a #! line: execve() fails with ENOEXEC, and a shell runs it */
	int word_bits;		/* 32 or 64 if it has another word size than the wrapper, else 0 */
};

/* Follows #! lines to the ELF file behind them. */
static void follow_scripts(struct program *p)
{
	p->culprit = p->name;
	p->runs = p->path;
	program_examine(&p->file, p->runs);
	for (int depth = 0; p->file.kind == PROGRAM_SCRIPT || p->file.kind == PROGRAM_TEXT; depth++) {
		int error;

		if (p->file.kind == PROGRAM_TEXT) {
			p->by_shell = true;
			strcpy(p->file.interpreter, "/bin/sh");
		}
		p->runs = formatted("%s", p->file.interpreter);
		if (depth == PROGRAM_SCRIPT_DEPTH)
			quit_saying(EXIT_EXEC, "%s: too many interpreters that are scripts themselves",
			    p->name);
		error = executable(p->runs);
		if (error)
			quit_saying(EXIT_EXEC, "%s: bad interpreter: %s: %s", p->name, p->runs,
			    strerror(error));
		p->culprit = formatted("%s (which runs %s)", p->runs, p->name);
		program_examine(&p->file, p->runs);
	}
}

/* Ends the wrapper if PROGRAM cannot be traced. */
static void check_program(struct program *p)
{
	const struct program_file *file = &p->file;

	follow_scripts(p);
	switch (file->obstacle) {
	case PROGRAM_HAS_RIGHTS:
		quit_saying(EXIT_SETUP, "%s: %s, so the loader would ignore the tracer; trace a copy "
		    "without it, or run heaptrace as the user it changes to", p->culprit, file->rights);
	case PROGRAM_IS_FOREIGN:
		quit_saying(EXIT_SETUP, "%s is for another machine (ELF machine %u, this is %u): run "
		    "heaptrace built for it, there", p->culprit, file->machine, program_own_machine());
	case PROGRAM_IS_VALGRIND:
	case PROGRAM_IS_STATIC:
		quit_saying(EXIT_SETUP, "%s is statically linked, so nothing can be preloaded into it: "
		    "link it dynamically (without -static) to trace it", p->culprit);
	case PROGRAM_IS_SANITIZED:
		quit_saying(EXIT_SETUP, "%s is built with a sanitizer (-fsanitize=address, leak, thread, ...), "
		    "whose own malloc cannot be combined with the tracer: run it without heaptrace, or "
		    "build it without the sanitizer", p->culprit);
	case PROGRAM_OTHER_LIBC:
		quit_saying(EXIT_SETUP, "%s uses the C library of %s: only programs that use glibc can be "
		    "traced", p->culprit, file->interpreter);
	case PROGRAM_OTHER_WORD_SIZE:
		p->word_bits = sizeof(void *) == 8 ? 32 : 64;
		break;
	case PROGRAM_TRACEABLE:
	case PROGRAM_OBSTACLES:
		break;
	}
}

/* ---- the library ---- */

/* The directory of the wrapper itself, absolute, or NULL. */
static char *own_directory(const char *argv_0)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len <= 0 || path[0] != '/') {	/* there is no /proc: use the name that the wrapper was called by */
		if (!realpath(strchr(argv_0, '/') ? argv_0 : find_program(argv_0), path))
			return NULL;
		len = (ssize_t)strlen(path);
	}
	path[len] = 0;
	*strrchr(path, '/') = 0;
	return formatted("%s", path);
}

/* Finds the library. Returns its absolute path, which the loader of PROGRAM can take. */
static char *find_library(const struct program *p, const char *argv_0)
{
	static const char *const places[] = { "", "/../lib", "/../lib/heaptrace" };
	char *name = p->word_bits ? formatted("libheaptrace%d.so", p->word_bits)
				  : formatted("libheaptrace.so");
	char *own = own_directory(argv_0);
	struct program_file file;
	size_t bad;

	for (size_t i = 0; own && i < sizeof(places) / sizeof(places[0]); i++) {
		char *dir = formatted("%s%s", own, places[i]);
		char *real = realpath(dir, NULL);
		char *path = real ? formatted("%s/%s", real, name) : NULL;

		free(dir);
		free(real);
		if (!path || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS)) {
			free(path);
			continue;
		}
		bad = strcspn(path, ": \t\n\v\f\r$");
		if (path[bad])
			quit_saying(EXIT_SETUP, "the library's path '%s' has a '%c' in it, which the "
			    "loader cannot take: move or link heaptrace's directory to a path without",
			    path, path[bad]);
		program_examine(&file, path);
		if (file.kind != PROGRAM_ELF ||
		    (p->file.kind == PROGRAM_ELF && !program_is_same_machine(&file, &p->file)))
			quit_saying(EXIT_SETUP, "%s is not a library that %s can load: build it anew", path,
			    p->culprit);
		return path;
	}
	if (p->word_bits)
		quit_saying(EXIT_SETUP, "%s is a %d-bit program and there is no %s beside heaptrace (%s): "
		    "build it with 'make M32=1'", p->culprit, p->word_bits, name, own ? own : "?");
	quit_saying(EXIT_SETUP, "%s is neither beside heaptrace (%s) nor in ../lib or ../lib/heaptrace: "
	    "build or install it there", name, own ? own : "?");
}

/* ---- files that options name ---- */

/* The command name that the kernel will give PROGRAM (TASK_COMM_LEN is 16, NUL included). */
static void command_name(const struct program *p, char name[16])
{
	snprintf(name, 16, "%s", path_name(p->by_shell ? p->runs : p->path));
}

static void check_files(const struct options *o)
{
	char why[NAMED_FILES_WHY_BYTES];

	if (!named_files_check(o, why))
		quit_saying(EXIT_SETUP, "%s", why);
}

static void check_record(const struct options *o, const struct program *p)
{
	char why[NAMED_FILES_WHY_BYTES], command[16];

	command_name(p, command);
	if (!named_files_check_record(o, command, why))
		quit_saying(EXIT_SETUP, "%s", why);
}

/* Ends the wrapper if the file of --baseline is none. With placeholders it is another file for each process. */
static void check_baseline(const struct options *o)
{
	static struct record_file baseline;
	const char *why;

	if (!o->baseline || strchr(o->baseline, '%'))
		return;
	why = record_file_open(&baseline, o->baseline);
	if (why)
		quit_saying(EXIT_SETUP, "baseline %s cannot be read: %s", o->baseline, why);
	record_file_close(&baseline);
}

/* Prints what came of the limits for the process that --report has judged. Returns the exit status of the wrapper. */
static int print_limits(const struct options *o)
{
	char buf[4096];
	struct out out;

	out_init(&out, STDERR_FILENO, buf, sizeof(buf));
	out_fit_terminal(&out);
	gate_write_newest(&out);
	if (options_has_limits(o))
		gate_write_verdict(o, &out);
	out_flush(&out);
	return gate_status(o);
}

/* Executes --report. */
static _Noreturn void print_report(struct options *o)
{
	const char *why;

	check_files(o);
	why = playback(o);
	if (why && *why)
		quit_saying(EXIT_SETUP, "%s cannot be reported: %s", o->report, why);
	quit(why ? EXIT_SETUP : print_limits(o));
}

/* Executes --dump. */
static _Noreturn void print_process(struct options *o)
{
	const char *why;

	check_files(o);
	why = playback_process(o);
	if (why && *why)
		quit_saying(EXIT_SETUP, "process %u cannot be dumped: %s", (unsigned)o->dump, why);
	quit(why ? EXIT_SETUP : 0);
}

/* Executes --watch. */
static _Noreturn void show_live(const struct options *o)
{
	const char *why;

	check_files(o);
	why = watch_loop(o);
	if (why && watch_source_pid(o->watch))
		quit_saying(EXIT_SETUP, "process %s cannot be watched: %s", o->watch, why);
	if (why)
		quit_saying(EXIT_SETUP, "%s cannot be watched: %s", o->watch, why);
	quit(0);
}

/* Opens the socket of a watcher. Returns its address; NULL: there will be no watcher. */
static const char *open_watcher(const struct options *o, char address[WATCHER_ADDRESS_BYTES])
{
	if (o->no_watch)
		return NULL;
	if (watcher_open(address))
		return address;
	if (o->every_ms)
		quit_saying(EXIT_SETUP, "--every needs a watcher, which this process cannot have here: it is "
		    "process 1 or a reaper of children, no descriptor is left, or the system has no pidfd_open() "
		    "(start a container with an init, as docker run --init, or ask for dumps by signals or "
		    "--dump=PID)");
	if (options_has_limits(o))
		quit_saying(EXIT_SETUP, "the limits of --max-* need a watcher, which this process cannot have here: it is "
		    "process 1 or a reaper of children, no descriptor is left, or the system has no pidfd_open() (start a "
		    "container with an init, as docker run --init)");
	return NULL;
}

/* ---- exec ---- */

/* Becomes PROGRAM. Does not return: where that fails, the wrapper ends with a message. */
static void run(const struct program *p, int argc, char **argv, char **env)
{
	const char *interpreter = p->file.interpreter;
	int error;

	execve(p->path, argv, env);
	if (errno == ENOEXEC && p->by_shell) {
		char **shell_argv = calloc((size_t)argc + 2, sizeof(*shell_argv));

		if (!shell_argv)
			quit_saying(EXIT_SETUP, "out of memory");
		shell_argv[0] = (char *)"/bin/sh";	/* as execvp() does */
		shell_argv[1] = p->path;
		memcpy(shell_argv + 2, argv + 1, (size_t)argc * sizeof(*argv));
		execve(shell_argv[0], shell_argv, env);
	}
	error = errno;
	if (error == ENOENT && p->file.kind == PROGRAM_ELF && *interpreter &&
	    access(interpreter, F_OK))
		quit_saying(EXIT_EXEC, "%s: cannot execute: its loader %s does not exist", p->culprit,
		    interpreter);
	quit_saying(EXIT_EXEC, "%s: cannot execute: %s", p->culprit, strerror(error));
}

/* What only the watcher, --report and --dump write, and no traced process. */
static const struct format *const by_reporter[] = {
	&svg_format, &html_format, &pprof_format, &perfetto_format, &massif_format, &json_format, &speedscope_format,
	&csv_format, &text_report_format, NULL,
};

int main(int argc, char **argv)
{
	struct program program = { 0 };
	struct options options;
	char *library, *text, **env, address[WATCHER_ADDRESS_BYTES], outfile_is[OUTFILE_TEXT_BYTES];
	char command[16];
	int first;

	format_offer(by_reporter);
	first = command_line_parse(argc, argv, &options);
	options.watcher = options.outfile_is = NULL;
	if (!options.report && !options.dump && !options.watch)
		options.sysroot = NULL;		/* in the environment the option has no effect on this command */
	if (options.report)
		print_report(&options);
	if (options.dump)
		print_process(&options);
	if (options.watch)
		show_live(&options);
	if (options.pid || options.detach)
		attach_execute(&options, find_library(&program, argv[0]), argc, argv);
	if (options.control)
		control_process(options.control, argc - first, argv + first);
	options.run = (uint32_t)getpid();
	held_signals_choose(options.signals);

	program.name = argv[first];
	program.path = find_program(program.name);
	check_program(&program);
	library = find_library(&program, argv[0]);
	check_files(&options);
	check_baseline(&options);
	outfile_resolve(&options, outfile_is);
	check_record(&options, &program);
	command_name(&program, command);
	prepare_outfile(&options, options.run, command);

	/* When heaptrace itself is traced, the library has unblocked the signals by now. */
	held_signals_hold();
	options.held = held_signals_mask();
	options.watcher = open_watcher(&options, address);
	text = environment_options(&options);
	env = environment_make(library, text);
	if (options.watcher)
		watcher_spawn(&options, text, argc, argv);
	run(&program, argc - first, argv + first, env);
	return EXIT_EXEC;
}
