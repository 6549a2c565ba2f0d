/* SPDX-License-Identifier: GPL-2.0-only */
/* See conflicts.h. This is a file of its own so that the library is linked without these texts. */
#include "conflicts.h"

#include "base/out.h"

#include <string.h>

/* The condition under which two options cannot be taken. */
enum when {
	WHEN_GIVEN,	/* both have another value than the default */
	WHEN_SAME,	/* both have the same value, which is not 0 */
	WHEN_CHANGED,	/* they set the same field, and the command line gives it two values */
	WHEN_ALONE,	/* the first is given without the second, which it belongs to */
};

#define LIMIT_NEEDS(name)	"--" name " needs the watcher, which compares the figures with the limit, and which there is " \
				"not with --no-watch"

#define LIMIT_IS_EXACT(name)	"--" name " is compared with exact figures, and with --sample they are estimates: give one of the two"

static const struct {
	enum option_id first, second;
	enum when when;
	const char *why;
} conflicts[] = {
	{ OPTION_FORMAT, OPTION_FLAME_GRAPH, WHEN_CHANGED, "--flame-graph is --format=folded, and --format asks for "
	  "another format: give one of the two" },
	{ OPTION_REPORT, OPTION_DUMP, WHEN_GIVEN, "--report and --dump are two commands: give one of them" },
	{ OPTION_WATCH, OPTION_REPORT, WHEN_GIVEN, "--watch and --report are two commands: give one of them "
	  "(--watch=FILE shows a file of --record)" },
	{ OPTION_WATCH, OPTION_DUMP, WHEN_GIVEN, "--watch and --dump are two commands: give one of them (--watch=PID shows a "
	  "process that runs, and its key w writes a report)" },
	{ OPTION_WATCH, OPTION_PACK, WHEN_GIVEN, "--pack is for --report and --dump: leave --watch out" },
	{ OPTION_PID, OPTION_REPORT, WHEN_GIVEN, "--pid and --report are two commands: give one of them" },
	{ OPTION_PID, OPTION_DUMP, WHEN_GIVEN, "--pid and --dump are two commands: give --pid first, and --dump when the process "
	  "is traced" },
	{ OPTION_PID, OPTION_WATCH, WHEN_GIVEN, "--pid and --watch are two commands: give --pid first, and --watch when the process "
	  "is traced" },
	{ OPTION_INTERVAL, OPTION_WATCH, WHEN_ALONE, "--interval says how often --watch=PID looks: give that option, too "
	  "(dumps again and again: --every)" },
	{ OPTION_WITH_NAMES, OPTION_PACK, WHEN_ALONE, "--with-names says what goes into the file of --pack=OUT: give that "
	  "option, too" },
	{ OPTION_MAX_LEAK, OPTION_NO_WATCH, WHEN_GIVEN, LIMIT_NEEDS("max-leak") },
	{ OPTION_MAX_LEAK_COUNT, OPTION_NO_WATCH, WHEN_GIVEN, LIMIT_NEEDS("max-leak-count") },
	{ OPTION_MAX_PEAK, OPTION_NO_WATCH, WHEN_GIVEN, LIMIT_NEEDS("max-peak") },
	{ OPTION_MAX_CALLS, OPTION_NO_WATCH, WHEN_GIVEN, LIMIT_NEEDS("max-calls") },
	{ OPTION_MAX_TEMPORARY, OPTION_NO_WATCH, WHEN_GIVEN, LIMIT_NEEDS("max-temporary") },
	{ OPTION_SAMPLE, OPTION_MAX_LEAK, WHEN_GIVEN, LIMIT_IS_EXACT("max-leak") },
	{ OPTION_SAMPLE, OPTION_MAX_LEAK_COUNT, WHEN_GIVEN, LIMIT_IS_EXACT("max-leak-count") },
	{ OPTION_SAMPLE, OPTION_MAX_PEAK, WHEN_GIVEN, LIMIT_IS_EXACT("max-peak") },
	{ OPTION_SAMPLE, OPTION_MAX_CALLS, WHEN_GIVEN, LIMIT_IS_EXACT("max-calls") },
	{ OPTION_SAMPLE, OPTION_MAX_TEMPORARY, WHEN_GIVEN, LIMIT_IS_EXACT("max-temporary") },
	{ OPTION_EVERY, OPTION_RECORD, WHEN_GIVEN, "--every needs the watcher, which prints nothing with --record "
	  "(--report=FILE prints while the program runs)" },
	{ OPTION_EVERY, OPTION_NO_WATCH, WHEN_GIVEN, "--every needs the watcher, which there is not with --no-watch" },
	{ OPTION_GROWTH, OPTION_NO_WATCH, WHEN_GIVEN, "--growth needs the watcher, which takes the snapshots, and which there "
	  "is not with --no-watch" },
	{ OPTION_SIGNAL_SIZE, OPTION_SIGNAL_COUNT, WHEN_SAME, "--signal-size and --signal-count are the same signal: "
	  "choose two, or none for one of them" },
	{ OPTION_SIGNAL_SIZE, OPTION_SIGNAL_CLEAR, WHEN_SAME, "--signal-size and --signal-clear are the same signal: "
	  "choose two, or none for one of them" },
	{ OPTION_SIGNAL_COUNT, OPTION_SIGNAL_CLEAR, WHEN_SAME, "--signal-count and --signal-clear are the same signal: "
	  "choose two, or none for one of them" },
};

