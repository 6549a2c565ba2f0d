/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer target: the environment form of the options. Whatever the text, the options that
 * come out are in their ranges, and printing and parsing them gives the same again.
 */
#include "options/options.h"
#include "options/outfile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const char *const *texts(const struct options *o, const struct option_entry *e)
{
	return (const char *const *)(const void *)((const char *)o + e->offset);
}

static bool same_value(const struct options *a, const struct options *b, const struct option_entry *e)
{
	switch (e->type) {
	case OPTION_TYPE_FILE:
	case OPTION_TYPE_OUTPUT:
	case OPTION_TYPE_RECORD:
	case OPTION_TYPE_DIRECTORY:
	case OPTION_TYPE_TEXT:
	case OPTION_TYPE_DIRECTORIES:
		for (size_t i = 0; i < e->size / sizeof(char *); i++)
			if (!same_text(texts(a, e)[i], texts(b, e)[i]))
				return false;
		return true;
	default:
		return options_same(a, b, e);
	}
}

static void check_ranges(const struct options *o)
{
	unsigned int seen = 0;

	require(options_depth(o) >= 1);	/* its type says <= 255 */
	require(o->sort_count >= 1 && o->sort_count <= SORT_KEYS);
	for (int i = 0; i < o->sort_count; i++) {
		require(o->sort[i] < SORT_KEYS && !(seen & 1u << o->sort[i]));
		seen |= 1u << o->sort[i];
	}
	require(o->held <= 7);
	require(o->debug_dir_count <= OPTIONS_TEXTS_MAX);
	for (int i = 0; i < o->debug_dir_count; i++)
		require(o->debug_dirs[i][0] && !strchr(o->debug_dirs[i], ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *store = malloc(size + 16), *small = malloc(size / 2);
	char error[80], *printed, *again;
	struct options a, b;
	size_t len;
	bool good;

	memcpy(text, data, size);
	text[size] = 0;
	options_init(&a);
	good = options_parse_env(text, &a, store, size + 16, error, sizeof(error));
	require(good == !error[0] && strlen(error) < sizeof(error) && !strchr(error, '\n'));
	check_ranges(&a);

	len = options_print_env(&a, NULL, NULL, 0);
	printed = malloc(len + 1);
	again = malloc(len + 16);
	require(options_print_env(&a, NULL, printed, len + 1) == len && strlen(printed) == len);
	options_init(&b);
	require(options_parse_env(printed, &b, again, len + 16, error, sizeof(error)));
	for (const struct option_entry *e = options_table; e->name[0]; e++)
		require(e->place == OPTION_PLACE_PRIVATE || same_value(&a, &b, e));

	if (a.outfile) {
		char path[64];

		outfile_expand(a.outfile, 1234567, "com/mand", 7, true, path, sizeof(path));
		require(strlen(path) < sizeof(path));
	}
	/* A store that is too small loses values, and nothing else. */
	options_init(&b);
	options_parse_env(text, &b, small, size / 2, error, 5);
	check_ranges(&b);
	require(strlen(error) < 5);

	free(text);
	free(store);
	free(small);
	free(printed);
	free(again);
	return 0;
}
