/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One table of options, and what is driven by it: setting an option from text (the wrapper's
 * command line and the environment form, options_env.c, share this), and suggestions for
 * misspelt names. No malloc, stdio or locale: the library is here before the program's
 * constructors.
 */
#include "options.h"

#include "base/out.h"
#include "base/path.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

static_assert(HEAPTRACE_DEPTH >= 1 && HEAPTRACE_DEPTH <= OPTIONS_DEPTH_MAX,
	      "make DEPTH=NUM takes 1 to 255");

#define HELD_MAX	3	/* both bits of options.held */
#define ADDED_MAX	7	/* all bits of options.added */

#define TEXT_(x)	#x
#define TEXT(x)		TEXT_(x)

const struct option_entry options_table[] = {
	{ "top", 0, "NUM", TEXT(OPTIONS_TOP),
	  "how many backtraces a text dump shows, 0 for all", OPTION_TOP, OPTION_EVERYWHERE },
	{ "sort", 's', "KEY[,KEY...]", "size",
	  "order of the backtraces; several keys give one section each",
	  OPTION_SORT, OPTION_EVERYWHERE },
	{ "depth", 0, "NUM", TEXT(HEAPTRACE_DEPTH) " in text dumps, else " TEXT(OPTIONS_DEPTH_GRAPH),
	  "frames kept per backtrace, 1 to " TEXT(OPTIONS_DEPTH_MAX),
	  OPTION_DEPTH, OPTION_EVERYWHERE },
	{ "format", 0, "FORMAT", "text, or what the ending of the outfile says",
	  "how dumps are written: text, folded (stacks for flame graphs), or json", OPTION_FORMAT, OPTION_EVERYWHERE },
	{ "flame-graph", 0, NULL, NULL,
	  "the same as --format=folded: folded stacks, weighted by the first sort key",
	  OPTION_FLAME_GRAPH, OPTION_EVERYWHERE },
	{ "outfile", 0, "FILE", "standard error",
	  "where dumps go; %p: pid, %c: command, %n: dump number, %%: a %; - is standard output",
	  OPTION_OUTFILE, OPTION_EVERYWHERE },
	{ "ignore", 0, "FILE", NULL,
	  "leave out backtraces that match a rule in FILE", OPTION_IGNORE, OPTION_EVERYWHERE },
	{ "no-lines", 0, NULL, NULL,
	  "look up functions only, no source lines and no inlined calls",
	  OPTION_NO_LINES, OPTION_EVERYWHERE },
	{ "no-demangle", 0, NULL, NULL, "print C++ and Rust names as they are in the file",
	  OPTION_NO_DEMANGLE, OPTION_EVERYWHERE },
	{ "debug-dir", 0, "DIR", NULL,
	  "look for separate debug files in DIR, too, before /usr/lib/debug; may be repeated",
	  OPTION_DEBUG_DIR, OPTION_EVERYWHERE },
	{ "unwind", 0, "HOW", "fast",
	  "how stacks are taken: fast, execinfo (by glibc's backtrace()), or check (both, compared)",
	  OPTION_UNWIND, OPTION_EVERYWHERE },
	{ "every", 0, "SECONDS", NULL,
	  "a dump of each process every so many SECONDS", OPTION_EVERY, OPTION_EVERYWHERE },
	{ "above", 0, "BYTES", NULL,
	  "a dump when the heap first exceeds BYTES (k, M, G), twice as much, three times as much...",
	  OPTION_ABOVE, OPTION_EVERYWHERE },
	{ "dump", 0, "PID", NULL,
	  "print a dump of a traced process that runs, to standard output or --outfile; no PROGRAM; "
	  "sends no signal, interrupts no call",
	  OPTION_DUMP, OPTION_COMMAND },
	{ "signal-size", 0, "SIG", "USR1",
	  "the signal that asks for a dump sorted by size: a name, a number, RTMIN+NUM, or none",
	  OPTION_SIGNAL_SIZE, OPTION_EVERYWHERE },
	{ "signal-count", 0, "SIG", "USR2", "the signal that asks for a dump sorted by count",
	  OPTION_SIGNAL_COUNT, OPTION_EVERYWHERE },
	{ "record", 0, "FILE", NULL,
	  "keep the figures in FILE, for --report: while the program runs and after it was killed",
	  OPTION_RECORD, OPTION_EVERYWHERE },
	{ "report", 0, "FILE", NULL,
	  "print a dump from a FILE of --record, to standard output or --outfile; no PROGRAM",
	  OPTION_REPORT, OPTION_COMMAND },
	{ "sysroot", 0, "DIR", NULL,
	  "with --report and --dump: the program's files are below DIR", OPTION_SYSROOT, OPTION_EVERYWHERE },
	{ "no-watch", 0, NULL, NULL,
	  "leave no watcher behind, which prints the dump of a program that is killed",
	  OPTION_NO_WATCH, OPTION_EVERYWHERE },
	{ "children", 0, "yes|no", "yes", "whether the processes that PROGRAM starts are traced, too",
	  OPTION_CHILDREN, OPTION_EVERYWHERE },
	{ "help", 'h', NULL, NULL, "print this and exit", OPTION_HELP, OPTION_COMMAND },
	{ "version", 'V', NULL, NULL, "print the version and exit",
	  OPTION_VERSION, OPTION_COMMAND },
	{ "watch", 0, "ADDRESS", NULL, "where the watcher listens",
	  OPTION_WATCH, OPTION_INTERNAL },
	{ "outfile-is", 0, "NUMBER.DEVICE.INODE", NULL, "the open descriptor that outfile stands for",
	  OPTION_OUTFILE_IS, OPTION_INTERNAL },
	{ "run", 0, "PID", NULL, "the process that the wrapper became",
	  OPTION_RUN, OPTION_INTERNAL },
	{ "held", 0, "MASK", NULL, "signals that the wrapper blocked",
	  OPTION_HELD, OPTION_INTERNAL },
	{ "added", 0, "MASK", NULL, "what was added to the environment",
	  OPTION_ADDED, OPTION_INTERNAL },
	{ .name = NULL }
};

