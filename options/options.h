/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options, by one table: it drives the wrapper's parser, the environment form that the
 * library reads, --help, and the check of the man page. Names, defaults and meanings are the
 * contract of the command line; the sort keys' names are those of the column heads.
 *
 * Nothing here calls malloc or stdio: strings live in a store that the caller provides.
 */
#ifndef OPTIONS_OPTIONS_H
#define OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_ENV	"HEAPTRACE_OPTIONS"

/* In the order in which --help and error messages name them. */
enum sort_key {
	SORT_SIZE, SORT_COUNT, SORT_PEAK_SIZE, SORT_PEAK_COUNT, SORT_HEAP_PEAK,
	SORT_TOTAL_SIZE, SORT_TOTAL_COUNT, SORT_TEMPORARY, SORT_AGE,
	SORT_KEYS
};

/*
 * What a dump is written as. The traced process itself writes text and folded stacks. Formats from
 * OUTPUT_BY_REPORTER on are written by the process that holds the table: the watcher (wrapper/watcher.h),
 * --report or --dump.
 */
enum output_format {
	OUTPUT_UNSET,		/* no option names a format: the ending of outfile decides */
	OUTPUT_TEXT, OUTPUT_FOLDED, OUTPUT_JSON,
	OUTPUT_FORMATS,
	OUTPUT_BY_REPORTER = OUTPUT_JSON
};

/* How stacks are taken (capture.h). */
enum unwind_mode { UNWIND_FAST, UNWIND_EXECINFO, UNWIND_CHECK, UNWIND_MODES };

#define OPTIONS_DEPTH_MAX	255
#define OPTIONS_DEPTH_GRAPH	128	/* default depth in all formats but text */
#ifndef HEAPTRACE_DEPTH			/* `make DEPTH=NUM` */
#define HEAPTRACE_DEPTH		8	/* default depth in text dumps */
#endif
#define OPTIONS_TOP		10	/* default of top */
#define OPTIONS_DEBUG_DIRS_MAX	16
_Static_assert(HEAPTRACE_DEPTH >= 1 && HEAPTRACE_DEPTH <= OPTIONS_DEPTH_MAX, "make DEPTH=1 to 255");

struct options {
	uint32_t top;			/* backtraces in a text dump; 0: all */
	uint8_t sort[SORT_KEYS];	/* enum sort_key, each key at most once */
	uint8_t sort_count;		/* at least 1 */
	uint8_t depth;			/* 1 to 255, never 0 after parsing */
	bool depth_given;		/* false: depth follows the output's kind */
	uint8_t format;			/* enum output_format as given; options_format() is the one to ask */
	uint8_t unwind;			/* enum unwind_mode */
	const char *outfile;		/* template with placeholders, or NULL: standard error */
	const char *ignore;		/* file of rules, or NULL */
	bool no_lines;			/* source lines and inlined calls are not looked up */
	bool no_children;		/* only the program that was started is traced */
	bool no_demangle;		/* C++ and Rust names stay as they are in the file */
	const char *record;		/* template: the file that holds the table, or NULL */
	const char *report;		/* such a file, which is to be read (wrapper only), or NULL */
	const char *sysroot;		/* where --report looks for the modules' files, or NULL */
	bool no_watch;			/* nobody prints the dump of a process that is killed */
	uint8_t debug_dir_count;
	const char *debug_dirs[OPTIONS_DEBUG_DIRS_MAX]; /* roots of debug files, none with a ':' */
	uint64_t above_bytes;		/* a dump each time the heap passes as much again; 0: none */
	uint32_t every_ms;		/* a dump each time; 0: none */
	uint32_t dump;			/* pid of a process that is to be dumped (wrapper only), or 0 */
	uint8_t signals[2];		/* that ask for a dump: by size, by count; 0: none does */

	/* Set by the wrapper (or by the library in the first process) for the processes of
	 * one run; not options that a user gives. */
	uint32_t run;			/* pid of the program that was started; 0: not known yet */
	const char *watch;		/* the watcher's address and password (watch.h), or NULL */
	const char *outfile_is;		/* the descriptor that outfile stands for (opened.h), or NULL */
	uint8_t held;			/* which of signals[] to unblock at start: bits 0 and 1 */
	uint8_t added;			/* what was put into this process's environment (inherit.h) */
};

enum option_id {
	OPTION_TOP, OPTION_SORT, OPTION_DEPTH, OPTION_FORMAT, OPTION_FLAME_GRAPH, OPTION_OUTFILE, OPTION_IGNORE,
	OPTION_NO_LINES, OPTION_NO_DEMANGLE, OPTION_DEBUG_DIR, OPTION_UNWIND, OPTION_CHILDREN,
	OPTION_SIGNAL_SIZE, OPTION_SIGNAL_COUNT, OPTION_EVERY, OPTION_ABOVE, OPTION_DUMP,
	OPTION_RECORD, OPTION_REPORT, OPTION_SYSROOT, OPTION_NO_WATCH, OPTION_WATCH,
	OPTION_OUTFILE_IS, OPTION_HELP, OPTION_VERSION, OPTION_RUN, OPTION_HELD, OPTION_ADDED,
};

