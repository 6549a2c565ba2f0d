/* SPDX-License-Identifier: GPL-2.0-only */
/* See command_line.h. */
#include "command_line.h"

#include "base/out.h"
#include "die.h"
#include "help.h"
#include "options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HEAPTRACE_VERSION
#define HEAPTRACE_VERSION "0.1"
#endif

static void set_option(struct options *o, const struct option_entry *e, const char *value)
{
	char error[512];

	if (!options_set(o, e, value, error, sizeof(error)))
		die(EXIT_SETUP, "--%s", error);
	if (e->id == OPTION_HELP) {
		help_print();
		finish_output();
	}
	if (e->id == OPTION_VERSION) {
		printf("heaptrace %s\n", HEAPTRACE_VERSION);
		finish_output();
	}
}

/* The row of an argument like --top, --top=3, -s, -ssize; *value is what is attached. */
static const struct option_entry *find_option(const char *arg, const char **value)
{
	size_t len = strcspn(arg, "=");
	const char *name = arg + strspn(arg, "-");
	char message[512];
	struct out wrong;
	size_t name_len;

	*value = NULL;
	for (const struct option_entry *e = options_table; e->name; e++) {
		if (e->place == OPTION_INTERNAL)
			continue;
		if (arg[1] != '-' && e->letter && arg[1] == e->letter) {
			*value = arg[2] ? arg + 2 : NULL;
			return e;
		}
		if (arg[1] == '-' && strlen(e->name) == len - 2 &&
		    !memcmp(e->name, arg + 2, len - 2)) {
			*value = arg[len] ? arg + len + 1 : NULL;
			return e;
		}
	}
	name_len = (size_t)(arg + len - name);
	if (arg[1] != '-' && arg[1] == 'p' && name_len == 1 + strspn(name + 1, "0123456789"))
		name_len = 1;		/* -p4711, as strace and gdb take it */
	wrong = out_memory(message, sizeof(message));
	out_foreign(&wrong, arg, len);
	out_text(&wrong, ": no such option");
	if (!options_suggest(name, name_len, OPTION_COMMAND, &wrong))
		out_text(&wrong, " (--help lists them)");
	die(EXIT_SETUP, "%s", message);
}

/* Whether an option says how a program is traced. */
static bool is_for_tracing(enum option_id id)
{
	return id == OPTION_UNWIND || id == OPTION_EVERY || id == OPTION_ABOVE || id == OPTION_RECORD ||
	       id == OPTION_SIGNAL_SIZE || id == OPTION_SIGNAL_COUNT || id == OPTION_NO_WATCH ||
	       id == OPTION_CHILDREN;
}

/* given: bits of the options (1 << enum option_id) that the command line has. Those of the
 * environment go with every command, and are left aside where they say nothing. */
static void refuse_what_says_nothing(const struct options *o, uint64_t given)
{
	const char *command = o->report ? "report" : "dump";
	bool traces = !o->report && !o->dump;

	for (const struct option_entry *e = options_table; e->name; e++) {
		if (!(given >> e->id & 1))
			continue;
		if (traces && e->id == OPTION_SYSROOT)
			die(EXIT_SETUP, "--sysroot is for --report and --dump: the files of a program "
			    "that is started here are where it finds them");
		if (!traces && is_for_tracing(e->id))
			die(EXIT_SETUP, "--%s is for tracing a PROGRAM; --%s prints what has been traced: "
			    "leave --%s out", e->name, command, e->name);
	}
}

/* Returns the index of PROGRAM in argv. */
static int parse_command(int argc, char **argv, struct options *o)
{
	const uint64_t both_formats = (uint64_t)1 << OPTION_FORMAT | (uint64_t)1 << OPTION_FLAME_GRAPH;
	uint64_t given = 0;
	uint8_t format;
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1]) {
		const struct option_entry *e;
		const char *value;

		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		e = find_option(argv[i++], &value);
		if (e->argument && !value && i < argc)
			value = argv[i++];
		format = o->format;
		set_option(o, e, value);
		given |= (uint64_t)1 << e->id;
		if ((given & both_formats) == both_formats && o->format != format)
			die(EXIT_SETUP, "--flame-graph is --format=folded, and --format asks for another format: "
			    "give one of the two");
	}
	refuse_what_says_nothing(o, given);
	if (o->report || o->dump) {
		if (o->report && o->dump)
			die(EXIT_SETUP, "--report and --dump are two commands: give one of them");
		if (i < argc)
			die(EXIT_SETUP, o->report ?
			    "--report takes no PROGRAM (it prints what --record has kept)" :
			    "--dump takes no PROGRAM (it prints what a traced process holds)");
		return i;
	}
	if (i >= argc)
		die(EXIT_SETUP, "PROGRAM is missing: heaptrace [OPTION...] PROGRAM [ARG...] "
		    "(--help says more)");
	return i;
}

/* The options of a HEAPTRACE_OPTIONS that is already there; the command line comes on top. */
static void parse_environment(struct options *o)
{
	const char *text = getenv(OPTIONS_ENV);
	char error[512];
	size_t store_bytes;
	char *store;

	if (!text)
		return;
	store_bytes = strlen(text) + 16;
	store = malloc(store_bytes);	/* *o refers to it from here on */
	if (!store)
		die(EXIT_SETUP, "out of memory");
	if (!options_parse_env(text, o, store, store_bytes, error, sizeof(error)))
		die(EXIT_SETUP, OPTIONS_ENV ": %s", error);
}

int command_line_parse(int argc, char **argv, struct options *o)
{
	/* Once without the environment, because --help has to be there for someone whose HEAPTRACE_OPTIONS
	 * is wrong. */
	options_init(o);
	parse_command(argc, argv, o);
	options_init(o);
	parse_environment(o);
	return parse_command(argc, argv, o);
}
