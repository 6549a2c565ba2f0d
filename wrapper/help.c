/* SPDX-License-Identifier: GPL-2.0-only */
/* See help.h. */
#include "help.h"

#include "options/options.h"
#include "quit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What --help prints of options/table.def, in its order: headings, whose `text` is NULL, and options, of which these
 * are the columns that only --help needs. */
static const struct help_line {
	const char *heading, *initial, *text;
	enum option_id id;
} help_lines[] = {
#define OPTION_HEADING(text)	{ text, NULL, NULL, OPTIONS },
#define OPTION(id, name, letter, argument, type, field, limits, place, purpose, initial, words, help) \
	{ NULL, words ? words : initial, help, OPTION_##id },
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
	if (column + 2 > HELP_INDENT) {
		putchar('\n');
		column = 0;
	}
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

static void print_option(const struct help_line *line)
{
	const struct option_entry *e = &options_table[line->id];
	int column = e->letter ? printf("  -%c, --%s", e->letter, e->name) : printf("      --%s", e->name);
	char *text = formatted(line->initial ? "%s (default: %s)" : "%s", line->text, line->initial);

	if (e->argument[0])
		column += printf(options_value_is_optional(e) ? "%s" : "=%s", e->argument);
	print_wrapped(column, text);
	free(text);
}

/* Stands last, where somebody sees it in whose terminal the first lines have scrolled away. */
static const char help_questions[] =
	"\nQuestions, and what answers them (`man heaptrace` has the details):\n"
	"  Who holds memory at the end?      heaptrace PROGRAM\n"
	"  And now, while it runs?           heaptrace --dump=PID\n"
	"  And live, again and again?        heaptrace --watch=PID\n"
	"  In a process that runs already?   heaptrace --pid=PID, --detach=PID\n"
	"  Can I see it in a browser?        heaptrace --outfile=heap.html PROGRAM\n"
	"  In go tool pprof, or Perfetto?    heaptrace --outfile=heap.pb.gz PROGRAM\n"
	"                                    heaptrace --outfile=heap.trace.json PROGRAM\n"
	"  Which functions, with sums?       heaptrace --group=function PROGRAM\n"
	"  Who did at the heap's peak?       heaptrace --sort=heap-peak PROGRAM\n"
	"  Who allocates most often?         heaptrace --sort=total-count PROGRAM\n"
	"  What grows, does it leak?         heaptrace --growth PROGRAM\n"
	"  Who calls f, how much is it?      heaptrace --callers=f PROGRAM\n"
	"  Does a test of mine leak?         heaptrace --max-leak=0 make check\n"
	"  What differs between two runs?    heaptrace --record=FILE PROGRAM (each)\n"
	"                                    heaptrace --report=NEW --diff=OLD\n";

void help_print(void)
{
	printf("Usage: heaptrace [OPTION...] PROGRAM [ARG...]\n"
	       "       heaptrace [OPTION...] --pid=PID\n"
	       "       heaptrace --detach=PID\n"
	       "       heaptrace --control=PID COMMAND...\n"
	       "       heaptrace [OPTION...] --dump=PID\n"
	       "       heaptrace [OPTION...] --report=FILE\n"
	       "       heaptrace [OPTION...] --watch=PID|FILE [--interval=TIME]\n"
	       "Run PROGRAM and print which backtraces hold its heap memory: at its end, and on\n"
	       "SIGUSR1 (sorted by size) and SIGUSR2 (sorted by count) while it runs.\n");
	for (size_t i = 0; i < sizeof help_lines / sizeof *help_lines; i++) {
		const struct help_line *line = &help_lines[i];

		if (line->heading)
			printf("\n%s:\n", line->heading);
		else if (options_table[line->id].place == OPTION_PLACE_EVERYWHERE ||
			 options_table[line->id].place == OPTION_PLACE_COMMAND)
			print_option(line);
	}
	printf("\nSort keys:\n");
	for (unsigned int k = 0; k < SORT_KEYS; k++)
		print_wrapped(printf("  %s", options_sort_name(k)), keys_help[k]);
	printf("\nBYTES may end in k, M, G (decimal) or Ki, Mi, Gi. TIME is in seconds, or ends\n"
	       "in ms, s, m or h.\n"
	       "The exit status is PROGRAM's own, else 125: usage or set-up error, 126: PROGRAM\n"
	       "cannot be executed, 127: PROGRAM not found. The options for every process of a\n"
	       "run travel in " OPTIONS_ENV ".\n%s", help_questions);
}
