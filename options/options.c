/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of options, the defaults, and setting one option from text: see options.h. */
#include "options.h"

#include "base/out.h"
#include "base/path.h"
#include "types.h"

#include <string.h>

const options_word options_sort_names[SORT_KEYS] = {
#define SORT_KEY(id, name, help)	[SORT_##id] = name,
#include "table.def"
};

const options_word options_format_names[OUTPUT_FORMATS] = {
#define OUTPUT_FORMAT(id, name, endings, help)	[OUTPUT_##id] = name,
#include "table.def"
};

const options_word options_default_ignore_names[DEFAULT_IGNORES] = {
#define DEFAULT_IGNORE(id, name)	[DEFAULT_IGNORE_##id] = name,
#include "table.def"
};
const options_word options_start_names[START_MODES] = {
#define START_MODE(id, name)	[START_##id] = name,
#include "table.def"
};

const options_word options_unwind_names[UNWIND_MODES] = {
#define UNWIND_MODE(id, name)		[UNWIND_##id] = name,
#include "table.def"
};

const options_word options_group_names[GROUPS] = {
#define GROUP_BY(id, name)		[GROUP_##id] = name,
#include "table.def"
};

const options_word options_tree_names[TREES] = {
#define TREE_FROM(id, name)		[TREE_##id] = name,
#include "table.def"
};

#define BYTES(f)		sizeof(((struct options *)0)->f)
#define FIELD(f)		.offset = offsetof(struct options, f), .size = BYTES(f)
#define LIST(f, n)		FIELD(f), .count_offset = offsetof(struct options, n)
#define NO_FIELD		.size = 0
#define RANGE(least, most)	.min = (least), .max = (most)
#define WORDS(names, first, count)	.words = (names), .min = (first), .max = (count) - 1
#define VALUE(number)		.min = (number), .max = (number)
#define NO_LIMITS		.min = 0

#define OPTION(id_, name_, letter_, argument_, type_, field, limits, place_, purpose_, initial_, words_, help) \
	[OPTION_##id_] = { .name = name_, .argument = argument_, .initial = initial_, field, limits,	\
			   .id = OPTION_##id_, .type = OPTION_TYPE_##type_,				\
			   .place = OPTION_PLACE_##place_, .purpose = OPTION_PURPOSE_##purpose_,	\
			   .letter = letter_ },
/* What table.def has no text for is NULL there, and an empty text here. */
#pragma push_macro("NULL")
#undef NULL
#define NULL	""
const struct option_entry options_table[] = {
#include "table.def"
	[OPTIONS] = { .name = "" }
};
#pragma pop_macro("NULL")

const char *options_sort_name(enum sort_key key)
{
	return (unsigned int)key < SORT_KEYS ? options_sort_names[key] : "?";
}

const char *options_format_name(enum output_format format)
{
	return format > OUTPUT_UNSET && format < OUTPUT_FORMATS ? options_format_names[format] : "?";
}

/* The endings of each format: "pb pb.gz". */
static const char format_endings[OUTPUT_FORMATS][36] = {
#define OUTPUT_FORMAT(id, name, endings, help)	[OUTPUT_##id] = endings,
#include "table.def"
};

/* The format that has this ending; OUTPUT_UNSET: none has. */
static enum output_format format_of_ending(const char *ending)
{
	size_t len = strlen(ending);

	for (unsigned i = OUTPUT_TEXT; i < OUTPUT_FORMATS; i++) {
		for (const char *e = format_endings[i]; *e; e += strspn(e, " ")) {
			size_t n = strcspn(e, " ");

			if (n == len && !memcmp(e, ending, n))
				return i;
			e += n;
		}
	}
	return OUTPUT_UNSET;
}

/* The format that the ending of a file's name stands for, the longest ending that stands for one: heap.trace.json is
 * no json. massif.out, which Valgrind's massif writes, may have a process id behind it. OUTPUT_UNSET: the file has no
 * such ending. */
static enum output_format format_by_ending(const char *file)
{
	const char *name = path_name(file), *massif = "massif.out";

	if (!strncmp(name, massif, strlen(massif)) && strchr(".", name[strlen(massif)]))
		return OUTPUT_MASSIF;
	for (const char *dot = *name ? strchr(name + 1, '.') : NULL; dot; dot = strchr(dot + 1, '.')) {
		enum output_format format = format_of_ending(dot + 1);

		if (format != OUTPUT_UNSET)
			return format;
	}
	return OUTPUT_UNSET;
}

enum output_format options_format(const struct options *o)
{
	enum output_format format = o->format;

	if (format == OUTPUT_UNSET && o->outfile)
		format = format_by_ending(o->outfile);
	return format == OUTPUT_UNSET ? OUTPUT_TEXT : format;
}

bool options_by_reporter(const struct options *o)
{
	struct options initial;

	if (options_format(o) >= OUTPUT_BY_REPORTER)
		return true;
	options_init(&initial);
	for (const struct option_entry *e = options_table; e->name[0]; e++) {
		if (e->purpose == OPTION_PURPOSE_REPORTER && !options_same(o, &initial, e))
			return true;
	}
	return false;
}

bool options_has_limits(const struct options *o)
{
	return o->max_leak != UINT64_MAX || o->max_leak_count != UINT64_MAX || o->max_peak != UINT64_MAX ||
	       o->max_calls != UINT64_MAX || o->max_temporary != UINT32_MAX;
}

const struct option_entry *options_find(const char *name, size_t len)
{
	for (const struct option_entry *e = options_table; e->name[0]; e++)
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	return NULL;
}

void options_init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	for (const struct option_entry *e = options_table; e->name[0]; e++)
		if (e->initial[0])
			options_set(o, e, e->initial, NULL, 0);
}

bool options_same(const struct options *a, const struct options *b, const struct option_entry *e)
{
	return !memcmp((const char *)a + e->offset, (const char *)b + e->offset, e->size);
}

bool options_set(struct options *o, const struct option_entry *e, const char *value,
		 char *error, size_t error_bytes)
{
	struct out t = out_memory(error, error_bytes);

	if (value ? !e->argument[0] : e->argument[0] && !options_value_is_optional(e)) {
		types_complain(&t, e, value);
		out_text(&t, value ? "takes no value" : "needs a value: ");
		if (!value)
			out_text(&t, e->argument);
		return false;
	}
	return types_set(o, e, value, &t);
}
