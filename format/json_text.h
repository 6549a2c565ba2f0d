/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts in a JSON document.
 *
 * Texts of the traced program may hold any bytes. Each byte that is not UTF-8 becomes U+FFFD. Control characters,
 * characters that change the direction of text, `<`, U+2028 and U+2029 are escaped, so that the document can be
 * shown in a terminal, and embedded in a script of a web page.
 */
#ifndef FORMAT_JSON_TEXT_H
#define FORMAT_JSON_TEXT_H

#include "base/out.h"

/* Writes a text in quotes, or null for NULL. Async-signal-safe. */
void json_text_write(const char *text, struct out *out);

/* Writes a text that is part of another one, without quotes. Async-signal-safe. */
void json_text_part(const char *text, struct out *out);

#endif
