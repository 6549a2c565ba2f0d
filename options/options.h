/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options. table.def has one row for each. This header has the values that parsing yields (struct
 * options), the rows as C sees them (struct option_entry), and the functions that work by the rows. The names
 * and defaults are the contract of the command line; the sort keys' names are those of the column heads.
 *
 * Nothing here calls malloc or stdio, because the library reads its options before the program's
 * constructors run. Texts lie in memory that the caller provides. All functions are async-signal-safe, and
 * any thread may call them.
 */
#ifndef OPTIONS_OPTIONS_H
#define OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_ENV	"HEAPTRACE_OPTIONS"

/* In the order in which --help and error messages name them. */
enum sort_key {
#define SORT_KEY(id, name, help)	SORT_##id,
#include "table.def"
	SORT_KEYS
};

/*
 * The formats of dumps. The traced process itself writes text and folded stacks, if no option of the purpose REPORTER
 * is given. Formats from OUTPUT_BY_REPORTER on are always written by another process that reads the table: the watcher
 * (wrapper/watcher.h), --report or --dump.
 */
enum output_format {
	OUTPUT_UNSET,		/* no option names a format: the ending of outfile decides */
#define OUTPUT_FORMAT(id, name, endings, help)	OUTPUT_##id,
#include "table.def"
	OUTPUT_FORMATS,
	OUTPUT_BY_REPORTER = OUTPUT_SVG
};

/* When the rules of --ignore that are built in apply, and those that the program brings along. */
enum default_ignore {
#define DEFAULT_IGNORE(id, name)	DEFAULT_IGNORE_##id,
#include "table.def"
	DEFAULT_IGNORES
};

/* Whether the recording begins with the program. */
enum start_mode {
#define START_MODE(id, name)		START_##id,
#include "table.def"
	START_MODES
};

#define SAMPLE_BYTES_MOST	((uint64_t)1 << 30)	/* table/sample.h */

/* How stacks are taken (capture.h). */
enum unwind_mode {
#define UNWIND_MODE(id, name)		UNWIND_##id,
#include "table.def"
	UNWIND_MODES
};

/* What rows are added up by (analysis/groups.h). */
enum group_by {
	GROUP_NONE,
#define GROUP_BY(id, name)		GROUP_##id,
#include "table.def"
	GROUPS
};

/* Where a tree of calls begins (analysis/tree.h). */
enum tree_from {
	TREE_NONE,
#define TREE_FROM(id, name)		TREE_##id,
#include "table.def"
	TREES
};

#define OPTIONS_DEPTH_MAX	255
#define OPTIONS_DEPTH_GRAPH	128	/* default depth in all formats but text, and for groups and trees */
#ifndef HEAPTRACE_DEPTH			/* `make DEPTH=NUM` */
#define HEAPTRACE_DEPTH		8	/* default depth in text dumps */
#endif
#define OPTIONS_ALL_THE_TIME	UINT32_MAX	/* a TIME of an option that stands without its value */
#define OPTIONS_SIGNALS		3
#define OPTIONS_WINDOW_LAST	UINT64_MAX	/* a WINDOW: the newest one */
#define OPTIONS_SINCE_DUMP	(UINT32_MAX - 1)	/* the time since the dump before this one */
#define OPTIONS_TEXTS_MAX	16	/* of an option that may be repeated */
_Static_assert(HEAPTRACE_DEPTH >= 1 && HEAPTRACE_DEPTH <= OPTIONS_DEPTH_MAX,
	       "make DEPTH=NUM takes 1 to 255");

/* The value of a macro as a string literal. */
#define OPTIONS_STRING_(x)	#x
#define OPTIONS_STRING(x)	OPTIONS_STRING_(x)

