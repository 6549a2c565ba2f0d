/* SPDX-License-Identifier: GPL-2.0-only */
/* See types.h. No malloc, stdio or locale. */
#include "types_parts.h"

#include "base/out.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

void types_complain(struct out *error, const struct option_entry *e, const char *value)
{
	out_text(error, e->name);
	if (value) {
		out_char(error, '=');
		out_foreign(error, value, strlen(value));
	}
	out_text(error, ": ");
}

bool types_refuse(const struct option_entry *e, const char *value, const char *why, struct out *error)
{
	types_complain(error, e, value);
	out_text(error, why);
	return false;
}

/* ---- fields ---- */

void types_store_number(struct options *o, const struct option_entry *e, uint64_t v)
{
	void *field = types_field(o, e);

	switch (e->size) {
	case sizeof(uint8_t):
		*(uint8_t *)field = (uint8_t)v;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)field = (uint32_t)v;
		break;
	default:
		*(uint64_t *)field = v;
	}
}

uint64_t types_load_number(const struct options *o, const struct option_entry *e)
{
	const void *field = types_value(o, e);

	switch (e->size) {
	case sizeof(uint8_t):
		return *(const uint8_t *)field;
	case sizeof(uint32_t):
		return *(const uint32_t *)field;
	default:
		return *(const uint64_t *)field;
	}
}

static const char *load_text(const struct options *o, const struct option_entry *e)
{
	return *(const char *const *)types_value(o, e);
}

/* ---- values that nothing is done with ---- */

static bool set_nothing(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	(void)o, (void)e, (void)value, (void)error;
	return true;
}

static void print_nothing(struct out *t, const struct options *o, const struct option_entry *e)
{
	(void)t, (void)o, (void)e;
}

/* ---- signals ---- */

/* Whether the signal can request a dump. Any signal can that a process can catch, except those that report a
 * fault and the two that the C library needs for itself (32 and 33). */
static bool can_ask(int sig)
{
	return sig >= 0 && sig != SIGKILL && sig != SIGSTOP && sig != SIGSEGV && sig != SIGBUS &&
	       sig != SIGFPE && sig != SIGILL && sig != SIGTRAP && sig != SIGSYS && sig != SIGABRT &&
	       sig != 32 && sig != 33;
}

static bool set_signal(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	int sig = options_signal(value);

	if (sig < 0)
		return types_refuse(e, value, "there is no such signal: give a name like USR1, a number, RTMIN+NUM, "
			      "or none", error);
	if (!can_ask(sig))
		return types_refuse(e, value, "this signal cannot ask for a dump, because it cannot be caught, or tells "
			      "of a fault, or is the C library's: choose another", error);
	types_store_number(o, e, (uint64_t)sig);
	return true;
}

static void print_signal(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t sig = types_load_number(o, e);

	if (sig)
		out_u64(t, sig);
	else
		out_text(t, "none");
}

/* ---- texts ---- */

static bool set_text(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	if (!*value)
		return types_refuse(e, value, e->type == OPTION_TYPE_DIRECTORY ? "the name of a directory is missing" :
				    e->type == OPTION_TYPE_TEXT ? "a text is missing" : "a file name is missing", error);
	*(const char **)types_field(o, e) = value;
	return true;
}

static bool set_record(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	if (!strcmp(value, "-"))
		return types_refuse(e, value, "figures cannot be kept on standard output: give a file's name (./- for a "
			      "file named -)", error);
	return set_text(o, e, value, error);
}

/* Adds a text to the list that is the option's field. */
static bool add_text(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	const char **texts = types_field(o, e);
	uint8_t *count = types_count(o, e);

	if (!*value)
		return types_refuse(e, value, "a text is missing", error);
	if (*count == e->size / sizeof(*texts))
		return types_refuse(e, value, "the option is given more than " OPTIONS_STRING(OPTIONS_TEXTS_MAX) " times",
				    error);
	texts[(*count)++] = value;
	return true;
}

static bool add_directory(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	if (!*value)
		return types_refuse(e, value, "the name of a directory is missing", error);
	if (strchr(value, ':'))	/* colons separate the directories in struct symbol_file */
		return types_refuse(e, value, "there can be no ':' in the name; repeat the option for more directories",
				    error);
	return add_text(o, e, value, error);
}

/* Adds text with the escapes of the environment form. */
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

static void add_path(struct out *t, const char *path, const char *cwd, bool is_template)
{
	if (path[0] != '/' && cwd && !(is_template && !strcmp(path, "-"))) {
		add_escaped(t, cwd, is_template);
		if (!*cwd || cwd[strlen(cwd) - 1] != '/')
			out_char(t, '/');
	}
	add_escaped(t, path, false);
}

/* ---- the types ---- */

/* How a value that is a text is printed. */
enum text_kind { NO_TEXT, PLAIN_TEXT, PATH_TEXT, TEMPLATE_TEXT };

