/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which bytes of foreign text (names of files, symbols and processes) may go to a terminal. Control
 * characters may not: the terminal would obey them. There are two sets of them, C0 (below 0x20, and
 * DEL) and C1 (0x80 to 0x9f). Terminals know the second one as UTF-8 (0x9b, which begins a command, is
 * then C2 9B), and some of them as single bytes, too. The same bytes are parts of other characters in
 * UTF-8 (C3 9B is a letter), which have to be kept.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The length, in bytes, of the character at the start of text[0..bytes), of which there is at least
 * one; *plain: whether it is no control character. A byte that is not part of a well-formed UTF-8
 * character stands for itself: from 0x80 to 0x9f it is a control character, else it is plain, as Latin-1
 * has letters there. No byte behind a NUL is looked at. Async-signal-safe.
 */
size_t printable_character(const char *text, size_t bytes, bool *plain);

#endif