struct options {
	uint32_t top;			/* backtraces in a text dump; 0: all */
	uint8_t sort[SORT_KEYS];	/* enum sort_key, each key at most once; 0 behind sort_count */
	uint8_t sort_count;		/* at least 1 */
	uint8_t depth;			/* frames of a backtrace; 0: options_depth() has the default */
	uint8_t format;			/* enum output_format as given; options_format() returns the one in use */
	uint8_t unwind;			/* enum unwind_mode */
	uint64_t sample_bytes;		/* on average one block is recorded in so many bytes; 0: each block is */
	uint8_t start;			/* enum start_mode */
	uint32_t start_after_ms;	/* the recording begins so long after the program; 0: see `start` */
	const char *library;		/* the file of the library where the wrapper runs, if it has attached; or
					 * NULL */
	const char *outfile;		/* template with placeholders, or NULL: standard error */
	const char *ignore;		/* file of rules, or NULL */
	uint8_t default_ignore;		/* enum default_ignore */
	uint64_t min_size;		/* rows with fewer bytes are not listed */
	uint32_t min_count;		/* rows with fewer blocks are not listed */
	uint32_t older_than_ms;		/* rows that are younger are not listed; 0: all are */
	uint8_t focus_count, hide_count;
	const char *focus[OPTIONS_TEXTS_MAX];	/* only rows with a frame that matches one of these texts */
	const char *hide[OPTIONS_TEXTS_MAX];	/* frames that match one of these texts are not shown */
	bool no_lines;			/* source lines and inlined calls are not looked up */
	bool children;			/* false: only the program that was started is traced */
	bool summary;			/* the summary is printed even if no block is live */
	bool brief;			/* --short: of a dump only the summary is printed */
	bool all_frames;		/* runs of frames within a library are not folded to one line */
	/* The limits of --max-*: all bits set where there is none. A program that ends with 0 and breaks one ends with
	 * error_exitcode. */
	uint64_t max_leak, max_leak_count, max_peak, max_calls;
	uint32_t max_temporary;		/* thousandths of a percent of all calls */
	uint8_t error_exitcode;
	bool quiet;			/* of dumps that go to standard error the last one is not printed */
	uint8_t judge_count;
	const char *judge[OPTIONS_TEXTS_MAX];	/* limits are for programs whose paths have one of these texts; none:
						 * see wrapper/gate.h */
	const char *junit;		/* the file of a test report about the limits, or NULL */
	bool no_demangle;		/* C++ and Rust names stay as they are in the file */
	const char *record;		/* template: the file that holds the table, or NULL */
	const char *report;		/* a file of --record from which to print (wrapper only), or NULL */
	const char *diff;		/* a file of --record, which that of --report is compared with (wrapper only),
					 * or NULL */
	const char *watch;		/* a process id, or a file of --record, to look at again and again (wrapper
					 * only), or NULL... */
	uint32_t interval_ms;		/* ...and how often */
	const char *baseline;		/* a file of --record, over which growth counts for the limits, or NULL */
	uint32_t tolerance;		/* so much growth does not count: thousandths of a percent */
	const char *sysroot;		/* where --report looks for the modules' files, or NULL */
	const char *pack;		/* template: the packed record that is made (wrapper only), or NULL */
	bool with_names;		/* with the names for its addresses */
	bool timeline;			/* text dumps show the heap over time */
	uint32_t growth_ms;		/* text dumps show what has grown in so many milliseconds: OPTIONS_ALL_THE_TIME,
					 * in the whole run; 0: they do not show it */
	bool histogram;			/* the sizes of blocks are counted, and reports show them */
	bool pages;			/* what the program maps itself is recorded */
	bool no_watch;			/* no watcher is started, so nobody prints the dump of a process that is
					 * killed */
	uint8_t debug_dir_count;
	const char *debug_dirs[OPTIONS_TEXTS_MAX]; /* directories of debug files, none with a ':' */
	uint64_t above_bytes;		/* a dump when the heap first exceeds a multiple of this; 0: no such dumps */
	uint32_t every_ms;		/* milliseconds from dump to dump; 0: no such dumps */
	uint32_t dump;			/* pid of a process to print a dump of (wrapper only), or 0 */
	uint32_t control;		/* pid of a process to give commands to (wrapper only), or 0 */
	uint32_t pid, detach;		/* pid of a process to begin to trace while it runs, or to cease to trace
					 * (wrapper only), or 0 */
	uint8_t signals[OPTIONS_SIGNALS];	/* the signals that request a dump by size, a dump by count, and that
						 * the figures begin anew; 0: none does */

