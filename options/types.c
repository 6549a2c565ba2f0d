/* SPDX-License-Identifier: GPL-2.0-only */
/* See types.h. No malloc, stdio or locale. */
#include "types.h"

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

/* Complains about the value, and says why. Always returns false. */
static bool refuse(const struct option_entry *e, const char *value, const char *why, struct out *error)
{
	types_complain(error, e, value);
	out_text(error, why);
	return false;
}

/* ---- fields ---- */

static void *field_of(struct options *o, const struct option_entry *e)
{
	return (char *)o + e->offset;
}

static const void *value_of(const struct options *o, const struct option_entry *e)
{
	return (const char *)o + e->offset;
}

static uint8_t *count_of(struct options *o, const struct option_entry *e)
{
	return (uint8_t *)o + e->count_offset;
}

static uint8_t elements_of(const struct options *o, const struct option_entry *e)
{
	return *((const uint8_t *)o + e->count_offset);
}

static void store_number(struct options *o, const struct option_entry *e, uint64_t v)
{
	void *field = field_of(o, e);

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

static uint64_t load_number(const struct options *o, const struct option_entry *e)
{
	const void *field = value_of(o, e);

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
	return *(const char *const *)value_of(o, e);
}

/* ---- flags and words ---- */

static bool set_nothing(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	(void)o, (void)e, (void)value, (void)error;
	return true;
}

static bool set_flag(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	(void)value, (void)error;
	store_number(o, e, true);
	return true;
}

static bool set_preset(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	(void)value, (void)error;
	store_number(o, e, e->min);
	return true;
}

static bool set_yes_no(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no"))
		return refuse(e, value, "neither yes nor no", error);
	store_number(o, e, yes);
	return true;
}

static void print_yes_no(struct out *t, const struct options *o, const struct option_entry *e)
{
	out_text(t, load_number(o, e) ? "yes" : "no");
}

/* The index of word[0..len) among the row's words; max + 1 if it is none of them. */
static unsigned find_word(const struct option_entry *e, const char *word, size_t len)
{
	unsigned i = (unsigned)e->min;

	while (i <= e->max && (strncmp(word, e->words[i], len) || e->words[i][len]))
		i++;
	return i;
}

static void add_words(struct out *t, const struct option_entry *e)
{
	for (unsigned i = (unsigned)e->min; i <= e->max; i++) {
		out_text(t, i > e->min ? ", " : " ");
		out_text(t, e->words[i]);
	}
}

static bool set_word(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	unsigned i = find_word(e, value, strlen(value));

	if (i > e->max) {
		refuse(e, value, "not one of", error);
		add_words(error, e);
		return false;
	}
	store_number(o, e, i);
	return true;
}

static void print_word(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t i = load_number(o, e);

	out_text(t, i >= e->min && i <= e->max ? e->words[i] : "?");
}

static bool refuse_key(const struct option_entry *e, const char *value, const char *key, size_t len,
		       struct out *error)
{
	unsigned known = find_word(e, key, len);

	types_complain(error, e, value);
	if (known <= e->max) {
		out_text(error, "the key ");
		out_text(error, e->words[known]);
		out_text(error, " is given twice: give each key once");
		return false;
	}
	out_text(error, "no ");
	out_text(error, e->name);
	out_text(error, " key '");
	out_foreign(error, key, len);
	out_char(error, '\'');
	options_suggest_word(key, len, e->words + e->min, e->max + 1 - e->min, error);
	out_text(error, "; valid are");
	add_words(error, e);
	return false;
}

static bool set_keys(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	uint8_t keys[32] = { 0 }, count = 0;
	uint32_t seen = 0;

	for (const char *key = value;;) {
		size_t len = strcspn(key, ",");
		unsigned k = find_word(e, key, len);

		if (k > e->max || (seen & 1u << k))
			return refuse_key(e, value, key, len, error);
		seen |= 1u << k;
		keys[count++] = (uint8_t)k;
		if (!key[len])
			break;
		key += len + 1;
	}
	memcpy(field_of(o, e), keys, e->size);
	*count_of(o, e) = count;
	return true;
}

static void print_keys(struct out *t, const struct options *o, const struct option_entry *e)
{
	const uint8_t *keys = value_of(o, e);

	for (unsigned i = 0; i < elements_of(o, e) && i < e->size; i++) {
		if (i)
			out_char(t, ',');
		out_text(t, keys[i] <= e->max ? e->words[keys[i]] : "?");
	}
}

/* ---- numbers ---- */

/* Decimal digits only: no sign, no space, no overflow. */
static bool read_number(const char *s, uint64_t max, uint64_t *number)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	*number = v;
	return true;
}