static const char *const unwind_names[UNWIND_MODES] = {
	[UNWIND_FAST] = "fast", [UNWIND_EXECINFO] = "execinfo", [UNWIND_CHECK] = "check",
};

static const char *const format_names[OUTPUT_FORMATS] = {
	[OUTPUT_TEXT] = "text", [OUTPUT_FOLDED] = "folded", [OUTPUT_JSON] = "json",
};

static const struct {
	const char *name, *meaning;
} sort_keys[SORT_KEYS] = {
	[SORT_SIZE] = { "size", "bytes alive now" },
	[SORT_COUNT] = { "count", "blocks alive now" },
	[SORT_PEAK_SIZE] = { "peak-size", "each backtrace's own maximum of size" },
	[SORT_PEAK_COUNT] = { "peak-count", "each backtrace's own maximum of count" },
	[SORT_HEAP_PEAK] = { "heap-peak", "bytes alive when the whole heap was largest" },
	[SORT_TOTAL_SIZE] = { "total-size", "bytes since the start" },
	[SORT_TOTAL_COUNT] = { "total-count", "calls since the start" },
	[SORT_TEMPORARY] = { "temporary", "blocks freed before their thread's next allocation" },
	[SORT_AGE] = { "age", "time since the live count last left zero" },
};

const char *options_sort_name(enum sort_key key)
{
	return (unsigned int)key < SORT_KEYS ? sort_keys[key].name : "?";
}

const char *options_sort_meaning(enum sort_key key)
{
	return (unsigned int)key < SORT_KEYS ? sort_keys[key].meaning : "?";
}

const char *options_unwind_name(enum unwind_mode mode)
{
	return (unsigned int)mode < UNWIND_MODES ? unwind_names[mode] : "?";
}

const char *options_format_name(enum output_format format)
{
	return format > OUTPUT_UNSET && format < OUTPUT_FORMATS ? format_names[format] : "?";
}

/* The format whose name, or txt, is the ending of a file's name; OUTPUT_UNSET: it is none. */
static enum output_format format_by_ending(const char *file)
{
	const char *name = path_name(file), *ending = strrchr(name, '.');

