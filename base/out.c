/* SPDX-License-Identifier: GPL-2.0-only */
/* See out.h. */
#include "out.h"

#include "printable.h"
#include "share.h"
#include "utf8.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_USUAL	80u	/* of a terminal that does not say how wide it is */
#define COLUMNS_LEAST	40u	/* in a narrower terminal lines are not readable in any case */
#define INDENT		4u	/* of the rest of a broken line */

struct out out_memory(char *buf, size_t size_bytes)
{
	if (!size_bytes)
		return (struct out){ .fd = -1 };
	buf[0] = '\0';
	return (struct out){ .fd = -1, .buf = buf, .size = size_bytes - 1 };
}

void out_init(struct out *o, int fd, char *buf, size_t size_bytes)
{
	if (fd < 0)
		*o = out_memory(buf, size_bytes);
	else
		*o = (struct out){ .fd = fd, .buf = buf, .size = size_bytes };
}

struct out out_to(out_take *take, void *context, char *buf, size_t size_bytes)
{
	return (struct out){ .take = take, .context = context, .buf = buf, .size = size_bytes };
}

void out_fit_terminal(struct out *o)
{
	struct winsize size;
	int saved = errno;

	o->blank = OUT_NO_BLANK;
	if (o->fd >= 0 && !ioctl(o->fd, TIOCGWINSZ, &size))
		o->columns = size.ws_col >= COLUMNS_LEAST ? size.ws_col : COLUMNS_USUAL;
	errno = saved;
}

/* A descriptor that is shared with the program may be non-blocking. Waits until it takes more. */
static bool wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

bool out_flush(struct out *o)
{
	int saved = errno;
	size_t done = 0;

	if (o->fd < 0)
		return !o->lost;
	if (o->take && o->len && !o->error)
		o->error = o->take(o->context, o->buf, o->len);
	while (!o->take && done < o->len && !o->error) {
		ssize_t n = write(o->fd, o->buf + done, o->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN && wait_writable(o->fd))
			continue;
		else if (errno != EINTR)
			o->error = errno;
	}
	o->len = 0;
	o->blank = OUT_NO_BLANK;
	errno = saved;
	return !o->error;
}

const char *out_string(const struct out *o)
{
	return o->buf;
}

/* Adds as much as there is room for, and counts the rest. */
static void keep_bytes(struct out *o, const char *text, size_t len)
{
	size_t room = o->size - o->len, n = len < room ? len : room;

	if (o->buf) {
		memcpy(o->buf + o->len, text, n);
		o->len += n;
		o->buf[o->len] = '\0';
	}
	o->lost += len - n;
}

/* Begins a new line, to which everything behind the last blank moves. */
static void break_line(struct out *o)
{
	bool blank = o->blank != OUT_NO_BLANK;
	size_t end = blank ? o->blank : o->len, from = end + blank, moved = o->len - from;

	memmove(o->buf + end + 1 + INDENT, o->buf + from, moved);
	o->buf[end] = '\n';
	memset(o->buf + end + 1, ' ', INDENT);
	o->len = end + 1 + INDENT + moved;
	o->at = INDENT + (blank ? o->at - o->blank_at - 1 : 0);
	o->blank = OUT_NO_BLANK;
}

/* Whether the text so far ends in the word that stands before a file or an address, which belongs to it. */
static bool ends_in_at(const struct out *o)
{
	return o->len >= 3 && !memcmp(o->buf + o->len - 3, " at", 3);
}

/* Adds a byte for a terminal. */
static void put_fitting(struct out *o, char c)
{
	if (o->size - o->len <= INDENT + 1)	/* also room to break the line */
		out_flush(o);
	if (c == '\n') {
		o->at = 0;
		o->blank = OUT_NO_BLANK;
		o->bracket = false;
	} else if (!utf8_continues(c)) {
		if (o->at == o->columns)
			break_line(o);
		if (c == ' ' && !o->bracket && o->at > INDENT && !ends_in_at(o)) {
			o->blank = o->len;
			o->blank_at = o->at;
		}
		o->bracket = c == '[' || (o->bracket && c != ']');
		o->at++;
	}
	o->buf[o->len++] = c;
}

void out_bytes(struct out *o, const char *text, size_t len)
{
	if (o->fd < 0) {
		keep_bytes(o, text, len);
		return;
	}
	if (o->columns) {
		for (size_t i = 0; i < len; i++)
			put_fitting(o, text[i]);
		return;
	}
	for (;;) {
		size_t room = o->size - o->len;
		size_t n = len < room ? len : room;

		memcpy(o->buf + o->len, text, n);
		o->len += n;
		text += n;
		len -= n;
		if (!len)
			return;
		out_flush(o);
	}
}

void out_text(struct out *o, const char *text)
{
	out_bytes(o, text, strlen(text));
}

void out_char(struct out *o, char c)
{
	out_bytes(o, &c, 1);
}

void out_repeat(struct out *o, char c, size_t times)
{
	while (times--)
		out_char(o, c);
}

static const char hex_digits[] = "0123456789abcdef";

/* Writes the digits so that they end at end; returns where they start. */
static char *digits(char *end, uint64_t v, unsigned base)
{
	do {
		*--end = hex_digits[v % base];
		v /= base;
	} while (v);
	return end;
}

