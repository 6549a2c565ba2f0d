/* SPDX-License-Identifier: GPL-2.0-only */
/* See command_line.h. */
#include "command_line.h"

#include "base/out.h"
#include "base/version.h"
#include "help.h"
#include "options/conflicts.h"
#include "options/options.h"
#include "quit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sets an option. --help and --version are answered at once. */
static void set_option(struct options *o, const struct option_entry *e, const char *value)
{
	char error[512];

	if (!options_set(o, e, value, error, sizeof(error)))
		quit_saying(EXIT_SETUP, "--%s", error);
	if (e->id == OPTION_HELP) {
		help_print();
		quit_after_output();
	}
	if (e->id == OPTION_VERSION) {
		printf("heaptrace %s\n", HEAPTRACE_VERSION);
		quit_after_output();
	}
}

/* Whether the option is allowed on the command line. */
static bool is_for_command_line(const struct option_entry *e)
{
	return e->place == OPTION_PLACE_EVERYWHERE || e->place == OPTION_PLACE_COMMAND;
}

/* Ends the wrapper because of an argument that is no option. */
static _Noreturn void die_unknown(const char *arg)
{
	const char *name = arg + strspn(arg, "-");
	size_t len = strcspn(arg, "="), name_len = (size_t)(arg + len - name);
	char message[512];
	struct out wrong = out_memory(message, sizeof(message));

	if (arg[1] != '-' && arg[1] == 'p' && name_len == 1 + strspn(name + 1, "0123456789"))
		name_len = 1;		/* -p4711, which strace and gdb take, stands for -p */
	out_foreign(&wrong, arg, len);
	out_text(&wrong, ": no such option");
	if (!options_suggest(name, name_len, true, &wrong))
		out_text(&wrong, " (--help lists them)");
	quit_saying(EXIT_SETUP, "%s", message);
}

/* The row for an argument like --top, --top=3, -s or -ssize. *value: the value in the same argument, or NULL. */
static const struct option_entry *find_option(const char *arg, const char **value)
{
	size_t len = strcspn(arg, "=");
	const struct option_entry *e;

	if (arg[1] == '-') {
		e = options_find(arg + 2, len - 2);
		*value = arg[len] ? arg + len + 1 : NULL;
	} else {
		for (e = options_table; e->name[0] && e->letter != arg[1]; e++)
			;
		*value = arg[2] ? arg + 2 : NULL;
	}
	if (!e || !e->name[0] || !is_for_command_line(e))
		die_unknown(arg);
	return e;
}

/* Ends the wrapper because no PROGRAM is given. taker: the option that has taken the last argument, `value`, as its
 * value, as in `--record ls`; NULL: none has. */
static _Noreturn void die_without_program(const struct option_entry *taker, const char *value)
{
	char message[512];
	struct out why = out_memory(message, sizeof(message));

	out_text(&why, "PROGRAM is missing");
	if (taker) {
		out_text(&why, " (");
		out_foreign(&why, value, strlen(value));
		out_text(&why, " is taken as the value of --");
		out_text(&why, taker->name);
		out_char(&why, ')');
	}
	out_text(&why, ": heaptrace [OPTION...] PROGRAM [ARG...] (--help says more)");
	quit_saying(EXIT_SETUP, "%s", message);
}

/* Reads the options of the command line into *o. given: for each enum option_id, whether it is there. Returns the index
 * of PROGRAM in argv. */
static int parse_command(int argc, char **argv, struct options *o, bool given[OPTIONS])
{
	const struct option_entry *taker = NULL;
	char message[512];
	struct out why = out_memory(message, sizeof(message));
	int i = 1;

	memset(given, 0, OPTIONS * sizeof(*given));
	while (i < argc && argv[i][0] == '-' && argv[i][1]) {
		const struct options before = *o;
		const struct option_entry *e;
		const char *value;

		taker = NULL;
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		e = find_option(argv[i++], &value);
		if (e->argument[0] && !options_value_is_optional(e) && !value && i < argc) {
			value = argv[i++];
			taker = e;
		}
		set_option(o, e, value);
		given[e->id] = true;
		if (conflicts_by_change(&before, o, given, &why))
			quit_saying(EXIT_SETUP, "%s", message);
	}
	if (conflicts_with_command(o, given, &why))
		quit_saying(EXIT_SETUP, "%s", message);
	if (o->report && i < argc)
		quit_saying(EXIT_SETUP, "--report takes no PROGRAM (it prints what --record has kept)");
	if (o->dump && i < argc)
		quit_saying(EXIT_SETUP, "--dump takes no PROGRAM (it prints what a traced process holds)");
	if (o->watch && i < argc)
		quit_saying(EXIT_SETUP, "--watch takes no PROGRAM (it shows a process that runs, or what --record keeps: start "
			    "the program with heaptrace first)");
	if (o->pid && i < argc)
		quit_saying(EXIT_SETUP, "--pid takes no PROGRAM (it traces a process that runs already)");
	if (o->detach && i < argc)
		quit_saying(EXIT_SETUP, "--detach takes no PROGRAM (it is about a process that --pid has begun to trace)");
	if (o->control && i >= argc)
		quit_saying(EXIT_SETUP, "--control=PID needs a command: on, off, clear, sample=BYTES, dump or mark=TEXT");
	if (!o->report && !o->dump && !o->watch && !o->pid && !o->detach && i >= argc)
		die_without_program(taker, argv[argc - 1]);
	return i;
}

/* Reads the options of HEAPTRACE_OPTIONS, if that is set. The options of the command line override them. */
static void parse_environment(struct options *o)
{
	const char *text = getenv(OPTIONS_ENV);
	char error[512];
	size_t store_bytes;
	char *store;

	if (!text)
		return;
	store_bytes = strlen(text) + 16;
	store = malloc(store_bytes);	/* never freed, because *o refers to it */
	if (!store)
		quit_saying(EXIT_SETUP, "out of memory");
	if (!options_parse_env(text, o, store, store_bytes, error, sizeof(error)))
		quit_saying(EXIT_SETUP, OPTIONS_ENV ": %s", error);
}

int command_line_parse(int argc, char **argv, struct options *o)
{
	char message[512];
	struct out why = out_memory(message, sizeof(message));
	bool given[OPTIONS];
	int program;

	/* The first pass ignores the environment, because --help must work for someone whose HEAPTRACE_OPTIONS is
	 * wrong. */
	options_init(o);
	parse_command(argc, argv, o, given);
	options_init(o);
	parse_environment(o);
	program = parse_command(argc, argv, o, given);
	if (conflicts_by_lack(o, given, &why) || conflicts_among(o, &why))
		quit_saying(EXIT_SETUP, "%s", message);
	return program;
}
