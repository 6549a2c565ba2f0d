/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the traced program, which may hold any bytes, in documents that other tools read and may show in a terminal:
 * what is written is well-formed UTF-8 without control characters. Each byte that is not UTF-8 becomes U+FFFD; control
 * characters, and those that end a line or change the direction of text (base/printable.h), become `?`.
 */
#ifndef FORMAT_PLAIN_TEXT_H
#define FORMAT_PLAIN_TEXT_H

#include "base/out.h"

/* Writes a text. twice: an ASCII character that is written twice, as `"` is within a quoted text; 0: there is none.
 * Async-signal-safe. */
void plain_text_write(const char *text, char twice, struct out *out);

#endif
