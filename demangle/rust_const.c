/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constants of Rust's v0 names: RFC 2603, "Consts", and the structural ones (rustc book,
 * "v0 Symbol Format"): j7b_ is 123, lnf_ is -15, c41_ is 'A', Re616263_ is "abc".
 */
#include "demangle/rust_v0.h"

static int hex_value(char ch)
{
	return rust_is_digit(ch) ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* <hex digits> _, without leading zeros: true when it fits, else its digits are at *digits */
static bool hex_number(struct rust *r, uint64_t *value, struct rust_identifier *digits)
{
	digits->text = r->at;
	*value = 0;
	while (hex_value(rust_peek(r)) >= 0)
		*value = *value << 4 | (uint64_t)hex_value(rust_next(r));
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
 * Characters without a shape of their own, and those that turn the direction of the text around
 * them: Unicode's categories Cf, Zl, Zp, Co and Zs, but for the space.
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

/* As Rust's Debug writes it, in quotes of this kind */
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

/* The hexadecimal digits of UTF-8, two a byte, up to _ */
static int string_byte(struct rust *r)
{
	int high = hex_value(rust_next(r)), low = hex_value(rust_next(r));

	if (high >= 0 && low >= 0)
		return high << 4 | low;
	r->failed = true;
	return 0;
}

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

/* V <path> then U (unit), T <consts> E (tuple), S <fields> E (struct) */
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

	if (rust_take(r, 'E'))
		return;
	if (more)
		rust_print(r, ", ");
	rust_optional_base62(r, 's');
	id = rust_identifier(r);
	rust_print_identifier(r, &id);
	rust_print(r, ": ");
	PLAN(r, DO(CONST, 1), DO(FIELDS, 1));
}

/* (1,) like the types of tuples */
void rust_constant_tuple_end(struct rust *r, unsigned arg)
{
	(void)arg;
	if (rust_take(r, 'E'))
		rust_print(r, ",)");
	else
		PLAN(r, DO(CONSTS, 1), T(")"));
}

void rust_constants(struct rust *r, unsigned count)
{
	if (rust_take(r, 'E'))
		return;
	if (count)
		rust_print(r, ", ");
	PLAN(r, DO(CONST, 1), DO(CONSTS, 1));
}

/* A constant that is no plain literal stands in braces where types may stand. */
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
		rust_print(r, "(");
		if (rust_take(r, 'E'))
			rust_print(r, ")");
		else
			PLAN(r, DO(CONST, 1), DO(CONST_TUPLE_END, 0));
		break;
	case 'V':
		PLAN(r, DO(PATH, 1), DO(VARIANT, 0));
		break;
	case 'B':
		rust_back_reference(r, (struct rust_task)DO(CONST, inside));
		break;
	default:
		r->failed = true;
	}
}
