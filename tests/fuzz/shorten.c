/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes shorten(): the first byte of the input is the number of columns, the rest a name. Checks
 * the contract: never longer, never malformed UTF-8 where it was well formed, what fits stays as
 * it is, a shortened text does so too (unless there are quotes in it), and what is left of the
 * text is there in its order.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/shorten.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Well formed, as far as the lengths of the sequences go. */
static bool is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		unsigned more = *p < 0x80 ? 0 : *p < 0xc0 ? 9 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;

		if (more == 9)
			return false;
		for (p++; more; more--, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/* Whether part comes from whole by taking pieces away and putting "..." there. */
static bool is_part(const char *part, const char *whole)
{
	for (; *part; part++) {
		if (*part == '.' || *part == ',' || *part == ' ')
			continue;
		while (*whole && *whole != *part)
			whole++;
		if (!*whole++)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *whole, *text;
	size_t columns, len, again;

	if (!size)
		return 0;
	columns = data[0];
	whole = malloc(size);		/* each of its own, so that a read beyond the end shows */
	memcpy(whole, data + 1, size - 1);
	whole[size - 1] = '\0';
	len = strlen(whole);
	text = malloc(len + 1);
	memcpy(text, whole, len + 1);

	again = shorten(text, columns);
	require(again == strlen(text) && again <= len);
	require(!is_utf8(whole) || is_utf8(text));
	if (shorten_columns(whole, len) <= columns)
		require(!strcmp(text, whole));
	require(is_part(text, whole));
	whole[0] = '\0';
	len = again;
	again = shorten(text, columns);
	require(again == len || (again < len && strpbrk(text, "'\"")));
	free(text);
	free(whole);
	return 0;
}