/* Right-aligns the text that ends at end. */
static void put_wide(struct out *o, const char *start, const char *end, unsigned width)
{
	size_t len = (size_t)(end - start);

	if (len < width)
		out_repeat(o, ' ', width - len);
	out_bytes(o, start, len);
}

void out_count(struct out *o, uint64_t v, const char *one, const char *others)
{
	out_u64(o, v);
	out_text(o, v == 1 ? one : others);
}

void out_u64_wide(struct out *o, uint64_t v, unsigned width)
{
	char text[24], *end = text + sizeof(text);

	put_wide(o, digits(end, v, 10), end, width);
}

void out_u64(struct out *o, uint64_t v)
{
	out_u64_wide(o, v, 0);
}

void out_two_digits(struct out *o, unsigned v)
{
	out_char(o, (char)('0' + v / 10 % 10));
	out_char(o, (char)('0' + v % 10));
}

void out_hex_wide(struct out *o, uint64_t v, unsigned width)
{
	char text[24], *end = text + sizeof(text), *start = digits(end, v, 16);

	*--start = 'x';
	*--start = '0';
	put_wide(o, start, end, width);
}

void out_hex(struct out *o, uint64_t v)
{
	out_hex_wide(o, v, 0);
}

void out_hex_bytes(struct out *o, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		out_char(o, hex_digits[bytes[i] >> 4]);
		out_char(o, hex_digits[bytes[i] & 15]);
	}
}

void out_thousandths(struct out *o, uint64_t v)
{
	unsigned rest = (unsigned)(v % 1000);

	out_u64(o, v / 1000);
	out_char(o, '.');
	out_char(o, (char)('0' + rest / 100));
	out_two_digits(o, rest);
}

void out_tenths(struct out *o, uint64_t v, unsigned width)
{
	out_u64_wide(o, v / 10, width > 2 ? width - 2 : 0);
	out_char(o, '.');
	out_char(o, (char)('0' + v % 10));
}

/* v: in thousandths of the unit. */
static void put_milli(struct out *o, uint64_t v, const char *unit)
{
	out_thousandths(o, v);
	out_text(o, unit);
}

static void put_plain(struct out *o, uint64_t v, const char *unit)
{
	out_u64(o, v);
	out_text(o, unit);
}

void out_mark(struct out *o)
{
	if (o->estimates)
		out_char(o, '~');
}

bool out_set_estimates(struct out *o, bool estimates)
{
	bool were = o->estimates;

	o->estimates = estimates;
	return were;
}

void out_figure(struct out *o, uint64_t v)
{
	out_mark(o);
	out_u64(o, v);
}

void out_size(struct out *o, uint64_t bytes)
{
	out_mark(o);
	if (bytes < 1000)
		put_plain(o, bytes, " bytes");
	else if (bytes < 1000000)
		put_milli(o, bytes, " KB");
	else if (bytes < 1000000000)
		put_milli(o, bytes / 1000, " MB");
	else
		put_milli(o, bytes / 1000000, " GB");
}

void out_share(struct out *o, uint64_t part, uint64_t whole)
{
	out_tenths(o, share_of(part < whole ? part : whole, whole, 1000), 0);
	out_text(o, " %");
}

void out_time(struct out *o, uint64_t ns)
{
	uint64_t secs = ns / 1000000000;

	if (ns < 1000) {
		put_plain(o, ns, " ns");
	} else if (ns < 1000000) {
		put_milli(o, ns, " us");
	} else if (ns < 1000000000) {
		put_milli(o, ns / 1000, " ms");
	} else if (secs < 60) {
		put_milli(o, ns / 1000000, " secs");
	} else if (secs < 3600) {
		out_count(o, secs / 60, " min ", " mins ");
		out_count(o, secs % 60, " sec", " secs");
	} else {
		out_count(o, secs / 3600, " hour ", " hours ");
		out_count(o, secs / 60 % 60, " min", " mins");
	}
}

void out_name_with(struct out *o, const char *text, char from, char to)
{
	size_t left = strlen(text), bytes;

	for (; left; text += bytes, left -= bytes) {
		bool plain;

		/* Most of a name is ASCII, which goes out in one piece. */
		for (bytes = 0; text[bytes] >= 0x20 && text[bytes] < 0x7f && text[bytes] != from; )
			bytes++;
		if (bytes) {
			out_bytes(o, text, bytes);
			continue;
		}
		bytes = printable_character(text, left, &plain);
		if (!plain)
			out_char(o, '?');
		else if (*text == from)
			out_char(o, to);
		else
			out_bytes(o, text, bytes);
	}
}

void out_name(struct out *o, const char *text)
{
	out_name_with(o, text, '\0', '\0');
}

/* 60 bytes leave room for the rest of the message on a usual line. */
#define FOREIGN_BYTES	60

void out_foreign(struct out *o, const char *text, size_t len)
{
	size_t bytes;

	for (size_t i = 0; i < len; i += bytes) {
		bool plain;

		if (i >= FOREIGN_BYTES) {
			out_text(o, "...");
			return;
		}
		bytes = printable_character(text + i, len - i, &plain);
		if (plain) {
			out_bytes(o, text + i, bytes);
		} else if (text[i] & 0x80) {
			out_char(o, '?');
		} else {
			out_char(o, '^');
			out_char(o, text[i] ^ 0x40);
		}
	}
}
