/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The destination of a demangled name: a fixed buffer with a sticky error, `full`. Writers need not
 * check it, because sink_finish() says at the end whether the text is complete.
 *
 * Invariant: start <= at <= end, and *end is inside the buffer, kept for the NUL.
 */
#ifndef DEMANGLE_SINK_H
#define DEMANGLE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sink {
	char *start, *at, *end;
	bool full;
	unsigned pending;	/* how many ", " did not fit and may still be taken back */
	char *real_end;		/* if pending: the value that `end` gets back then */
};

/* out_bytes is at least 1. */
static inline void sink_init(struct sink *s, char *out, size_t out_bytes)
{
	s->start = s->at = out;
	s->end = out + out_bytes - 1;
	s->full = false;
	s->pending = 0;
}

static inline void sink_char(struct sink *s, char ch)
{
	if (s->at < s->end)
		*s->at++ = ch;
	else
		s->full = true;
}

static inline void sink_bytes(struct sink *s, const char *text, size_t len)
{
	if (len > (size_t)(s->end - s->at)) {
		s->full = true;
		return;
	}
	memcpy(s->at, text, len);
	s->at += len;
}

static inline void sink_text(struct sink *s, const char *text)
{
	sink_bytes(s, text, strlen(text));
}

static inline void sink_number(struct sink *s, unsigned long long value)
{
	char digits[20];	/* 2^64 has 20 */
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + value % 10);
	while (value /= 10);
	sink_bytes(s, digits + i, sizeof(digits) - i);
}

/* Writes ", ", which sink_drop_commas() may take back. So it needs room only if more text follows.
 * */
static inline void sink_comma(struct sink *s)
{
	if (s->end - s->at >= 2) {
		*s->at++ = ',';
		*s->at++ = ' ';
		return;
	}
	if (!s->pending++)
		s->real_end = s->end;
	s->end = s->at;		/* nothing fits any more */
}

/* Takes back the commas at the end of the text. Returns whether there were any. */
static inline bool sink_drop_commas(struct sink *s)
{
	bool any = s->pending;

	if (s->full)
		return false;
	if (s->pending) {
		s->pending = 0;
		s->end = s->real_end;
	}
	for (; s->at - s->start >= 2 && s->at[-1] == ' ' && s->at[-2] == ','; any = true)
		s->at -= 2;
	return any;
}

/* The last byte written, or NUL. */
static inline char sink_last(const struct sink *s)
{
	return s->at > s->start ? s->at[-1] : '\0';
}

/* Ends the text with its NUL and returns its length, or 0 with the text "" if not all of it did
 * fit. */
static inline size_t sink_finish(struct sink *s)
{
	if (s->full || s->pending)
		s->at = s->start;
	*s->at = '\0';
	return (size_t)(s->at - s->start);
}

#endif
