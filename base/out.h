/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffered output over write(2) with formatting of our own: usable in a signal handler and
 * below malloc. The buffer belongs to the caller. Errors are sticky: after a failed write
 * everything is dropped and `error` keeps the first errno; nothing is ever thrown away
 * because of EINTR, EAGAIN or a partial write. errno itself is kept.
 *
 * With fd -1 the text stays in the buffer, cut off at its end (`cut` says so).
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out {
	int fd;			/* -1: memory only */
	int error;		/* 0, or the errno of the first write that failed */
	bool cut;		/* memory only: text was lost at the end */
	char *buf;
	size_t len, size;	/* bytes in buf, bytes buf has */
};

void out_init(struct out *o, int fd, char *buf, size_t size_bytes);

/* Writes what is buffered. Waits for a full pipe. Returns false after any error so far. */
bool out_flush(struct out *o);

/* The buffer as a NUL-terminated string (memory only; cuts the last byte if it has to). */
const char *out_string(struct out *o);

void out_bytes(struct out *o, const char *text, size_t len);
void out_text(struct out *o, const char *text);
void out_char(struct out *o, char c);
void out_repeat(struct out *o, char c, size_t times);

void out_u64(struct out *o, uint64_t v);
/* A number and what it counts: "1 stack", "0 stacks", "2 stacks" for " stack" and " stacks". */
void out_count(struct out *o, uint64_t v, const char *one, const char *others);
/* Right-aligned in width columns. */
void out_u64_wide(struct out *o, uint64_t v, unsigned width);
/* Lower-case digits after "0x". */
void out_hex(struct out *o, uint64_t v);
void out_hex_wide(struct out *o, uint64_t v, unsigned width);

/* Decimal units, three places, rounded down: "999 bytes", "22.704 KB", "2.121 MB". */
void out_size(struct out *o, uint64_t bytes);

/* "750 ns", "12.045 us", "6.236 ms", "1.500 secs", "2 mins 5 secs", "3 hours 2 mins". */
void out_time(struct out *o, uint64_t ns);

/* Text from outside (names, paths): each control character (plain.h) becomes `?`. */
void out_name(struct out *o, const char *text);

/* The same, with an ASCII character replaced by another one. */
void out_name_with(struct out *o, const char *text, char from, char to);

#endif