/* X(enum option_type, sets the field, prints its value, the kind of text). No table, because pointers of a library take
 * four times their room. */
#define TYPES(X) \
	X(ACTION, set_nothing, print_nothing, NO_TEXT) \
	X(FLAG, types_set_flag, print_nothing, NO_TEXT) \
	X(PRESET, types_set_preset, print_nothing, NO_TEXT) \
	X(YES_NO, types_set_yes_no, types_print_yes_no, NO_TEXT) \
	X(NUMBER, types_set_number, types_print_number, NO_TEXT) \
	X(LIMIT, types_set_number, types_print_number, NO_TEXT) \
	X(PROCESS, types_set_number, types_print_number, NO_TEXT) \
	X(RUNNING, types_set_number, types_print_number, NO_TEXT) \
	X(SIZE, types_set_size, types_print_number, NO_TEXT) \
	X(TIME, types_set_time, types_print_time, NO_TEXT) \
	X(SHARE, types_set_share, types_print_share, NO_TEXT) \
	X(WORD, types_set_word, types_print_word, NO_TEXT) \
	X(KEYS, types_set_keys, types_print_keys, NO_TEXT) \
	X(SIGNAL, set_signal, print_signal, NO_TEXT) \
	X(WATCHED, set_text, print_nothing, PLAIN_TEXT) \
	X(FILE, set_text, print_nothing, PATH_TEXT) \
	X(OUTPUT, set_text, print_nothing, TEMPLATE_TEXT) \
	X(RECORD, set_record, print_nothing, TEMPLATE_TEXT) \
	X(DIRECTORY, set_text, print_nothing, PATH_TEXT) \
	X(WINDOW, types_set_window, types_print_window, NO_TEXT) \
	X(DIRECTORIES, add_directory, print_nothing, PATH_TEXT) \
	X(TEXT, set_text, print_nothing, PLAIN_TEXT) \
	X(TEXTS, add_text, print_nothing, PLAIN_TEXT)

bool types_set(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	switch ((enum option_type)e->type) {
#define SET(type, set, print, text)	case OPTION_TYPE_##type: return set(o, e, value, error);
	TYPES(SET)
	case OPTION_TYPES:
		break;
	}
	return false;
}

static enum text_kind kind_of(const struct option_entry *e)
{
	switch ((enum option_type)e->type) {
#define KIND(type, set, print, text)	case OPTION_TYPE_##type: return text;
	TYPES(KIND)
	case OPTION_TYPES:
		break;
	}
	return NO_TEXT;
}

bool types_keeps_text(const struct option_entry *e)
{
	return kind_of(e) != NO_TEXT;
}

/* Prints a value that is no text. */
static void print_value(struct out *t, const struct options *o, const struct option_entry *e)
{
	switch ((enum option_type)e->type) {
#define PRINT(type, set, print, text)	case OPTION_TYPE_##type: print(t, o, e); break;
	TYPES(PRINT)
	case OPTION_TYPES:
		break;
	}
}

static void add_name(struct out *t, const struct option_entry *e)
{
	if (out_length(t))
		out_char(t, ':');
	out_text(t, e->name);
	if (e->argument[0])
		out_char(t, '=');
}

/* Prints the option once for each text of its list. Where cwd has a ':', which would make directories invalid, they
 * stay relative. */
static void print_list(struct out *t, const struct options *o, const struct option_entry *e, const char *cwd)
{
	const char *const *texts = types_value(o, e);

	for (unsigned i = 0; i < types_elements(o, e); i++) {
		add_name(t, e);
		if (e->type == OPTION_TYPE_TEXTS)
			add_escaped(t, texts[i], false);
		else
			add_path(t, texts[i], cwd && !strchr(cwd, ':') ? cwd : NULL, false);
	}
}

/* The option of type PRESET that stands for the value of the field, or NULL. */
static const struct option_entry *find_preset(const struct options *o, const struct option_entry *e)
{
	for (const struct option_entry *p = options_table; p->name[0]; p++)
		if (p->type == OPTION_TYPE_PRESET && p->offset == e->offset && types_load_number(o, p) == p->min)
			return p;
	return NULL;
}

void types_print(struct out *t, const struct options *o, const struct option_entry *e, const char *cwd)
{
	const enum text_kind kind = kind_of(e);
	const struct option_entry *preset = find_preset(o, e);

	/* A value that a PRESET stands for is printed as the PRESET, and not as a value of the other option. */
	if (preset ? preset != e : e->type == OPTION_TYPE_PRESET)
		return;
	if (e->type == OPTION_TYPE_DIRECTORIES || e->type == OPTION_TYPE_TEXTS) {
		print_list(t, o, e, cwd);
		return;
	}
	add_name(t, e);
	if (kind == NO_TEXT)
		print_value(t, o, e);
	else if (kind == PLAIN_TEXT)
		add_escaped(t, load_text(o, e), false);
	else
		add_path(t, load_text(o, e), cwd, kind == TEMPLATE_TEXT);
}
