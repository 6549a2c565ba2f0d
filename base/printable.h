/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which characters of foreign text (names of files, symbols and processes) may be sent to a terminal. Control
 * characters may not, because the terminal would obey them. There are two sets of control characters:
 * C0 (below 0x20, and DEL) and C1 (0x80 to 0x9f). Terminals accept C1 characters in UTF-8 (0x9b, which begins
 * a command, is encoded as C2 9B), and some terminals accept them as single bytes, too. The same byte values
 * also occur within other characters of UTF-8 (C3 9B is a letter), and those have to be kept. Nor may characters that
 * end a line or change the direction of text, with which a name could make the rest of its line look like something
 * else.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns the length in bytes of the character at the start of text[0..bytes); bytes is at least 1. *printable
 * becomes false for a control character and for U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069, and true
 * otherwise. A byte that is not part of a well-formed UTF-8 character counts as a character of Latin-1: a control
 * character from 0x80 to 0x9f, and printable above.
 * The function reads no byte behind a NUL. Async-signal-safe.
 */
size_t printable_character(const char *text, size_t bytes, bool *printable);

#endif
