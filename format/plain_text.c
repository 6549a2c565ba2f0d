/* SPDX-License-Identifier: GPL-2.0-only */
/* See plain_text.h. */
#include "plain_text.h"

#include "base/printable.h"

#include <string.h>

void plain_text_write(const char *text, char twice, struct out *out)
{
	size_t left = strlen(text), bytes;

	for (; left; text += bytes, left -= bytes) {
		bool plain;

		/* Most of a name is ASCII, which goes out in one piece. */
		for (bytes = 0; text[bytes] >= 0x20 && text[bytes] < 0x7f && text[bytes] != twice; )
			bytes++;
		if (bytes) {
			out_bytes(out, text, bytes);
			continue;
		}
		bytes = printable_character(text, left, &plain);
		if (bytes == 1 && (unsigned char)*text >= 0x80)
			out_text(out, "\xef\xbf\xbd");	/* U+FFFD in UTF-8 */
		else if (!plain)
			out_char(out, '?');
		else
			out_bytes(out, text, bytes);
		if (bytes == 1 && *text == twice)
			out_char(out, twice);
	}
}