	if (!ending || ending == name)
		return OUTPUT_UNSET;
	if (!strcmp(ending, ".txt"))
		return OUTPUT_TEXT;
	for (unsigned i = OUTPUT_TEXT; i < OUTPUT_FORMATS; i++) {
		if (!strcmp(ending + 1, format_names[i]))
			return i;
	}
	return OUTPUT_UNSET;
}

enum output_format options_format(const struct options *o)
{
	enum output_format format = o->format;

	if (format == OUTPUT_UNSET && o->outfile)
		format = format_by_ending(o->outfile);
	return format == OUTPUT_UNSET ? OUTPUT_TEXT : format;
}

void options_init(struct options *o)
{
	*o = (struct options){
		.top = OPTIONS_TOP, .sort = { SORT_SIZE }, .sort_count = 1,
		.depth = HEAPTRACE_DEPTH, .signals = { SIGUSR1, SIGUSR2 },
	};
}

/* Decimal digits only: no sign, no space, no overflow. */
static bool read_number(const char *s, uint32_t max, uint32_t *number)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	*number = (uint32_t)v;
	return true;
}

/* "name=value: ", the start of every complaint about a value */
static void add_culprit(struct out *t, const struct option_entry *e, const char *value)
{
	out_text(t, e->name);
	if (value) {
		out_char(t, '=');
		out_foreign(t, value, strlen(value));
	}
	out_text(t, ": ");
}

static bool set_number(const struct option_entry *e, const char *value, uint32_t min,
		       uint32_t max, uint32_t *number, struct out *error)
{
	uint32_t v;

	if (read_number(value, max, &v) && v >= min) {
		*number = v;
		return true;
	}
	add_culprit(error, e, value);
	out_text(error, "not a whole number from ");
	out_u64(error, min);
	out_text(error, " to ");
	out_u64(error, max);
	if (e->id == OPTION_TOP)
		out_text(error, " (0: all)");
	return false;
}

static void complain_key(const char *key, size_t len, struct out *error)
{
	out_text(error, "no sort key '");
	out_foreign(error, key, len);
	out_char(error, '\'');
	options_suggest_key(key, len, error);
	out_text(error, "; valid are");
	for (int k = 0; k < SORT_KEYS; k++) {
		out_text(error, k ? ", " : " ");
		out_text(error, sort_keys[k].name);
	}
}

static bool set_sort(struct options *o, const struct option_entry *e, const char *value,
		     struct out *error)
{
	uint8_t keys[SORT_KEYS];
	uint8_t count = 0;
	unsigned int seen = 0;

	for (const char *key = value;;) {
		size_t len = strcspn(key, ",");
		unsigned int k = 0;

		while (k < SORT_KEYS && (strncmp(key, sort_keys[k].name, len) ||
					 sort_keys[k].name[len]))
			k++;
		if (k == SORT_KEYS || (seen & 1u << k)) {
			add_culprit(error, e, value);
			if (k == SORT_KEYS) {
				complain_key(key, len, error);
			} else {
				out_text(error, "the key ");
				out_text(error, sort_keys[k].name);
				out_text(error, " is given twice: give each key once");
			}
			return false;
		}
		seen |= 1u << k;
		keys[count++] = (uint8_t)k;
		if (!key[len])
			break;
		key += len + 1;
	}
	memcpy(o->sort, keys, count);
	o->sort_count = count;
	return true;
}

static bool set_unwind(struct options *o, const struct option_entry *e, const char *value,
		       struct out *error)
{
	for (uint8_t i = 0; i < UNWIND_MODES; i++) {
		if (!strcmp(value, unwind_names[i])) {
			o->unwind = i;
			return true;
		}
	}
	add_culprit(error, e, value);
	out_text(error, "not one of fast, execinfo, check");
	return false;
}

static bool set_format(struct options *o, const struct option_entry *e, const char *value,
		       struct out *error)
{
	for (uint8_t i = OUTPUT_TEXT; i < OUTPUT_FORMATS; i++) {
		if (!strcmp(value, format_names[i])) {
			o->format = i;
			return true;
		}
	}
	add_culprit(error, e, value);
	out_text(error, "not one of text, folded, json");
	return false;
}