static bool set_number(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	uint64_t v;

	if (read_number(value, e->max, &v) && v >= e->min) {
		store_number(o, e, v);
		return true;
	}
	refuse(e, value, "not a whole number from ", error);
	out_u64(error, e->min);
	out_text(error, " to ");
	out_u64(error, e->max);
	if (e->type == OPTION_TYPE_LIMIT)
		out_text(error, " (0: all)");
	return false;
}

static void print_number(struct out *t, const struct options *o, const struct option_entry *e)
{
	out_u64(t, load_number(o, e));
}

/* A unit that may follow a number, as a multiple of the smallest unit. */
struct unit {
	const char *name;	/* in any case of letters */
	uint64_t factor;
};

/*
 * Reads digits, which may have a decimal point among them, as a number of thousandths. *rest: the text behind them.
 * False: there is no such number, it is 0, too large, or has more than three decimals.
 */
static bool read_thousandths(const char *s, uint64_t *v, const char **rest)
{
	int places = -1;

	for (*v = 0; (*s >= '0' && *s <= '9') || (*s == '.' && places < 0); s++) {
		if (*s == '.') {
			places = 0;
			continue;
		}
		if (places == 3 || *v > UINT64_MAX / 100000)
			return false;
		*v = *v * 10 + (uint64_t)(*s - '0');
		places += places >= 0;
	}
	for (places = places < 0 ? 0 : places; places < 3; places++)
		*v *= 10;
	*rest = s;
	return *v != 0;
}

/* Reads a number with up to three decimals, which a unit may follow, as thousandths of the smallest unit. units: a list
 * that ends with a name of NULL. max: the largest valid result. */
static bool read_quantity(const char *s, const struct unit *units, uint64_t max, uint64_t *thousandths)
{
	const char *rest;
	uint64_t v;

	if (!read_thousandths(s, &v, &rest))
		return false;
	for (; *rest; units++) {
		if (!units->name)
			return false;
		if (strcasecmp(rest, units->name))
			continue;
		if (v > max / units->factor)
			return false;
		v *= units->factor;
		break;
	}
	*thousandths = v;
	return v <= max;
}

/* The units are decimal, as those of printed sizes are. */
static bool set_size(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	static const struct unit units[] = {
		{ "k", 1000 }, { "kB", 1000 }, { "M", 1000000 }, { "MB", 1000000 },
		{ "G", 1000000000 }, { "GB", 1000000000 },
		{ "T", 1000000000000 }, { "TB", 1000000000000 }, { NULL, 0 }
	};
	uint64_t v;

	if (!read_quantity(value, units, e->max * 1000, &v) || v / 1000 < e->min)
		return refuse(e, value, "not a number of bytes like 500000, 20M or 1.5G", error);
	store_number(o, e, v / 1000);
	return true;
}

static bool set_seconds(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	static const struct unit units[] = { { NULL, 0 } };
	uint64_t ms;

	if (read_quantity(value, units, e->max, &ms) && ms >= e->min) {
		store_number(o, e, ms);
		return true;
	}
	refuse(e, value, "not a number of seconds from 0.001 to ", error);
	out_u64(error, e->max / 1000);
	return false;
}

static void print_seconds(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t ms = load_number(o, e);

	out_u64(t, ms / 1000);
	if (ms % 1000) {
		out_char(t, '.');
		for (uint32_t part = 100; part; part /= 10)
			out_char(t, (char)('0' + ms / part % 10));
	}
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
		return refuse(e, value, "there is no such signal: give a name like USR1, a number, RTMIN+NUM, "
			      "or none", error);
	if (!can_ask(sig))
		return refuse(e, value, "this signal cannot ask for a dump, because it cannot be caught, or tells "
			      "of a fault, or is the C library's: choose another", error);
	store_number(o, e, (uint64_t)sig);
	return true;
}

static void print_signal(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t sig = load_number(o, e);

	if (sig)
		out_u64(t, sig);
	else
		out_text(t, "none");
}

/* ---- texts ---- */

static bool set_text(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	if (!*value)
		return refuse(e, value, e->type == OPTION_TYPE_DIRECTORY ? "the name of a directory is missing" :
			      "a file name is missing", error);
	*(const char **)field_of(o, e) = value;
	return true;
}

static bool set_record(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	if (!strcmp(value, "-"))
		return refuse(e, value, "figures cannot be kept on standard output: give a file's name (./- for a "
			      "file named -)", error);
	return set_text(o, e, value, error);
}

