/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_driver env TEXT [STORE_BYTES [ERROR_BYTES]]: parse, then print what came out
 * options_driver print CWD TEXT: parse TEXT and print its environment form with CWD
 * options_driver outfile TEMPLATE PID COMMAND NUMBER ADD_PID [BYTES]: expand
 * options_driver keys: the sort keys, one a line
 * options_driver table: what is wrong with the rows of the table, one fault a line
 */
#include "options/options.h"
#include "options/outfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_outfile(int argc, char **argv)
{
	size_t bytes = argc > 7 ? strtoul(argv[7], NULL, 10) : 4096;
	char *buf = malloc(bytes);
	bool fits = outfile_expand(argv[2], (uint32_t)atoi(argv[3]), argv[4],
				    (uint32_t)atoi(argv[5]), argv[6][0] == '1', buf, bytes);

	printf("%s%s\n", buf, fits ? "" : " (cut)");
	free(buf);
	return 0;
}

static int print_env(const char *cwd, const char *text)
{
	struct options o;
	char *store = malloc(strlen(text) + 16), *buf;
	char error[400];
	size_t len;

	options_init(&o);
	options_parse_env(text, &o, store, strlen(text) + 16, error, sizeof(error));
	len = options_print_env(&o, cwd, NULL, 0);
	buf = malloc(len + 1);
	options_print_env(&o, cwd, buf, len + 1);
	puts(buf);
	/* every shorter buffer: the same need, the same start */
	for (size_t cut = 1; cut <= len; cut++) {
		char *part = malloc(cut);

		if (options_print_env(&o, cwd, part, cut) != len || strlen(part) != cut - 1 ||
		    strncmp(part, buf, cut - 1))
			puts("cut wrong");
		free(part);
	}
	free(buf);
	free(store);
	return 0;
}

static bool is_number(const struct option_entry *e)
{
	return e->type == OPTION_TYPE_NUMBER || e->type == OPTION_TYPE_LIMIT || e->type == OPTION_TYPE_PROCESS;
}

/* The size that the field of a row has to have, in bytes; 0: any. */
static size_t field_bytes(const struct option_entry *e)
{
	switch (e->type) {
	case OPTION_TYPE_FLAG:
	case OPTION_TYPE_YES_NO:
		return sizeof(bool);
	case OPTION_TYPE_WORD:
	case OPTION_TYPE_SIGNAL:
		return sizeof(uint8_t);
	case OPTION_TYPE_SIZE:
		return sizeof(uint64_t);
	case OPTION_TYPE_TIME:
	case OPTION_TYPE_SHARE:
		return sizeof(uint32_t);
	case OPTION_TYPE_KEYS:
		return e->max + 1;
	case OPTION_TYPE_DIRECTORIES:
	case OPTION_TYPE_TEXTS:
		return OPTIONS_TEXTS_MAX * sizeof(char *);
	case OPTION_TYPE_FILE:
	case OPTION_TYPE_OUTPUT:
	case OPTION_TYPE_RECORD:
	case OPTION_TYPE_DIRECTORY:
	case OPTION_TYPE_TEXT:
		return sizeof(char *);
	default:
		return 0;
	}
}

static void check_row(const struct option_entry *e)
{
	bool valueless = e->type == OPTION_TYPE_FLAG || e->type == OPTION_TYPE_PRESET || e->type == OPTION_TYPE_ACTION;
	bool words = e->type == OPTION_TYPE_WORD || e->type == OPTION_TYPE_KEYS;
	struct options o;
	char error[200];

	options_init(&o);
	if (options_find(e->name, strlen(e->name)) != e)
		printf("%s: another option has this name\n", e->name);
	for (const struct option_entry *other = options_table; other < e; other++)
		if (e->letter && e->letter == other->letter)
			printf("%s: another option has this letter\n", e->name);
	if (strnlen(e->name, sizeof(e->name)) == sizeof(e->name) ||
	    strnlen(e->argument, sizeof(e->argument)) == sizeof(e->argument) ||
	    strnlen(e->initial, sizeof(e->initial)) == sizeof(e->initial))
		printf("%.16s: a text is as long as its array, and has no end\n", e->name);
	for (uint64_t i = e->min; words && i <= e->max; i++) {
		if (strnlen(e->words[i], sizeof(options_word)) == sizeof(options_word))
			printf("%s: a word is too long\n", e->name);
	}
	if (valueless != !e->argument[0])
		printf("%s: the type and the argument do not go together\n", e->name);
	if (field_bytes(e) && e->size != field_bytes(e))
		printf("%s: the field does not have the size of the type\n", e->name);
	if (is_number(e) && e->size < 8 && e->max >> 8 * e->size)
		printf("%s: the field is too small for the range\n", e->name);
	if (words != !!e->words || (words && e->max >= 32))
		printf("%s: the type and the limits do not go together\n", e->name);
	if (!!e->count_offset != (e->type == OPTION_TYPE_KEYS || e->type == OPTION_TYPE_DIRECTORIES ||
				  e->type == OPTION_TYPE_TEXTS))
		printf("%s: the type and the field do not go together\n", e->name);
	if (e->initial[0] && !options_set(&o, e, e->initial, error, sizeof(error)))
		printf("%s: the default is not valid: %s\n", e->name, error);
}

int main(int argc, char **argv)
{
	struct options o;

	if (argc > 1 && !strcmp(argv[1], "keys")) {
		for (unsigned int k = 0; k <= SORT_KEYS; k++)
			puts(options_sort_name(k));
	} else if (argc > 1 && !strcmp(argv[1], "table")) {
		for (const struct option_entry *e = options_table; e->name[0]; e++)
			check_row(e);
	} else if (argc > 6 && !strcmp(argv[1], "outfile")) {
		return print_outfile(argc, argv);
	} else if (argc > 3 && !strcmp(argv[1], "print")) {
		return print_env(argv[2], argv[3]);
	} else if (argc > 2 && !strcmp(argv[1], "env")) {
		size_t store_bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : strlen(argv[2]) + 16;
		size_t error_bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : 400;
		char *store = malloc(store_bytes), *error = malloc(error_bytes);
		bool good;

		options_init(&o);
		good = options_parse_env(argv[2], &o, store, store_bytes, error, error_bytes);
		printf("%d top=%u depth=%u graph=%d sort=", good, o.top, options_depth(&o), options_format(&o) == OUTPUT_FOLDED);
		for (int i = 0; i < o.sort_count; i++)
			printf("%s%s", i ? "," : "", options_sort_name(o.sort[i]));
		printf(" out=[%s] ignore=[%s] run=%u held=%u", o.outfile ? o.outfile : "",
		       o.ignore ? o.ignore : "", o.run, o.held);
		printf("%s%s", o.no_lines ? " no-lines" : "", o.no_demangle ? " no-demangle" : "");
		printf("%s", o.all_frames ? " all-frames" : "");
		for (int i = 0; i < o.debug_dir_count; i++)
			printf(" debug-dir=[%s]", o.debug_dirs[i]);
		if (o.record)
			printf(" record=[%s]", o.record);
		if (o.sysroot)
			printf(" sysroot=[%s]", o.sysroot);
		if (o.no_watch)
			printf(" no-watch");
		if (o.watcher)
			printf(" watcher=[%s]", o.watcher);
		printf(" error=[%s]\n", error);
		free(store);
		free(error);
	} else {
		return 2;
	}
	return 0;
}