	uint64_t window;		/* which windows of the run a dump is of: the first one's number in the upper
					 * half, and the last one's in the lower; OPTIONS_WINDOW_LAST; 0: all */
	uint8_t group;			/* enum group_by: a section has a table of groups instead of rows */
	uint8_t tree;			/* enum tree_from: a section has a tree instead of rows */
	uint8_t skip_count;
	uint32_t min_share;		/* branches of trees with less are not shown: thousandths of a percent */
	const char *callers, *callees;	/* the text in the names of functions whose tree a section has, or NULL */
	const char *skip[OPTIONS_TEXTS_MAX]; /* texts in the names of functions that groups and trees look through */

	/* Set by the wrapper (or by the library in the first process) for the processes of
	 * one run; not options that a user gives. */
	uint32_t run;			/* pid of the program that was started; 0: not known yet */
	const char *allocator;		/* the prefix of an allocator's functions, "no", "auto", or NULL, which is
					 * "auto" */
	const char *watcher;		/* the watcher's address and password (watch.h), or NULL */
	const char *outfile_is;		/* the descriptor that outfile stands for (safe_open.h), or NULL */
	uint8_t held;			/* which of signals[] to unblock at start: bits 0 to 2 */
	uint8_t added;			/* the variables that were added to this process's environment (inherit.h) */
};

/*
 * The format of dumps: the one that --format or --flame-graph gives, else the one whose name is the ending of
 * --outfile (heap.json, heap.%p.folded; .txt stands for text), else text.
 */
enum output_format options_format(const struct options *o);

/* Whether another process than the traced one writes its dumps: the format asks for that, or an option whose purpose is
 * REPORTER has another value than the default. */
bool options_by_reporter(const struct options *o);

/* Whether a section of a text dump has groups or trees instead of rows. */
static inline bool options_adds_up(const struct options *o)
{
	return o->group || o->tree || o->callers || o->callees;
}

/* Whether any limit of --max-* is given. */
bool options_has_limits(const struct options *o);

/* How many frames of each backtrace are kept, 1 to 255: the given number, or the default. */
static inline uint8_t options_depth(const struct options *o)
{
	return o->depth ? o->depth : options_format(o) == OUTPUT_TEXT && !options_adds_up(o) ? HEAPTRACE_DEPTH :
	       OPTIONS_DEPTH_GRAPH;
}

/* The rows of options_table, in its order. */
enum option_id {
#define OPTION(id, ...)			OPTION_##id,
#include "table.def"
	OPTIONS
};

/* How a value is read and printed (types.c). Texts are kept by reference. NUMBER, SIZE and SHARE can have the default
 * `none`, for which all bits of the field are set. */
