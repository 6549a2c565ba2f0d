/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options whose values are numbers, with or without units: see types_parts.h. Where the default is the word `none`, no
 * value is valid, too, and the field then has all bits set.
 */
#include "types_parts.h"

#include "base/out.h"

#include <string.h>
#include <strings.h>

#define NONE	"none"
#define ALL	"all"
#define DUMP	"dump"

/* Sets the field to no value. False: the text does not say so, or the option always has a value. */
static bool set_none(struct options *o, const struct option_entry *e, const char *value)
{
	if (strcmp(e->initial, NONE) || strcmp(value, NONE))
		return false;
	types_store_number(o, e, UINT64_MAX);
	return true;
}

static bool print_none(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t none = e->size < sizeof(uint64_t) ? ((uint64_t)1 << 8 * e->size) - 1 : UINT64_MAX;

	if (strcmp(e->initial, NONE) || types_load_number(o, e) != none)
		return false;
	out_text(t, NONE);
	return true;
}

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

bool types_set_number(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	uint64_t v;

	if (set_none(o, e, value))
		return true;
	if (read_number(value, e->max, &v) && v >= e->min) {
		types_store_number(o, e, v);
		return true;
	}
	types_refuse(e, value, "not a whole number from ", error);
	out_u64(error, e->min);
	out_text(error, " to ");
	out_u64(error, e->max);
	if (e->type == OPTION_TYPE_LIMIT)
		out_text(error, " (0: all)");
	return false;
}

void types_print_number(struct out *t, const struct options *o, const struct option_entry *e)
{
	if (!print_none(t, o, e))
		out_u64(t, types_load_number(o, e));
}

/* ---- windows: a number, or two ---- */

#define LAST	"last"

bool types_set_window(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	const char *dash = strchr(value, '-');
	uint64_t from, to;
	char first[16] = "";

	if (!strcmp(value, LAST)) {
		types_store_number(o, e, OPTIONS_WINDOW_LAST);
		return true;
	}
	if (dash && (size_t)(dash - value) < sizeof(first))
		memcpy(first, value, (size_t)(dash - value));
	if (!read_number(dash ? first : value, INT32_MAX, &from) || !read_number(dash ? dash + 1 : value, INT32_MAX, &to) ||
	    !from || from > to)
		return types_refuse(e, value, "not the number of a window like 2, two like 2-4, or " LAST, error);
	types_store_number(o, e, from << 32 | to);
	return true;
}

void types_print_window(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t window = types_load_number(o, e);

	if (window == OPTIONS_WINDOW_LAST) {
		out_text(t, LAST);
		return;
	}
	out_u64(t, window >> 32);
	out_char(t, '-');
	out_u64(t, (uint32_t)window);
}

/* ---- quantities: numbers with units ---- */

/* A unit that may follow a number, as a multiple of the smallest unit. */
struct unit {
	char name[4];		/* in any case of letters */
	uint64_t factor;
};

/* Reads digits, which may have a decimal point among them, as a number of thousandths. *rest: the text behind them.
 * False: there is no such number, it is too large, or has more than three decimals. */
static bool read_thousandths(const char *s, uint64_t *v, const char **rest)
{
	int places = -1;
	bool digits = false;

	for (*v = 0; (*s >= '0' && *s <= '9') || (*s == '.' && places < 0); s++) {
		if (*s == '.') {
			places = 0;
			continue;
		}
		if (places == 3 || *v > UINT64_MAX / 100000)
			return false;
		*v = *v * 10 + (uint64_t)(*s - '0');
		places += places >= 0;
		digits = true;
	}
	for (places = places < 0 ? 0 : places; places < 3; places++)
		*v *= 10;
	*rest = s;
	return digits;
}

/* Reads a number with up to three decimals, which a unit may follow, as thousandths of the smallest unit. units: a list
 * that ends with an empty name. max: the largest valid result. */
