/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts, figures and colours of a flame graph: see svg.h. */
#include "svg.h"

#include "base/hash.h"
#include "base/printable.h"
#include "text.h"

#include <string.h>

#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD */

/* ---- Texts ---- */

/* Writes a character that is markup in XML as an entity. False: it is none. */
static bool write_entity(struct out *out, char c)
{
	const char *entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;

	if (entity)
		out_text(out, entity);
	return entity;
}

/* Whether a well-formed character is one of U+FFFE and U+FFFF, which XML 1.0 (production 2, Char) does not allow. */
static bool is_no_character(const char *text, size_t bytes)
{
	return bytes == 3 && (!memcmp(text, "\xef\xbf\xbe", 3) || !memcmp(text, "\xef\xbf\xbf", 3));
}

/* json: quotes and backslashes get a backslash. */
static void write_characters(struct out *out, const char *text, size_t characters, bool json)
{
	size_t left = strlen(text);

	while (left && characters--) {
		bool printable;
		size_t bytes = printable_character(text, left, &printable);

		if (!printable)
			out_char(out, '?');
		else if ((bytes == 1 && (unsigned char)*text >= 0x80) || is_no_character(text, bytes))
			out_text(out, REPLACEMENT);
		else if (!write_entity(out, *text)) {
			if (json && (*text == '"' || *text == '\\'))
				out_char(out, '\\');
			out_bytes(out, text, bytes);
		}
		text += bytes;
		left -= bytes;
	}
	if (left)
		out_text(out, "...");
}

void svg_write_text(struct out *out, const char *text, size_t characters)
{
	write_characters(out, text, characters, false);
}

void svg_write_json(struct out *out, const char *text, size_t characters)
{
	out_char(out, '"');
	write_characters(out, text, characters, true);
	out_char(out, '"');
}

void svg_write_name(struct out *out, const struct merged_function *f, size_t characters)
{
	if (f->name) {
		svg_write_text(out, f->name, characters);
		return;
	}
	out_char(out, '[');
	if (f->module && !strcmp(f->module, SVG_TRACER))
		out_text(out, SVG_TRACER_IS);
	else
		svg_write_text(out, f->module ? f->module : "no module", characters);
	out_char(out, ']');
}

/* The bytes at the start of the text in which brackets are no brackets: an operator's name, or a namespace's. 0: there are
 * none. */
static size_t bracket_name(const char *text)
{
	static const char *const names[] = {
		"operator()", "operator[]", "operator<", "operator>", "operator-", "(anonymous namespace)",
	};
	size_t bytes = 0;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names) && !bytes; i++)
		bytes = strncmp(text, names[i], strlen(names[i])) ? 0 : strlen(names[i]);
	while (bytes && *text == 'o' && text[bytes] && strchr("<>=*", text[bytes]))	/* the rest of <=>, << and the like */
		bytes++;
	return bytes;
}

/* Whether a blank is a part of the name: "operator new", "operator unsigned long". so_far: what stands before it. */
static bool is_in_name(const char *so_far)
{
	const char *operator = strstr(so_far, "operator");

	return operator && (operator[8] == ' ' || !operator[8]);
}

/* Whether what follows a name at a blank is a part of its type only: " const", " [clone .cold]". */
static bool is_suffix(const char *so_far, const char *blank)
{
	return strstr(so_far, "operator") || !strncmp(blank, " const", 6) || blank[1] == '[' || blank[1] == '&' || !blank[1];
}

void svg_shorten(const char *name, char *buf, size_t size_bytes)
{
	struct out out = out_memory(buf, size_bytes);
	size_t depth = 0, bytes;

	for (const char *at = name; *at; at += bytes) {
		size_t special = bracket_name(at);

		bytes = special ? special : 1;
		if (!special && strchr("<([", *at))
			depth++;
		else if (!special && depth && strchr(">)]", *at))
			depth--;
		else if (depth)
			continue;
		else if (*at == ' ' && !is_in_name(out_string(&out))) {
			if (is_suffix(out_string(&out), at))
				break;
			out = out_memory(buf, size_bytes);		/* so far, it was the type that it returns */
		} else {
			out_bytes(&out, at, bytes);
		}
	}
	if (out_length(&out))
		return;
	out = out_memory(buf, size_bytes);
	out_text(&out, name);
}

