/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that is put together in a buffer of the caller's, with formatting of our own: usable in a signal
 * handler and below malloc. errno is kept. The text goes to one of three places.
 *
 * To a descriptor, by write(2), each time the buffer is full. Errors are sticky: after a failed write
 * everything is dropped and `error` keeps the first errno. Nothing is ever thrown away because of EINTR,
 * EAGAIN or a partial write.
 *
 * Where the descriptor is a terminal, out_fit_terminal() has lines broken that are longer than the terminal is wide: at
 * a blank that is not within [square brackets] nor behind the word "at". The next line then begins with four blanks.
 *
 * To a function of the caller's, likewise each time the buffer is full: out_to().
 *
 * To memory (fd -1): the text stays in the buffer, NUL-terminated after each call, and is cut off where the
 * buffer ends. `lost` counts the bytes that had no room, so that the caller learns how large the buffer
 * should have been.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes what was written so far. context: that of out_to(). Returns 0, or an errno. */
typedef int out_take(void *context, const char *text, size_t len);

struct out {
	int fd;			/* -1: memory */
	out_take *take;		/* NULL: the text goes to fd */
	void *context;
	int error;		/* 0, or the errno of the first write that failed */
	char *buf;		/* memory: NULL where the text is only measured */
	size_t len, size;	/* bytes in buf; bytes it can take, in memory without the NUL */
	size_t lost;		/* memory: bytes that were cut off at the end */
	unsigned columns;	/* a line that has more is broken; 0: it is not, and what follows is of no use */
	unsigned at, blank_at;	/* columns of the line so far, and at the last blank where it can be broken */
	size_t blank;		/* where that blank is in buf; OUT_NO_BLANK: there is none */
	bool bracket;		/* a bracket is open */
	bool estimates;		/* figures are estimates: out_mark() and the functions that call it mark them */
};

#define OUT_NO_BLANK	SIZE_MAX

/* Memory: the text and its NUL go to buf[0..size_bytes), or it is only measured when size_bytes is 0. */
struct out out_memory(char *buf, size_t size_bytes);

/* A descriptor with a buffer, which is not empty; fd -1 is out_memory(). */
void out_init(struct out *o, int fd, char *buf, size_t size_bytes);

/* A function with a buffer for it, which is not empty. */
struct out out_to(out_take *take, void *context, char *buf, size_t size_bytes);

/* To be called after out_init(), before anything is written. Does nothing if the descriptor is no terminal. */
void out_fit_terminal(struct out *o);

/* Writes what is buffered. Waits for a full pipe. Returns false after any error so far. */
bool out_flush(struct out *o);

/* The text in memory, NUL-terminated. */
const char *out_string(const struct out *o);

/* Memory: how many bytes the whole text has, without the NUL, whether it had room or not. */
static inline size_t out_length(const struct out *o)
{
	return o->len + o->lost;
}

void out_bytes(struct out *o, const char *text, size_t len);
void out_text(struct out *o, const char *text);
void out_char(struct out *o, char c);
void out_repeat(struct out *o, char c, size_t times);

void out_u64(struct out *o, uint64_t v);
/* A number and what it counts: "1 stack", "0 stacks", "2 stacks" for " stack" and " stacks". */
void out_count(struct out *o, uint64_t v, const char *one, const char *others);
/* Right-aligned in width columns. */
void out_u64_wide(struct out *o, uint64_t v, unsigned width);
/* A number of tenths, with one decimal, right-aligned in width columns: "43.2". */
void out_tenths(struct out *o, uint64_t v, unsigned width);
/* A number of thousandths, with three decimals: "12.045". */
void out_thousandths(struct out *o, uint64_t v);
/* The last two digits: "07". */
void out_two_digits(struct out *o, unsigned v);
/* Lower-case digits after "0x". */
void out_hex(struct out *o, uint64_t v);
void out_hex_wide(struct out *o, uint64_t v, unsigned width);
/* Two lower-case digits for each byte: "0fa3". */
void out_hex_bytes(struct out *o, const uint8_t *bytes, size_t count);

/* Writes "~" before a figure that is an estimate. */
void out_mark(struct out *o);
/* Sets whether figures are estimates, and returns whether they were. */
bool out_set_estimates(struct out *o, bool estimates);
/* A mark, if it is due, and a number. */
void out_figure(struct out *o, uint64_t v);

/* A mark, if it is due, and decimal units, three places, rounded down: "999 bytes", "22.704 KB", "2.121 MB". */
void out_size(struct out *o, uint64_t bytes);

/* The share of part in whole, to the nearest tenth of a percent: "43.2 %". "100.0 %" is all (share.h), and the most;
 * "0.0 %" where whole is 0. */
void out_share(struct out *o, uint64_t part, uint64_t whole);

/* Rounded down: "750 ns", "12.045 us", "6.236 ms", "1.500 secs", "2 mins 5 secs", "1 hour 2 mins". */
void out_time(struct out *o, uint64_t ns);

/* Text from outside (names, paths): each control character (printable.h) becomes `?`. */
void out_name(struct out *o, const char *text);

/* Text from outside in a message: one line, in which control characters are visible (`^X`, or `?` where
 * the byte is not ASCII), and not so long that it hides what the message has to say: behind some 60 bytes
 * follows "...". */
void out_foreign(struct out *o, const char *text, size_t len);

/* The same as out_name(), with an ASCII character replaced by another one. */
void out_name_with(struct out *o, const char *text, char from, char to);

#endif