static bool is_reading(const struct options *o)
{
	return o->report || o->dump || o->watch;
}

/* Whether the command line has another option beside this one, which takes none. */
static bool conflicts_with_lone(enum option_id lone, const char *text, const bool given[OPTIONS], struct out *why)
{
	for (const struct option_entry *e = options_table; e->name[0]; e++) {
		if (!given[e->id] || e->id == lone)
			continue;
		out_text(why, text);
		out_text(why, e->name);
		out_text(why, " out");
		return true;
	}
	return false;
}

/* Whether the option has an effect on the command that the options ask for. */
static bool has_effect(const struct options *o, const struct option_entry *e)
{
	return e->purpose == OPTION_PURPOSE_ALL || e->purpose == OPTION_PURPOSE_REPORTER ||
	       (e->purpose == OPTION_PURPOSE_READING) == is_reading(o);
}

bool conflicts_with_command(const struct options *o, const bool given[OPTIONS], struct out *why)
{
	const char *command = o->report ? "report" : o->dump ? "dump" : "watch";

	if (o->detach)
		return conflicts_with_lone(OPTION_DETACH, "--detach takes no other option (what is traced ends as --pid has "
					   "begun it): leave --", given, why);
	if (o->control)
		return conflicts_with_lone(OPTION_CONTROL, "--control takes no other option (what is written follows from "
					   "the options that the process was started with): leave --", given, why);
	for (const struct option_entry *e = options_table; e->name[0]; e++) {
		if (!given[e->id] || has_effect(o, e))
			continue;
		out_text(why, "--");
		out_text(why, e->name);
		if (e->purpose == OPTION_PURPOSE_READING) {
			out_text(why, " is for --report and --dump");
			if (e->id == OPTION_SYSROOT)
				out_text(why, ": the files of a program that is started here are where it finds them");
			else
				out_text(why, ", which read what has been traced");
			return true;
		}
		out_text(why, " is for tracing a PROGRAM; --");
		out_text(why, command);
		out_text(why, o->report || o->dump ? " prints what has been traced: leave --" :
			 " shows what has been traced: leave --");
		out_text(why, e->name);
		out_text(why, " out");
		return true;
	}
	return false;
}

/* The option that asks for a tree, or NULL. */
static const char *tree_option(const struct options *o)
{
	return o->tree ? "--tree" : o->callers ? "--callers" : o->callees ? "--callees" : NULL;
}

/* Whether what adds up rows does not go together with the format or a sort key. */
static bool conflicts_with_sums(const struct options *o, struct out *why)
{
	const char *tree = tree_option(o);
	enum output_format format = options_format(o);

	if (!options_adds_up(o))
		return false;
	if (format != OUTPUT_TEXT && (tree || format != OUTPUT_JSON)) {
		out_text(why, tree ? tree : "--group");
		out_text(why, tree ? " is for text dumps; --format=" : " is for text dumps and --format=json; --format=");
		out_text(why, options_format_name(format));
		out_text(why, " has each backtrace by itself: leave one of the two out");
		return true;
	}
	if (o->brief) {
		out_text(why, tree ? tree : "--group");
		out_text(why, " adds up backtraces, and --short leaves them out: give one of the two");
		return true;
	}
	if (tree && (o->min_size || o->min_count || o->older_than_ms)) {
		out_text(why, "--min-size, --min-count and --older-than are for lists; branches of a tree are left out by "
			 "--min-share");
		return true;
	}
	for (unsigned i = 0; tree && i < o->sort_count; i++) {
		if (o->sort[i] == SORT_AGE) {
			out_text(why, tree);
			out_text(why, " adds up figures, and ages have no sum: choose another key for --sort");
			return true;
		}
	}
	return false;
}

#define SHOWS_DIFF	1u
#define SHOWS_GROWTH	2u

/* What a format can show beside the backtraces of one moment. */
static unsigned shows(enum output_format format)
{
	switch (format) {
	case OUTPUT_TEXT:
	case OUTPUT_HTML:
	case OUTPUT_JSON:
		return SHOWS_DIFF | SHOWS_GROWTH;
	case OUTPUT_SVG:
		return SHOWS_DIFF;
	default:
		return 0;
	}
}

