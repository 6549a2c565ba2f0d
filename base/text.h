/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that options.c and options_env.c put together. No malloc, no stdio. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "plain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text that is cut where its buffer ends. len counts on, so that the caller learns what
 * would have been needed. Invariant: size == 0, or buf[min(len, size - 1)] == 0.
 */
struct text {
	char *buf;
	size_t size, len;
};

static inline struct text text_into(char *buf, size_t size_bytes)
{
	if (size_bytes)
		buf[0] = 0;
	return (struct text){ .buf = buf, .size = size_bytes };
}

static inline void add_char(struct text *t, char c)
{
	if (t->len + 1 < t->size) {
		t->buf[t->len] = c;
		t->buf[t->len + 1] = 0;
	}
	t->len++;
}

static inline void add(struct text *t, const char *s)
{
	while (*s)
		add_char(t, *s++);
}

static inline void add_number(struct text *t, uint64_t v)
{
	char digits[21];
	char *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	add(t, p);
}

/* Foreign text in a message: one line, whatever it holds, and not so long that it hides
 * what the message has to say (60 leaves room for the rest on a usual line). */
static inline void add_foreign(struct text *t, const char *s, size_t len)
{
	size_t bytes;

	for (size_t i = 0; i < len; i += bytes) {
		bool plain;

		if (i >= 60) {
			add(t, "...");
			return;
		}
		bytes = plain_character(s + i, len - i, &plain);
		if (!plain && (s[i] & 0x80)) {
			add_char(t, '?');
		} else if (!plain) {
			add_char(t, '^');
			add_char(t, s[i] ^ 0x40);
		} else {
			for (size_t j = 0; j < bytes; j++)
				add_char(t, s[i + j]);
		}
	}
}

#endif
