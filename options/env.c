/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads and prints the environment form of the options.
 *
 *	HEAPTRACE_OPTIONS="top=3:sort=size,count:flame-graph:outfile=/tmp/a\:b.%p:run=4711:held=3"
 *
 * The library reads this form before the program's constructors run, and must not disturb the program. So
 * nothing here uses malloc, stdio or the locale. Texts go to the caller's store; one that has no room there is
 * refused.
 */
#include "options.h"

#include "base/out.h"
#include "types.h"

#include <string.h>

/* Reads one part of the environment form, text[0..len), which is not empty. Its value goes to
 * store + *used; *used moves on only if *o refers to the value afterwards. */
static bool parse_part(const char *text, size_t len, struct options *o, char *store,
		       size_t store_bytes, size_t *used, char *error, size_t error_bytes)
{
	struct out t = out_memory(error, error_bytes);
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	const struct option_entry *e = options_find(text, name_len);
	struct out value;

	if (!e || e->place == OPTION_PLACE_COMMAND) {
		out_foreign(&t, text, name_len);
		out_text(&t, ": no such option");
		options_suggest(text, name_len, false, &t);
		return false;
	}
	if (!equals)
		return options_set(o, e, NULL, error, error_bytes);

	value = out_memory(store + *used, store_bytes - *used);
	for (const char *p = equals + 1; p < text + len; p++) {
		if (*p == '\\' && p + 1 < text + len && (p[1] == ':' || p[1] == '\\'))
			p++;
		out_char(&value, *p);
	}
	if (!value.buf || value.lost) {
		out_text(&t, e->name);
		out_text(&t, ": the value is too long");
		return false;
	}
	if (!options_set(o, e, value.buf, error, error_bytes))
		return false;
	if (types_keeps_text(e))
		*used += value.len + 1;
	return true;
}

bool options_parse_env(const char *text, struct options *o, char *store, size_t store_bytes,
		       char *error, size_t error_bytes)
{
	bool good = true;
	size_t used = 0;

	out_memory(error, error_bytes);
	while (*text) {
		size_t len = 0;

		while (text[len] && text[len] != ':')
			len += text[len] == '\\' && (text[len + 1] == ':' || text[len + 1] == '\\')
				? 2 : 1;
		/* The first problem is kept, and later ones are written to nowhere. */
		if (len && !parse_part(text, len, o, store, store_bytes, &used, error,
				       good ? error_bytes : 0))
			good = false;
		text += len + (text[len] == ':');
	}
	return good;
}

size_t options_print_env(const struct options *o, const char *cwd, char *buf, size_t size_bytes)
{
	struct out t = out_memory(buf, size_bytes);
	struct options initial;

	options_init(&initial);
	for (const struct option_entry *e = options_table; e->name[0]; e++)
		if ((e->place == OPTION_PLACE_EVERYWHERE || e->place == OPTION_PLACE_INTERNAL) &&
		    !options_same(o, &initial, e))
			types_print(&t, o, e, cwd);
	return out_length(&t);
}

/* The length of text[0..len) without its last part, if that is `part` and a digit: ":held=3". A colon behind a
 * backslash belongs to a file's name. */
static size_t without_last(const char *text, size_t len, const char *part)
{
	size_t part_len = strlen(part) + 1;

	if (len >= part_len && !memcmp(text + len - part_len, part, part_len - 1) &&
	    text[len - 1] >= '0' && text[len - 1] <= '9' &&
	    (len == part_len || text[len - part_len - 1] != '\\'))
		return len - part_len;
	return len;
}

size_t options_env_base(const char *text)
{
	return without_last(text, without_last(text, strlen(text), ":added="), ":held=");
}