void svg_write_value(struct out *out, enum sort_key key, uint64_t value)
{
	text_write_value(key, value, out);
	if (model_key_is_size(key) || key == SORT_AGE)
		return;
	out_text(out, svg_counts_blocks(key) ? " block" : " call");
	out_text(out, value == 1 ? "" : "s");
}

/* ---- Colours ---- */

#define HUES		36u
#define LIGHTNESSES	(SVG_COLOURS / HUES)
/* A number with which libc.so.6, libstdc++.so.6, ld-linux-x86-64.so.2 and libheaptrace.so, which most pictures have,
 * differ much from each other and from other common modules. It was found by trying. */
#define SALT		20774u

unsigned svg_colour(const char *module)
{
	uint64_t hash;

	if (!module)
		return SVG_COLOURS;
	hash = hash_add(SALT, hash_text(module)) >> 40;
	return (unsigned)(hash % HUES * LIGHTNESSES + hash / HUES % LIGHTNESSES);
}

/* Writes "#rrggbb" for a hue in degrees, and a saturation and a lightness in percent (CSS Color 4, section 7). */
static void write_colour(struct out *out, unsigned hue, unsigned saturation, unsigned lightness)
{
	static const char digits[] = "0123456789abcdef";
	static const unsigned offsets[3] = { 0, 8, 4 };		/* of red, green and blue, in twelfths of the circle */
	unsigned amplitude = saturation * (lightness < 50 ? lightness : 100 - lightness);	/* of 10,000 */

	out_char(out, '#');
	for (unsigned i = 0; i < 3; i++) {
		/* There, the wave is max(-1, min(k - 3, 9 - k, 1)) for k from 0 to 12. Here both are 30 times as much. */
		int k = (int)(offsets[i] * 30 + hue) % 360, level;
		int wave = k - 90 < 270 - k ? k - 90 : 270 - k;

		wave = wave > 30 ? 30 : wave < -30 ? -30 : wave;
		level = ((int)lightness * 3000 - (int)amplitude * wave) * 255 / 300000;
		out_char(out, digits[level >> 4 & 15]);
		out_char(out, digits[level & 15]);
	}
}

static void write_rules(struct out *out, const bool used[SVG_COLOURS + 1], bool dark)
{
	for (unsigned c = 0; c < SVG_COLOURS; c++) {
		if (!used[c])
			continue;
		out_text(out, ".c");
		out_u64(out, c);
		out_text(out, "{fill:");
		write_colour(out, c / LIGHTNESSES * (360 / HUES), dark ? 42 : 62, (dark ? 27 : 71) + c % LIGHTNESSES * 5);
		out_text(out, "}");
	}
}

void svg_write_colours(struct out *out, const bool used[SVG_COLOURS + 1])
{
	write_rules(out, used, false);
	out_text(out, "\n@media (prefers-color-scheme:dark){");
	write_rules(out, used, true);
	out_text(out, "}\n");
}

const char *svg_change_class(uint64_t was, uint64_t is)
{
	static const char *const classes[2][5] = {
		{ "s0", "s1", "s2", "s3", "s4" }, { "g0", "g1", "g2", "g3", "g4" },
	};
	double larger = (double)(is > was ? is : was), share = larger ? (is > was ? is - was : was - is) / larger : 0;
	unsigned step = share < 0.01 ? 0 : share < 0.1 ? 1 : share < 0.3 ? 2 : share < 0.6 ? 3 : 4;

	return classes[is > was][step];
}