enum option_place {
	OPTION_EVERYWHERE,	/* command line and environment */
	OPTION_COMMAND,		/* command line only: --help, --version */
	OPTION_INTERNAL,	/* environment only, and in no documentation: run, held */
};

/*
 * One row of the table, for instance
 *	{ "sort", 's', "KEY[,KEY...]", "size", "order of ...", OPTION_SORT, OPTION_EVERYWHERE }
 */
struct option_entry {
	const char *name;	/* without the dashes */
	char letter;		/* short form, or 0 */
	const char *argument;	/* what --help calls the value, or NULL: takes none */
	const char *fallback;	/* the default in words, or NULL */
	const char *meaning;	/* for --help */
	enum option_id id;
	enum option_place place;
};

/* Every option in the order of --help; the last row's name is NULL. */
extern const struct option_entry options_table[];

/* The name of a key: "size", "peak-count", ...; "?" for what is no key. */
const char *options_sort_name(enum sort_key key);

/* What a key means, in words for --help. */
const char *options_sort_meaning(enum sort_key key);

/* What --unwind calls a mode. */
const char *options_unwind_name(enum unwind_mode mode);

/*
 * A signal's name without SIG: "USR1", "RTMIN+3", "none" for 0, its number where it has no
 * name; in buf or not.
 */
#define OPTIONS_SIGNAL_BYTES	16
const char *options_signal_name(int sig, char buf[OPTIONS_SIGNAL_BYTES]);

/* The signal that a number or name means, with or without SIG, in any case of letters; "none"
 * is 0. -1: none of these. */
int options_signal(const char *text);

/* What --format calls a format. */
const char *options_format_name(enum output_format format);

/*
 * The format of dumps: that of --format or --flame-graph, else the one whose name the file name of
 * --outfile has as its ending (heap.json, heap.%p.folded; .txt stands for text), else text.
 */
enum output_format options_format(const struct options *o);

/* Whether another process writes the dumps of a traced one. */
static inline bool options_by_reporter(const struct options *o)
{
	return options_format(o) >= OUTPUT_BY_REPORTER;
}

/* The depth where none is given. */
static inline uint8_t options_default_depth(const struct options *o)
{
	return options_format(o) == OUTPUT_TEXT ? HEAPTRACE_DEPTH : OPTIONS_DEPTH_GRAPH;
}

/* Defaults: top 10, sort by size, depth by format. */
void options_init(struct options *o);

/*
 * Sets the option of one row. value is its text (kept by reference where it is a file name),
 * or NULL when none was given. On a bad value *o stays as it was, error gets one line like
 * "depth=0: not a whole number from 1 to 255" (no newline, cut to error_bytes, always
 * terminated, control characters as ^X) and the answer is false. Rows of --help and
 * --version only get their "takes no value" check. Async-signal-safe.
 */
bool options_set(struct options *o, const struct option_entry *e, const char *value,
		 char *error, size_t error_bytes);

struct out;

/*
 * Adds to a message, which begins with a wrong name, what the name was probably meant to be: nothing,
 * or " (did you mean --signal-size or --signal-count?)". Those are the options that begin with
 * name[0..len), or have it within, or are spelt like it, or what another program calls so. place:
 * which options are valid, beside those that are everywhere; for OPTION_COMMAND they are written
 * with their dashes. What cannot be done at all gets a sentence that says what can be done. Returns
 * whether anything was added. Async-signal-safe.
 */
bool options_suggest(const char *name, size_t len, enum option_place place, struct out *text);

/* The same for a sort key: " (did you mean peak-size or peak-count?)". */
bool options_suggest_key(const char *key, size_t len, struct out *text);

/*
 * Reads the environment form, "top=3:sort=count:outfile=heap.%p" (`\:` and `\\` inside a
 * value), into *o, which options_init() prepared. Strings are unescaped into
 * store[0..store_bytes), which has to outlive *o; strlen(text) + 16 bytes always suffice.
 * Everything that is good is taken, bad parts are left out; the first problem is described
 * in error (one line, no newline, always terminated), which stays "" when there was none.
 * Empty parts are skipped; a `\` before anything but `:` and `\` stands for itself; of an
 * option given twice the last good one counts; debug-dirs add up.
 * Returns true when there was none. Async-signal-safe.
 */
bool options_parse_env(const char *text, struct options *o, char *store, size_t store_bytes,
		       char *error, size_t error_bytes);

/*
 * Writes the environment form of *o (only what differs from the defaults, `run` and `held`
 * included), always terminated. Relative outfile, ignore and debug-dirs are made absolute with cwd
 * (`-` as outfile is not a file; a `%` in cwd is doubled there, so that it is no placeholder;
 * cwd NULL leaves them relative, and debug-dirs stay so where cwd has a `:`). Returns the length
 * that was needed, without the NUL: >= size_bytes means it did not fit. Async-signal-safe.
 */
size_t options_print_env(const struct options *o, const char *cwd, char *buf, size_t size_bytes);

/*
 * The length of the environment form without the ":held=N" and ":added=N" that it may end with.
 * Those two are for one process alone, so they are no part of what is handed on to the next one.
 * Async-signal-safe.
 */
size_t options_env_base(const char *text);

#endif