static bool read_quantity(const char *s, const struct unit *units, uint64_t max, uint64_t *thousandths)
{
	const char *rest;
	uint64_t v;

	if (!read_thousandths(s, &v, &rest))
		return false;
	for (; *rest; units++) {
		if (!units->name[0])
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

/* k, M, G and T are decimal, as printed sizes are; Ki, Mi, Gi and Ti are powers of 1,024. */
bool types_set_size(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	static const struct unit units[] = {
		{ "k", 1000 }, { "kB", 1000 }, { "M", 1000000 }, { "MB", 1000000 },
		{ "G", 1000000000 }, { "GB", 1000000000 },
		{ "T", 1000000000000 }, { "TB", 1000000000000 },
		{ "Ki", (uint64_t)1 << 10 }, { "KiB", (uint64_t)1 << 10 },
		{ "Mi", (uint64_t)1 << 20 }, { "MiB", (uint64_t)1 << 20 },
		{ "Gi", (uint64_t)1 << 30 }, { "GiB", (uint64_t)1 << 30 },
		{ "Ti", (uint64_t)1 << 40 }, { "TiB", (uint64_t)1 << 40 }, { "", 0 }
	};
	uint64_t v;

	if (set_none(o, e, value))
		return true;
	/* A fraction of a byte is cut off, but what is above 0 must not become 0. */
	if (!read_quantity(value, units, INT64_MAX, &v) || v / 1000 < e->min || (v && v < 1000))
		return types_refuse(e, value, "not a number of bytes like 500000, 20M or 1.5Gi", error);
	if (v / 1000 > e->max) {
		types_refuse(e, value, "at most ", error);
		out_size(error, e->max);
		return false;
	}
	types_store_number(o, e, v / 1000);
	return true;
}

/* The value is kept in milliseconds. */
bool types_set_time(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	/* The numbers that are read are thousandths of a second, thus milliseconds; "ms" is a unit of its own because
	 * the smallest unit of the others is the second. */
	static const struct unit units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "", 0 } };
	static const struct unit small[] = { { "ms", 1 }, { "", 0 } };
	size_t len = value ? strlen(value) : 0;
	bool is_ms = len > 2 && !strcasecmp(value + len - 2, "ms");
	uint64_t ms;

	if (options_value_is_optional(e) && (!value || !strcmp(value, ALL))) {
		types_store_number(o, e, OPTIONS_ALL_THE_TIME);
		return true;
	}
	if (options_value_is_optional(e) && !strcmp(value, DUMP)) {
		types_store_number(o, e, OPTIONS_SINCE_DUMP);
		return true;
	}
	if (read_quantity(value, is_ms ? small : units, is_ms ? e->max * 1000 : e->max, &ms) &&
	    !(is_ms && ms % 1000)) {
		ms /= is_ms ? 1000 : 1;
		if (ms >= e->min) {
			types_store_number(o, e, ms);
			return true;
		}
	}
	types_refuse(e, value, "not a number of seconds from ", error);
	out_thousandths(error, e->min);
	out_text(error, " to ");
	out_u64(error, e->max / 1000);
	out_text(error, ", nor one like 500ms, 5m or 2h");
	if (options_value_is_optional(e))
		out_text(error, ", nor " DUMP);
	return false;
}

/* A number of thousandths: with three decimals, or none where it is whole. */
static void print_thousandths(struct out *t, uint64_t v)
{
	if (v % 1000)
		out_thousandths(t, v);
	else
		out_u64(t, v / 1000);
}

void types_print_time(struct out *t, const struct options *o, const struct option_entry *e)
{
	uint64_t ms = types_load_number(o, e);

	if (options_value_is_optional(e) && ms == OPTIONS_ALL_THE_TIME)
		out_text(t, ALL);
	else if (options_value_is_optional(e) && ms == OPTIONS_SINCE_DUMP)
		out_text(t, DUMP);
	else
		print_thousandths(t, ms);
}

/* The value is kept in thousandths of a percent. */
bool types_set_share(struct options *o, const struct option_entry *e, const char *value, struct out *error)
{
	static const struct unit units[] = { { "%", 1 }, { "", 0 } };
	uint64_t v;

	if (set_none(o, e, value))
		return true;
	if (read_quantity(value, units, e->max * 1000, &v) && v >= e->min * 1000) {
		types_store_number(o, e, v);
		return true;
	}
	types_refuse(e, value, "not a percentage from ", error);
	out_u64(error, e->min);
	out_text(error, " to ");
	out_u64(error, e->max);
	out_text(error, " like 5, 2.5 or 10%");
	return false;
}

void types_print_share(struct out *t, const struct options *o, const struct option_entry *e)
{
	if (!print_none(t, o, e))
		print_thousandths(t, types_load_number(o, e));
}