/* Whether the format says of backtraces which function uses the memory. */
static bool shows_users(enum output_format format)
{
	return format == OUTPUT_HTML || format == OUTPUT_JSON || format == OUTPUT_MASSIF || format == OUTPUT_PERFETTO;
}

bool conflicts_by_lack(const struct options *o, const bool given[OPTIONS], struct out *why)
{
	enum output_format format = options_format(o);

	if (given[OPTION_SKIP] && !o->group && !o->tree && !shows_users(format))
		out_text(why, "--skip is for --group, --tree and --format=html, json, massif and perfetto, and none of them is "
			 "given");
	else if (given[OPTION_MIN_SHARE] && !tree_option(o) && !o->diff && !o->growth_ms && format != OUTPUT_MASSIF)
		out_text(why, "--min-share is for --tree, --callers, --callees, --diff, --growth and --format=massif, and none "
			 "of them is given");
	else if (given[OPTION_TOLERANCE] && !o->baseline)
		out_text(why, "--tolerance is for --baseline, which is not given");
	else if (o->diff && !o->report)
		out_text(why, "--diff=OLD compares OLD with the file of --report: give that option, too");
	else if (o->diff && options_adds_up(o))
		out_text(why, "--diff compares backtraces: leave groups and trees out");
	else if (o->diff && !(shows(format) & SHOWS_DIFF))
		out_text(why, "--diff is for --format=text, svg, html and json");
	else if (o->growth_ms && (tree_option(o) || o->diff || o->brief))
		out_text(why, "--growth lists backtraces or groups: leave trees, --diff and --short out");
	else if (o->growth_ms && !(shows(format) & SHOWS_GROWTH))
		out_text(why, "--growth is for --format=text, html and json");
	else
		return false;
	return true;
}

/* Whether the field has another value than 0. */
static bool has_value(const struct options *o, const struct option_entry *e)
{
	static const struct options nothing;

	return !options_same(o, &nothing, e);
}

static bool same_value(const struct options *o, const struct option_entry *a, const struct option_entry *b)
{
	return a->size == b->size &&
	       !memcmp((const char *)o + a->offset, (const char *)o + b->offset, a->size);
}

bool conflicts_by_change(const struct options *before, const struct options *o, const bool given[OPTIONS],
			 struct out *why)
{
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
		if (conflicts[i].when != WHEN_CHANGED || !given[conflicts[i].first] || !given[conflicts[i].second] ||
		    options_same(before, o, &options_table[conflicts[i].first]))
			continue;
		out_text(why, conflicts[i].why);
		return true;
	}
	return false;
}

/* Whether an option says something about limits, and there are none, or nothing that they could be applied to. */
static bool lacks_limits(const struct options *o, const struct options *initial, struct out *why)
{
	static const enum option_id about_limits[] = {
		OPTION_ERROR_EXITCODE, OPTION_JUNIT, OPTION_JUDGE, OPTION_BASELINE,
	};

	if (options_has_limits(o)) {
		if (o->detach || o->control || (!o->dump && !o->watch && !o->pid))
			return false;
		if (o->pid) {
			out_text(why, "the limits of --max-* are about a process from its first allocation to its end, and --pid is "
				 "about one that runs already: start PROGRAM with heaptrace for that");
			return true;
		}
		out_text(why, "the limits of --max-* are about a process that has ended, and --");
		out_text(why, o->dump ? "dump" : "watch");
		out_text(why, " is about one that runs");
		return true;
	}
	for (size_t i = 0; i < sizeof(about_limits) / sizeof(about_limits[0]); i++) {
		const struct option_entry *e = &options_table[about_limits[i]];

		if (options_same(o, initial, e))
			continue;
		out_text(why, "--");
		out_text(why, e->name);
		out_text(why, " says what comes of a limit: give one, such as --max-leak=0, too");
		return true;
	}
	return false;
}

bool conflicts_among(const struct options *o, struct out *why)
{
	struct options initial;

	if (conflicts_with_sums(o, why))
		return true;
	options_init(&initial);
	if (lacks_limits(o, &initial, why))
		return true;
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
		const struct option_entry *a = &options_table[conflicts[i].first];
		const struct option_entry *b = &options_table[conflicts[i].second];

		if (conflicts[i].when == WHEN_CHANGED || !has_effect(o, a) || !has_effect(o, b))
			continue;
		if (conflicts[i].when == WHEN_SAME ? has_value(o, a) && same_value(o, a, b) :
		    !options_same(o, &initial, a) &&
		    options_same(o, &initial, b) == (conflicts[i].when == WHEN_ALONE)) {
			out_text(why, conflicts[i].why);
			return true;
		}
	}
	return false;
}
