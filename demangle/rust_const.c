/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constants of Rust's v0 names: RFC 2603, "Consts", and for structural constants the rustc
 * book, "v0 Symbol Format". Examples: j7b_ is 123, lnf_ is -15, c41_ is 'A', Re616263_ is "abc".
 */
#include "demangle/rust_v0.h"

/* <const-data>: hexadecimal digits without leading zeros, and _. True: *value has the number.
 * False: it does not fit. *digits gets the digits in both cases. */
static bool hex_number(struct rust *r, uint64_t *value, struct rust_identifier *digits)
{
	digits->text = r->at;
	*value = 0;
	while (rust_hex_value(rust_peek(r)) >= 0)
		*value = *value << 4 | (uint64_t)rust_hex_value(rust_next(r));
	digits->len = (size_t)(r->at - digits->text);
	if (!rust_take(r, '_'))
		r->failed = true;
	return digits->len <= 16;
}

static void integer(struct rust *r)
{
	struct rust_identifier digits = {0};
	uint64_t value;

	if (hex_number(r, &value, &digits)) {
		rust_print_number(r, value);
	} else {
		rust_print(r, "0x");
		rust_print_identifier(r, &digits);
	}
}

static void boolean(struct rust *r)
{
	struct rust_identifier digits = {0};
	uint64_t value;

	if (!hex_number(r, &value, &digits) || value > 1)
		r->failed = true;
	rust_print(r, value ? "true" : "false");
}

/*
 * Whether a character has no shape of its own, or turns the direction of the text around it. These
 * are Unicode's categories Cf, Zl, Zp, Co and Zs, except for the space.
 */
static bool is_invisible(uint32_t ch)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0xa0, 0xa0 }, { 0xad, 0xad }, { 0x600, 0x605 }, { 0x61c, 0x61c },
		{ 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x890, 0x891 }, { 0x8e2, 0x8e2 },
		{ 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
		{ 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0xe000, 0xf8ff }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
		{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
		{ 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (ch >= ranges[i].first && ch <= ranges[i].last)
			return true;
	return false;
}

/* Prints a character as Rust's Debug does within quotes of this kind. */
static void quoted(struct rust *r, uint32_t ch, char quote)
{
	static const char escapes[] = "t\tr\rn\n\\\\0\0";

	for (unsigned i = 0; i < sizeof(escapes) - 1; i += 2) {
		if ((unsigned char)escapes[i + 1] == ch) {
			rust_text(r, '\\' | (unsigned)escapes[i] << 8);
			return;
		}
	}
	if (ch == (unsigned char)quote) {
		rust_text(r, '\\' | (unsigned)quote << 8);
	} else if (rust_is_printable(ch) && (ch < 0x80 || (quote == '"' && !is_invisible(ch)))) {
		if (!r->silent)
			rust_print_char(&r->out, ch);
	} else {
		char digits[9] = "";
		int i = 8;

		do
			digits[--i] = "0123456789abcdef"[ch & 15];
		while (ch >>= 4);
		rust_print(r, "\\u{");
		rust_print(r, digits + i);
		rust_print(r, "}");
	}
}

static void character(struct rust *r)
{
	struct rust_identifier digits = {0};
	uint64_t value;

	if (!hex_number(r, &value, &digits) || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff)) {
		r->failed = true;
		return;
	}
	rust_print(r, "'");
	quoted(r, (uint32_t)value, '\'');
	rust_print(r, "'");
}

/* The next byte of a string, from two hexadecimal digits. */
static int string_byte(struct rust *r)
{
	int high = rust_hex_value(rust_next(r)), low = rust_hex_value(rust_next(r));

	if (high >= 0 && low >= 0)
		return high << 4 | low;
	r->failed = true;
	return 0;
}

/* A string: its bytes in UTF-8, up to _. */
static void string(struct rust *r)
{
	rust_print(r, "\"");
	while (!r->failed && !rust_take(r, '_')) {
		int first = string_byte(r);
		int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
		uint32_t ch = (uint32_t)(more ? first & (0x3f >> more) : first);

		if (first >= 0x80 && first < 0xc2)
			r->failed = true;
		for (; more && !r->failed; more--) {
			int byte = string_byte(r);

			if ((byte & 0xc0) != 0x80)
				r->failed = true;
			ch = ch << 6 | (uint32_t)(byte & 63);
		}
		if (!r->failed)
			quoted(r, ch, '"');
	}
	rust_print(r, "\"");
}

/* The rest of a structural constant after V <path>: U (a unit), T <consts> E (a tuple), or S
 * <fields> E (a struct). */
void rust_variant(struct rust *r, unsigned arg)
{
	char kind = rust_next(r);

	(void)arg;
	if (kind == 'T')
		PLAN(r, T("("), DO(CONSTS, 0), T(")"));
	else if (kind == 'S')
		PLAN(r, T(" {"), T(" "), DO(FIELDS, 0), T(" }"));
	else if (kind != 'U')
		r->failed = true;
}

void rust_fields(struct rust *r, unsigned more)
{
	struct rust_identifier id;

	if (rust_list_ends(r, more, ", "))
		return;
	rust_optional_base62(r, 's');
	id = rust_identifier(r);
	rust_print_identifier(r, &id);
	rust_print(r, ": ");
	PLAN(r, DO(CONST, 1), DO(FIELDS, 1));
}

void rust_constants(struct rust *r, unsigned more)
{
	if (!rust_list_ends(r, more, ", "))
		PLAN(r, DO(CONST, 1), DO(CONSTS, 1));
}

/* Outside of other constants, one that is no plain literal stands in braces. */
void rust_constant(struct rust *r, unsigned inside)
{
	char tag = rust_next(r);

	if (!inside && tag && (strchr("AQTVe", tag) || (tag == 'R' && rust_peek(r) != 'e'))) {
		rust_print(r, "{");
		PLAN(r, T("}"));
	}
	switch (tag) {
	case 'p':
		rust_print(r, "_");
		break;
	case 'a': case 's': case 'l': case 'x': case 'n': case 'i':
		if (rust_take(r, 'n'))
			rust_print(r, "-");
		/* fall through */
	case 'h': case 't': case 'm': case 'y': case 'o': case 'j':
		integer(r);
		break;
	case 'b':
		boolean(r);
		break;
	case 'c':
		character(r);
		break;
	case 'e':
		rust_print(r, "*");
		string(r);
		break;
	case 'R':
		if (rust_take(r, 'e')) {
			string(r);
			break;
		}
		rust_print(r, "&");
		PLAN(r, DO(CONST, 1));
		break;
	case 'Q':
		rust_print(r, "&mut ");
		PLAN(r, DO(CONST, 1));
		break;
	case 'A':
		PLAN(r, T("["), DO(CONSTS, 0), T("]"));
		break;
	case 'T':
		rust_tuple(r, (struct plan_task)DO(CONST, 1), (struct plan_task)DO(CONSTS, 1));
		break;
	case 'V':
		PLAN(r, DO(PATH, 1), DO(VARIANT, 0));
		break;
	case 'B':
		rust_back_reference(r, (struct plan_task)DO(CONST, inside));
		break;
	default:
		r->failed = true;
	}
}
