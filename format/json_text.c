/* SPDX-License-Identifier: GPL-2.0-only */
/* See json_text.h. */
#include "json_text.h"

#include "base/printable.h"

#include <string.h>

static void write_escape(struct out *out, unsigned code)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = { '\\', 'u' };

	for (unsigned i = 0; i < 4; i++)
		text[2 + i] = digits[code >> (12 - 4 * i) & 15];
	out_bytes(out, text, sizeof(text));
}

/* The code of a well-formed character of one, two or three bytes in UTF-8. */
static unsigned code_of(const char *text, size_t bytes)
{
	unsigned first = (unsigned char)text[0], second = (unsigned char)text[1] & 0x3f;

	if (bytes == 1)
		return first;
	if (bytes == 2)
		return (first & 0x1f) << 6 | second;
	return (first & 0x0f) << 12 | second << 6 | ((unsigned char)text[2] & 0x3f);
}

/* Writes the character at the start of text[0..left), of which there is at least one byte. Returns its bytes. */
static size_t write_character(struct out *out, const char *text, size_t left)
{
	unsigned char first = (unsigned char)*text;
	bool plain;
	size_t bytes = printable_character(text, left, &plain);

	if (bytes == 1 && first >= 0x80)
		write_escape(out, 0xfffd);
	else if (bytes <= 3 && (!plain || first == '<'))
		write_escape(out, code_of(text, bytes));
	else
		out_bytes(out, text, bytes);
	return bytes;
}

void json_text_part(const char *text, struct out *out)
{
	size_t left = strlen(text);

	while (left) {
		size_t bytes;

		if (*text == '"' || *text == '\\')
			out_char(out, '\\');
		bytes = write_character(out, text, left);
		text += bytes;
		left -= bytes;
	}
}

void json_text_write(const char *text, struct out *out)
{
	if (!text) {
		out_text(out, "null");
		return;
	}
	out_char(out, '"');
	json_text_part(text, out);
	out_char(out, '"');
}
