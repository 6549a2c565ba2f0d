/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the characters of a text begin, which may be UTF-8 (RFC 3629) or any other bytes. In UTF-8 the bytes of a
 * character behind its first one are 10xxxxxx, and no other bytes are. Any thread, async-signal-safe.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the byte belongs to the character that the bytes before it have begun. */
static inline bool utf8_continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The most bytes, up to `bytes`, after which the text can be cut without parting a character. text[bytes] must be
 * there; it may be the NUL. */
static inline size_t utf8_cut(const char *text, size_t bytes)
{
	while (bytes && utf8_continues(text[bytes]))
		bytes--;
	return bytes;
}

/* The character behind the first one of a text, which is not empty. */
static inline const char *utf8_next(const char *text)
{
	do
		text++;
	while (utf8_continues(*text));
	return text;
}

#endif