enum option_type {
	OPTION_TYPE_ACTION,	/* no value, no field: the wrapper does something at once */
	OPTION_TYPE_FLAG,	/* no value; bool, true when the option is given */
	OPTION_TYPE_PRESET,	/* no value; another option's field, which is set to VALUE */
	OPTION_TYPE_YES_NO,	/* bool */
	OPTION_TYPE_NUMBER,	/* a whole number; unsigned, of any size */
	OPTION_TYPE_LIMIT,	/* a NUMBER, where 0 means all */
	OPTION_TYPE_PROCESS,	/* a NUMBER, the id of a traced process */
	OPTION_TYPE_RUNNING,	/* a NUMBER, the id of a process that is not traced */
	OPTION_TYPE_SIZE,	/* bytes, or a unit (k, M, G, T, Ki, Mi, Gi, Ti); uint64_t */
	OPTION_TYPE_TIME,	/* seconds, or a unit (ms, s, m, h); uint32_t, in milliseconds. Where the value is
				 * optional, it can be `all` or `dump`, too: OPTIONS_ALL_THE_TIME, OPTIONS_SINCE_DUMP */
	OPTION_TYPE_SHARE,	/* percent; uint32_t, in thousandths of a percent */
	OPTION_TYPE_WORD,	/* one of WORDS; uint8_t, its index */
	OPTION_TYPE_KEYS,	/* several of WORDS, each at most once; array of uint8_t */
	OPTION_TYPE_SIGNAL,	/* by name or number, or none; uint8_t, 0 for none */
	OPTION_TYPE_WATCHED,	/* the id of a process, or a path; const char * */
	OPTION_TYPE_FILE,	/* a path; const char * */
	OPTION_TYPE_OUTPUT,	/* a path with placeholders (outfile.h), `-` is standard output */
	OPTION_TYPE_RECORD,	/* a path with placeholders, `-` is refused */
	OPTION_TYPE_DIRECTORY,	/* a path; const char * */
	OPTION_TYPE_WINDOW,	/* a number, two with a dash between them, or `last`; uint64_t */
	OPTION_TYPE_DIRECTORIES,/* the option may be repeated; array of const char * */
	OPTION_TYPE_TEXT,	/* const char * */
	OPTION_TYPE_TEXTS,	/* the option may be repeated; array of const char * */
	OPTION_TYPES
};

enum option_place {
	OPTION_PLACE_EVERYWHERE,	/* command line and environment */
	OPTION_PLACE_COMMAND,		/* command line only */
	OPTION_PLACE_INTERNAL,		/* environment only, and in no documentation */
	OPTION_PLACE_PRIVATE,		/* like INTERNAL, but options_print_env() never prints it */
};

enum option_purpose {
	OPTION_PURPOSE_ALL,
	OPTION_PURPOSE_TRACING,		/* says how a program is traced */
	OPTION_PURPOSE_READING,		/* says something about --report and --dump only */
	OPTION_PURPOSE_REPORTER,	/* as ALL, and dumps with it are written by another process than the traced
					 * one: options_by_reporter() */
};

/* A word that is the value of an option. */
typedef char options_word[12];

/* One row of the table, without the texts of --help. */
struct option_entry {
	/* Texts are here, as pointers of a library take four times their room. */
	char name[16];			/* without the dashes */
	char argument[13];		/* the value's name in --help; "": the option takes no value; in the form
					 * "[=NAME]", the option may stand without its value */
	char initial[5];		/* the default as a value; "": all bytes are 0 */
	uint8_t id, type, place, purpose;	/* the enumerations of these names */
	char letter;			/* short form, or 0 */
	const options_word *words;	/* words[min] to words[max] are valid; NULL: the value is no word */
	uint64_t min, max;		/* the least and the largest number, or index of a word */
	uint16_t offset, size;		/* of the field in struct options, in bytes */
	uint16_t count_offset;		/* of the uint8_t that counts an array's elements */
};

/* Every option, indexed by enum option_id; the last row's name is "". */
extern const struct option_entry options_table[];

extern const options_word options_sort_names[SORT_KEYS];
extern const options_word options_format_names[OUTPUT_FORMATS];	/* "" for OUTPUT_UNSET */
extern const options_word options_unwind_names[UNWIND_MODES];
extern const options_word options_default_ignore_names[DEFAULT_IGNORES];
extern const options_word options_start_names[START_MODES];
extern const options_word options_group_names[GROUPS];		/* "" for GROUP_NONE */
extern const options_word options_tree_names[TREES];		/* "" for TREE_NONE */

/* The name of a key: "size", "peak-count", ...; "?" if it is no valid key. */
const char *options_sort_name(enum sort_key key);