static bool add_directory(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	const char **directories = field_of(o, e);
	uint8_t *count = count_of(o, e);

	if (!*value)
		return refuse(e, value, "the name of a directory is missing", error);
	if (strchr(value, ':'))	/* colons separate the directories in struct symbol_file */
		return refuse(e, value, "there can be no ':' in the name; repeat the option for more directories",
			      error);
	if (*count == e->size / sizeof(*directories))
		return refuse(e, value, "more than " OPTIONS_STRING(OPTIONS_DIRECTORIES_MAX) " directories", error);
	directories[(*count)++] = value;
	return true;
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

static const struct type {
	bool (*set)(struct options *o, const struct option_entry *e, const char *value, struct out *error);
	/* Prints the value. NULL: there is no value, or it is a text. */
	void (*print)(struct out *t, const struct options *o, const struct option_entry *e);
	enum text_kind text;
} types[OPTION_TYPES] = {
	[OPTION_TYPE_ACTION] = { set_nothing, NULL, NO_TEXT },
	[OPTION_TYPE_FLAG] = { set_flag, NULL, NO_TEXT },
	[OPTION_TYPE_PRESET] = { set_preset, NULL, NO_TEXT },
	[OPTION_TYPE_YES_NO] = { set_yes_no, print_yes_no, NO_TEXT },
	[OPTION_TYPE_NUMBER] = { set_number, print_number, NO_TEXT },
	[OPTION_TYPE_LIMIT] = { set_number, print_number, NO_TEXT },
	[OPTION_TYPE_PROCESS] = { set_number, print_number, NO_TEXT },
	[OPTION_TYPE_SIZE] = { set_size, print_number, NO_TEXT },
	[OPTION_TYPE_SECONDS] = { set_seconds, print_seconds, NO_TEXT },
	[OPTION_TYPE_WORD] = { set_word, print_word, NO_TEXT },
	[OPTION_TYPE_KEYS] = { set_keys, print_keys, NO_TEXT },
	[OPTION_TYPE_SIGNAL] = { set_signal, print_signal, NO_TEXT },
	[OPTION_TYPE_FILE] = { set_text, NULL, PATH_TEXT },
	[OPTION_TYPE_OUTPUT] = { set_text, NULL, TEMPLATE_TEXT },
	[OPTION_TYPE_RECORD] = { set_record, NULL, TEMPLATE_TEXT },
	[OPTION_TYPE_DIRECTORY] = { set_text, NULL, PATH_TEXT },
	[OPTION_TYPE_DIRECTORIES] = { add_directory, NULL, PATH_TEXT },
	[OPTION_TYPE_TEXT] = { set_text, NULL, PLAIN_TEXT },
};

bool types_set(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	return types[e->type].set(o, e, value, error);
}

bool types_keeps_text(const struct option_entry *e)
{
	return types[e->type].text != NO_TEXT;
}

static void add_name(struct out *t, const struct option_entry *e)
{
	if (out_length(t))
		out_char(t, ':');
	out_text(t, e->name);
	if (e->argument)
		out_char(t, '=');
}

/* Prints the option once for each directory. Where cwd has a ':', which would make them invalid, they stay
 * relative. */
static void print_directories(struct out *t, const struct options *o, const struct option_entry *e,
			      const char *cwd)
{
	const char *const *directories = value_of(o, e);

	for (unsigned i = 0; i < elements_of(o, e); i++) {
		add_name(t, e);
		add_path(t, directories[i], cwd && !strchr(cwd, ':') ? cwd : NULL, false);
	}
}

/* The option of type PRESET that stands for the value of the field, or NULL. */
static const struct option_entry *find_preset(const struct options *o, const struct option_entry *e)
{
	for (const struct option_entry *p = options_table; p->name; p++)
		if (p->type == OPTION_TYPE_PRESET && p->offset == e->offset && load_number(o, p) == p->min)
			return p;
	return NULL;
}

void types_print(struct out *t, const struct options *o, const struct option_entry *e, const char *cwd)
{
	const struct type *type = &types[e->type];
	const struct option_entry *preset = find_preset(o, e);

	/* A value that a PRESET stands for is printed as the PRESET, and not as a value of the other option. */
	if (preset ? preset != e : e->type == OPTION_TYPE_PRESET)
		return;
	if (e->type == OPTION_TYPE_DIRECTORIES) {
		print_directories(t, o, e, cwd);
		return;
	}
	add_name(t, e);
	if (type->print)
		type->print(t, o, e);
	else if (type->text == PLAIN_TEXT)
		add_escaped(t, load_text(o, e), false);
	else if (type->text != NO_TEXT)
		add_path(t, load_text(o, e), cwd, type->text == TEMPLATE_TEXT);
}
