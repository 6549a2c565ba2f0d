/* SPDX-License-Identifier: GPL-2.0-only */
/* See printable.h. */
#include "printable.h"

#include <stdint.h>

/* Returns how many bytes a well-formed character has that begins with these two bytes (Unicode 15, table
 * 3-7), or 0 if they begin none. Overlong forms, such as C0 9B for ESC, are not well-formed. */
static size_t utf8_bytes(uint8_t first, uint8_t second)
{
	if ((second & 0xc0) != 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
	if (first >= 0xf0 && first <= 0xf4)
		return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
	return 0;
}

/* Whether a well-formed character ends lines, or changes the direction in which text is shown. */
static bool is_hidden(const uint8_t *b)
{
	if (b[0] == 0xd8)
		return b[1] == 0x9c;				/* U+061C */
	if (b[0] != 0xe2)
		return false;
	if (b[1] == 0x80)					/* U+200E, U+200F; U+2028 to U+202E */
		return b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xa8 && b[2] <= 0xae);
	return b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9;	/* U+2066 to U+2069 */
}

size_t printable_character(const char *text, size_t bytes, bool *printable)
{
	const uint8_t *b = (const uint8_t *)text;
	size_t length = bytes > 1 && b[0] >= 0x80 ? utf8_bytes(b[0], b[1]) : 0;

	for (size_t i = 2; i < length; i++) {
		if (i >= bytes || (b[i] & 0xc0) != 0x80)
			length = 0;
	}
	if (length) {
		*printable = (b[0] != 0xc2 || b[1] >= 0xa0) && !is_hidden(b);
		return length;
	}
	*printable = b[0] >= 0x20 && b[0] != 0x7f && (b[0] < 0x80 || b[0] > 0x9f);
	return 1;
}