/* The name of a format, as --format takes it; "?" if it is no valid format. */
const char *options_format_name(enum output_format format);

/* Whether the option may stand without its value. Then a value has to follow its name behind a `=`. */
static inline bool options_value_is_optional(const struct option_entry *e)
{
	return e->argument[0] == '[';
}

/* The row with the name name[0..len), or NULL. */
const struct option_entry *options_find(const char *name, size_t len);

/* Whether the option has the same value in both. Texts count as the same if their addresses are. To compare with
 * the result of options_init() shows whether an option has another value than its default. */
bool options_same(const struct options *a, const struct options *b, const struct option_entry *e);

/*
 * A signal's name without SIG: "USR1", "RTMIN+3", "none" for 0, or its number if it has no name. The result is
 * a constant or lies in buf.
 */
#define OPTIONS_SIGNAL_BYTES	16
const char *options_signal_name(int sig, char buf[OPTIONS_SIGNAL_BYTES]);

/* The signal that a number or name means, with or without SIG, in any case of letters; "none"
 * is 0. -1: the text means no signal. */
int options_signal(const char *text);

/* Sets the defaults. */
void options_init(struct options *o);

/*
 * Sets the option of one row. value is its text (kept by reference where struct options has a text), or NULL when none
 * was given: that means the first word where a word is optional, and `all` where a time is. On a bad value *o stays as
 * it was, error gets one line like "depth=0: not a whole number from 1 to 255" (no newline, cut to error_bytes, always
 * terminated, control characters as ^X) and the result is false. For actions like --help only the absence of a value is
 * checked.
 */
bool options_set(struct options *o, const struct option_entry *e, const char *value,
		 char *error, size_t error_bytes);

struct out;

/*
 * Adds to a message, which begins with a wrong name, the options that were probably meant:
 * " (did you mean --signal-size or --signal-count?)". These are the options that begin with name[0..len), contain
 * it, are spelt like it, or have this name in another program. For a name that stands for something heaptrace
 * cannot do, a sentence says how to proceed instead. on_command_line: options that only the command line may have
 * are suggested, too, and all are written with their dashes. Returns whether anything was added.
 */
bool options_suggest(const char *name, size_t len, bool on_command_line, struct out *text);

/* Does the same for a list of words: " (did you mean peak-size or peak-count?)". */
bool options_suggest_word(const char *word, size_t len, const char *const *words, size_t count,
			  struct out *text);

/*
 * Reads the environment form, "top=3:sort=count:outfile=heap.%p" (`\:` and `\\` inside a
 * value), into *o, which options_init() prepared. Strings are unescaped into
 * store[0..store_bytes), which has to outlive *o; strlen(text) + 16 bytes always suffice.
 * Parts that are wrong are left out, and the others are taken. The first problem is described
 * in error (one line, no newline, always terminated), which is "" when there was none.
 * Empty parts are skipped. A `\` before anything but `:` and `\` stands for itself. If an
 * option is given several times, its last good value counts; lists of directories add up.
 * Returns true when there was no problem.
 */
bool options_parse_env(const char *text, struct options *o, char *store, size_t store_bytes,
		       char *error, size_t error_bytes);

/*
 * Writes the environment form of *o, always terminated: the options that differ from their defaults, the internal
 * ones included. Relative paths are made absolute with cwd, but for `-` as outfile, which is no file. A `%` in cwd
 * is doubled in templates, so that it is no placeholder. cwd NULL leaves all paths relative, and a cwd with a `:`
 * leaves lists of directories relative. Returns the length of the whole text without the NUL: if that is
 * >= size_bytes, the text was cut.
 */
size_t options_print_env(const struct options *o, const char *cwd, char *buf, size_t size_bytes);

/*
 * The length of the environment form without the ":held=N" and ":added=N" at its end, if they are there.
 * These two options are for one process alone, so they are not handed on to the next one.
 */
size_t options_env_base(const char *text);

#endif
