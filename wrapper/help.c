/* SPDX-License-Identifier: GPL-2.0-only */
/* See help.h. */
#include "help.h"

#include "options/options.h"
#include "quit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns of options/table.def that only --help needs, by enum option_id. */
static const struct {
	const char *initial, *text;
} options_help[OPTIONS] = {
#define OPTION(id, name, letter, argument, type, field, limits, place, purpose, initial, words, help) \
	[OPTION_##id] = { words ? words : initial, help },
#include "options/table.def"
};

static const char *const keys_help[SORT_KEYS] = {
#define SORT_KEY(id, name, help)	[SORT_##id] = help,
#include "options/table.def"
};

#define HELP_WIDTH	80
#define HELP_INDENT	29

/* Prints a text that begins in a column. Lines are broken at blanks, and further lines are indented. Ends the line. */
static void print_wrapped(int column, const char *text)
{
	while (*text) {
		int word = (int)strcspn(text, " ");

		if (column > HELP_INDENT && column + 1 + word >= HELP_WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column < HELP_INDENT)
			column += printf("%*s", HELP_INDENT - column, "");
		else if (column > HELP_INDENT)
			column += printf(" ");
		column += printf("%.*s", word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

void help_print(void)
{
	printf("Usage: heaptrace [OPTION...] PROGRAM [ARG...]\n"
	       "       heaptrace [OPTION...] --dump=PID\n"
	       "       heaptrace [OPTION...] --report=FILE\n"
	       "Run PROGRAM and print which backtraces hold its heap memory: at its end, and on\n"
	       "SIGUSR1 (sorted by size) and SIGUSR2 (sorted by count) while it runs.\n\n");
	for (const struct option_entry *e = options_table; e->name; e++) {
		const char *initial = options_help[e->id].initial;
		char *text;
		int column;

		if (e->place != OPTION_PLACE_EVERYWHERE && e->place != OPTION_PLACE_COMMAND)
			continue;
		column = e->letter ? printf("  -%c, --%s", e->letter, e->name)
				   : printf("      --%s", e->name);
		if (e->argument)
			column += printf(options_value_is_optional(e) ? "%s" : "=%s", e->argument);
		text = formatted(initial ? "%s (default: %s)" : "%s", options_help[e->id].text, initial);
		print_wrapped(column, text);
		free(text);
	}
	printf("\nSort keys:\n");
	for (unsigned int k = 0; k < SORT_KEYS; k++)
		print_wrapped(printf("  %s", options_sort_name(k)), keys_help[k]);
	printf("\nThe exit status is PROGRAM's own, else 125: usage or set-up error, 126: PROGRAM\n"
	       "cannot be executed, 127: PROGRAM not found. The options for every process of a\n"
	       "run travel in " OPTIONS_ENV ".\n");
}