static bool set_children(struct options *o, const struct option_entry *e, const char *value,
			 struct out *error)
{
	bool no = !strcmp(value, "no");

	if (no || !strcmp(value, "yes")) {
		o->no_children = no;
		return true;
	}
	add_culprit(error, e, value);
	out_text(error, "neither yes nor no");
	return false;
}

static bool add_debug_dir(struct options *o, const struct option_entry *e, const char *value,
			  struct out *error)
{
	const char *why = NULL;

	if (!*value)
		why = "the name of a directory is missing";
	else if (strchr(value, ':'))	/* it separates them in struct symbol_file */
		why = "there can be no ':' in the name; repeat the option for more directories";
	else if (o->debug_dir_count == OPTIONS_DEBUG_DIRS_MAX)
		why = "more than " TEXT(OPTIONS_DEBUG_DIRS_MAX) " directories";
	if (why) {
		add_culprit(error, e, value);
		out_text(error, why);
		return false;
	}
	o->debug_dirs[o->debug_dir_count++] = value;
	return true;
}

/*
 * Digits, perhaps with a point among them, as thousandths; *rest is what follows. False: no such
 * number, or too large.
 */
static bool read_thousandths(const char *s, uint64_t *v, const char **rest)
{
	int places = -1;

	for (*v = 0; (*s >= '0' && *s <= '9') || (*s == '.' && places < 0); s++) {
		if (*s == '.') {
			places = 0;
			continue;
		}
		if (places == 3 || *v > UINT64_MAX / 100000)
			return false;
		*v = *v * 10 + (uint64_t)(*s - '0');
		places += places >= 0;
	}
	for (places = places < 0 ? 0 : places; places < 3; places++)
		*v *= 10;
	*rest = s;
	return *v != 0;
}

static bool set_every(struct options *o, const struct option_entry *e, const char *value,
		      struct out *error)
{
	const char *rest;
	uint64_t ms;

	if (read_thousandths(value, &ms, &rest) && !*rest && ms <= INT32_MAX) {
		o->every_ms = (uint32_t)ms;
		return true;
	}
	add_culprit(error, e, value);
	out_text(error, "not a number of seconds from 0.001 to 2147483");
	return false;
}

/* Decimal, as sizes are printed. */
static bool set_above(struct options *o, const struct option_entry *e, const char *value,
		      struct out *error)
{
	static const char units[] = "kmgt";
	uint64_t v, factor = 1;
	const char *rest, *unit;

	if (read_thousandths(value, &v, &rest)) {
		unit = *rest ? strchr(units, *rest | 0x20) : NULL;
		for (int i = 0; unit && i <= unit - units; i++)
			factor *= 1000;
		rest += unit != NULL;
		if ((!*rest || (unit && (*rest | 0x20) == 'b' && !rest[1])) &&
		    v <= (uint64_t)INT64_MAX / factor && v * factor >= 1000) {
			o->above_bytes = v * factor / 1000;
			return true;
		}
	}
	add_culprit(error, e, value);
	out_text(error, "not a number of bytes like 500000, 20M or 1.5G");
	return false;
}

/* Faults and what cannot be caught are no choice, nor what the C library needs (32, 33). */
static bool can_ask(int sig)
{
	return sig >= 0 && sig != SIGKILL && sig != SIGSTOP && sig != SIGSEGV && sig != SIGBUS &&
	       sig != SIGFPE && sig != SIGILL && sig != SIGTRAP && sig != SIGSYS && sig != SIGABRT &&
	       sig != 32 && sig != 33;
}

static bool set_signal(struct options *o, const struct option_entry *e, const char *value,
		       struct out *error)
{
	int sig = options_signal(value);

	if (can_ask(sig)) {
		o->signals[e->id == OPTION_SIGNAL_COUNT] = (uint8_t)sig;
		return true;
	}
	add_culprit(error, e, value);
	out_text(error, sig < 0 ? "there is no such signal: give a name like USR1, a number, RTMIN+NUM, or none" :
	    "this signal cannot ask for a dump, because it cannot be caught, or tells of a fault, or is the C "
	    "library's: choose another");
	return false;
}

