/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The environment form of the options in both directions, and the outfile template.
 *
 *	HEAPTRACE_OPTIONS="top=3:sort=size,count:flame-graph:outfile=/tmp/a\:b.%p:run=4711:held=3"
 *
 * The library reads this before the program's constructors and must not disturb it, so there
 * is no malloc, stdio or locale here: numbers are read and written by hand, strings go to
 * the caller's store, and texts that do not fit are cut, never overrun.
 */
#include "options.h"

#include "base/out.h"

#include <signal.h>
#include <string.h>

/* name[0..len) as a row of the table that may stand in the environment, or NULL. */
static const struct option_entry *find_env(const char *name, size_t len)
{
	for (const struct option_entry *e = options_table; e->name; e++)
		if (e->place != OPTION_COMMAND && strlen(e->name) == len &&
		    !memcmp(e->name, name, len))
			return e;
	return NULL;
}

/* One part of the environment form, text[0..len), which is not empty. Its value goes to
 * store + *used; *used moves on only if *o refers to it afterwards. */
static bool parse_part(const char *text, size_t len, struct options *o, char *store,
		       size_t store_bytes, size_t *used, char *error, size_t error_bytes)
{
	struct out t = out_memory(error, error_bytes);
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	const struct option_entry *e = find_env(text, name_len);
	struct out value;

	if (!e) {
		out_foreign(&t, text, name_len);
		out_text(&t, ": no such option");
		options_suggest(text, name_len, OPTION_EVERYWHERE, &t);
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
	if (e->id == OPTION_OUTFILE || e->id == OPTION_IGNORE || e->id == OPTION_DEBUG_DIR ||
	    e->id == OPTION_RECORD || e->id == OPTION_SYSROOT || e->id == OPTION_WATCH ||
	    e->id == OPTION_OUTFILE_IS)
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
		/* The first problem is kept: later ones are written to nowhere. */
		if (len && !parse_part(text, len, o, store, store_bytes, &used, error,
				       good ? error_bytes : 0))
			good = false;
		text += len + (text[len] == ':');
	}
	return good;
}

/* A value of the environment form. */
static void add_escaped(struct out *t, const char *s, bool percent_doubled)
{
	for (; *s; s++) {
		if (*s == ':' || *s == '\\')
			out_char(t, '\\');
		if (*s == '%' && percent_doubled)
			out_char(t, '%');
		out_char(t, *s);
	}
}

static void add_name(struct out *t, const struct option_entry *e)
{
	if (out_length(t))
		out_char(t, ':');
	out_text(t, e->name);
	if (e->argument)
		out_char(t, '=');
}

static void add_path(struct out *t, const char *path, const char *cwd, bool is_template)
{
	if (path[0] != '/' && cwd && !(is_template && !strcmp(path, "-"))) {
		add_escaped(t, cwd, is_template);
		if (!*cwd || cwd[strlen(cwd) - 1] != '/')
			out_char(t, '/');
	}
	add_escaped(t, path, false);
}

static void print_option(struct out *t, const struct options *o, const struct option_entry *e,
			 const char *cwd)
{
	uint32_t number = 0;
	const char *path;
	bool by_count = e->id == OPTION_SIGNAL_COUNT;

	switch (e->id) {
	case OPTION_TOP:
		if (o->top == OPTIONS_TOP)
			return;
		number = o->top;
		break;
	case OPTION_SORT:
		if (o->sort_count == 1 && o->sort[0] == SORT_SIZE)
			return;
		add_name(t, e);
		for (int i = 0; i < o->sort_count && i < SORT_KEYS; i++) {
			if (i)
				out_char(t, ',');
			out_text(t, options_sort_name(o->sort[i]));
		}
		return;
	case OPTION_DEPTH:
		if (!o->depth_given && o->depth == options_default_depth(o))
			return;
		number = o->depth;
		break;
	case OPTION_FORMAT:
		if (o->format == OUTPUT_UNSET || o->format == OUTPUT_FOLDED)
			return;
		add_name(t, e);
		out_text(t, options_format_name(o->format));
		return;
	case OPTION_FLAME_GRAPH:
		if (o->format == OUTPUT_FOLDED)
			add_name(t, e);
		return;
	case OPTION_OUTFILE:
	case OPTION_IGNORE:
	case OPTION_RECORD:
	case OPTION_SYSROOT:
		path = e->id == OPTION_OUTFILE ? o->outfile : e->id == OPTION_IGNORE ? o->ignore :
		       e->id == OPTION_RECORD ? o->record : o->sysroot;
		if (!path)
			return;
		add_name(t, e);
		add_path(t, path, cwd, e->id == OPTION_OUTFILE || e->id == OPTION_RECORD);
		return;
	case OPTION_NO_WATCH:
		if (o->no_watch)
			add_name(t, e);
		return;
	case OPTION_WATCH:
	case OPTION_OUTFILE_IS:
		path = e->id == OPTION_WATCH ? o->watch : o->outfile_is;
		if (path) {
			add_name(t, e);
			add_escaped(t, path, false);
		}
		return;
	case OPTION_NO_LINES:
	case OPTION_NO_DEMANGLE:
		if (e->id == OPTION_NO_LINES ? o->no_lines : o->no_demangle)
			add_name(t, e);
		return;
	case OPTION_DEBUG_DIR:
		for (int i = 0; i < o->debug_dir_count; i++) {
			add_name(t, e);
			add_path(t, o->debug_dirs[i], cwd && !strchr(cwd, ':') ? cwd : NULL, false);
		}
		return;
	case OPTION_UNWIND:
		if (o->unwind != UNWIND_FAST) {
			add_name(t, e);
			out_text(t, options_unwind_name(o->unwind));
		}
		return;
	case OPTION_EVERY:
		if (!o->every_ms)
			return;
		add_name(t, e);
		out_u64(t, o->every_ms / 1000);
		if (o->every_ms % 1000) {
			out_char(t, '.');
			for (uint32_t part = 100; part; part /= 10)
				out_char(t, (char)('0' + o->every_ms / part % 10));
		}
		return;
	case OPTION_ABOVE:
		if (!o->above_bytes)
			return;
		add_name(t, e);
		out_u64(t, o->above_bytes);
		return;
	case OPTION_SIGNAL_SIZE:
	case OPTION_SIGNAL_COUNT:
		number = o->signals[by_count];
		if (number == (by_count ? SIGUSR2 : SIGUSR1))
			return;
		if (number)
			break;
		add_name(t, e);
		out_text(t, "none");
		return;
	case OPTION_CHILDREN:
		if (o->no_children) {
			add_name(t, e);
			out_text(t, "no");
		}
		return;
	case OPTION_RUN:
		if (!(number = o->run))
			return;
		break;
	case OPTION_HELD:
		if (!(number = o->held))
			return;
		break;
	case OPTION_ADDED:	/* written by inherit.c alone */
	case OPTION_DUMP:
	case OPTION_REPORT:
	case OPTION_HELP:
	case OPTION_VERSION:
		return;
	}
	add_name(t, e);
	out_u64(t, number);
}

size_t options_print_env(const struct options *o, const char *cwd, char *buf, size_t size_bytes)
{
	struct out t = out_memory(buf, size_bytes);

	for (const struct option_entry *e = options_table; e->name; e++)
		print_option(&t, o, e, cwd);
	return out_length(&t);
}

/* len without a last part like ":held=3"; a colon behind a backslash is part of a file's name. */
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
