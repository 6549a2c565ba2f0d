/* SPDX-License-Identifier: GPL-2.0-only */
/* Options whose values are words, or that have no value: see types_parts.h. */
#include "types_parts.h"

#include "base/out.h"

#include <string.h>

bool types_set_flag(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	(void)value, (void)error;
	types_store_number(o, e, true);
	return true;
}

bool types_set_preset(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	(void)value, (void)error;
	types_store_number(o, e, e->min);
	return true;
}

bool types_set_yes_no(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no"))
		return types_refuse(e, value, "neither yes nor no", error);
	types_store_number(o, e, yes);
	return true;
}

void types_print_yes_no(struct out *t, const struct options *o, const struct option_entry *e)
{
	out_text(t, types_load_number(o, e) ? "yes" : "no");
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

bool types_set_word(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	unsigned i = value ? find_word(e, value, strlen(value)) : (unsigned)e->min;

	if (i > e->max) {
		types_refuse(e, value, "not one of", error);
		add_words(error, e);
		return false;
	}
	types_store_number(o, e, i);
	return true;
}

void types_print_word(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t i = types_load_number(o, e);

	out_text(t, i >= e->min && i <= e->max ? e->words[i] : "?");
}

static bool refuse_key(const struct option_entry *e, const char *value, const char *key, size_t len,
		       struct out *error)
{
	unsigned known = find_word(e, key, len);
	const char *words[32];		/* tests/options.t checks that there are fewer */

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
	for (uint64_t i = e->min; i <= e->max; i++)
		words[i] = e->words[i];
	options_suggest_word(key, len, words + e->min, e->max + 1 - e->min, error);
	out_text(error, "; valid are");
	add_words(error, e);
	return false;
}

bool types_set_keys(struct options *o, const struct option_entry *e, const char *value, struct out *error)
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
	memcpy(types_field(o, e), keys, e->size);
	*types_count(o, e) = count;
	return true;
}

void types_print_keys(struct out *t, const struct options *o, const struct option_entry *e)
{
	const uint8_t *keys = types_value(o, e);

	for (unsigned i = 0; i < types_elements(o, e) && i < e->size; i++) {
		if (i)
			out_char(t, ',');
		out_text(t, keys[i] <= e->max ? e->words[keys[i]] : "?");
	}
}