static bool set_name(struct options *o, const struct option_entry *e, const char *value,
		     struct out *error)
{
	if (!*value) {
		add_culprit(error, e, value);
		out_text(error, "a file name is missing");
		return false;
	}
	if (e->id == OPTION_RECORD && !strcmp(value, "-")) {
		add_culprit(error, e, value);
		out_text(error, "figures cannot be kept on standard output: give a file's name (./- for a file named -)");
		return false;
	}
	*(e->id == OPTION_OUTFILE ? &o->outfile : e->id == OPTION_IGNORE ? &o->ignore :
	  e->id == OPTION_RECORD ? &o->record : e->id == OPTION_REPORT ? &o->report :
	  e->id == OPTION_SYSROOT ? &o->sysroot :
	  e->id == OPTION_OUTFILE_IS ? &o->outfile_is : &o->watch) = value;
	return true;
}

static bool set_value(struct options *o, const struct option_entry *e, const char *value,
		      struct out *error)
{
	uint32_t number = 0;

	switch (e->id) {
	case OPTION_TOP:
		return set_number(e, value, 0, UINT32_MAX, &o->top, error);
	case OPTION_SORT:
		return set_sort(o, e, value, error);
	case OPTION_DEPTH:
		if (!set_number(e, value, 1, OPTIONS_DEPTH_MAX, &number, error))
			return false;
		o->depth = (uint8_t)number;
		o->depth_given = true;
		return true;
	case OPTION_FORMAT:
		return set_format(o, e, value, error);
	case OPTION_FLAME_GRAPH:
		o->format = OUTPUT_FOLDED;
		return true;
	case OPTION_OUTFILE:
	case OPTION_IGNORE:
	case OPTION_RECORD:
	case OPTION_REPORT:
	case OPTION_SYSROOT:
	case OPTION_WATCH:
	case OPTION_OUTFILE_IS:
		return set_name(o, e, value, error);
	case OPTION_NO_WATCH:
		o->no_watch = true;
		return true;
	case OPTION_NO_LINES:
		o->no_lines = true;
		return true;
	case OPTION_NO_DEMANGLE:
		o->no_demangle = true;
		return true;
	case OPTION_DEBUG_DIR:
		return add_debug_dir(o, e, value, error);
	case OPTION_UNWIND:
		return set_unwind(o, e, value, error);
	case OPTION_EVERY:
		return set_every(o, e, value, error);
	case OPTION_ABOVE:
		return set_above(o, e, value, error);
	case OPTION_DUMP:
		return set_number(e, value, 1, INT32_MAX, &o->dump, error);
	case OPTION_SIGNAL_SIZE:
	case OPTION_SIGNAL_COUNT:
		return set_signal(o, e, value, error);
	case OPTION_CHILDREN:
		return set_children(o, e, value, error);
	case OPTION_RUN:
		return set_number(e, value, 0, UINT32_MAX, &o->run, error);
	case OPTION_HELD:
		if (!set_number(e, value, 0, HELD_MAX, &number, error))
			return false;
		o->held = (uint8_t)number;
		return true;
	case OPTION_ADDED:
		if (!set_number(e, value, 0, ADDED_MAX, &number, error))
			return false;
		o->added = (uint8_t)number;
		return true;
	case OPTION_HELP:
	case OPTION_VERSION:
		return true;
	}
	return false;
}

bool options_set(struct options *o, const struct option_entry *e, const char *value,
		 char *error, size_t error_bytes)
{
	struct out t = out_memory(error, error_bytes);

	if (!e->argument != !value) {
		add_culprit(&t, e, value);
		out_text(&t, value ? "takes no value" : "needs a value: ");
		if (!value) {
			out_text(&t, e->name);
			out_char(&t, '=');
			out_text(&t, e->argument);
		}
		return false;
	}
	if (!set_value(o, e, value, &t))
		return false;
	if (!o->depth_given)	/* it follows the format, which several options decide */
		o->depth = options_default_depth(o);
	return true;
}
