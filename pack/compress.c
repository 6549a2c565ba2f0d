/* SPDX-License-Identifier: GPL-2.0-only */
/* See compress.h. */
#include "compress.h"

#include "base/leb128.h"
#include "base/reader.h"

#include <string.h>

#define LEAST_MATCH	4u

/* ---- The planes ---- */

/* Puts byte k of each element side by side, for each k. What is behind the last whole element stays as it is. */
static void split_planes(const uint8_t *from, uint8_t *to, size_t n, unsigned each)
{
	size_t count = n / each, at = 0;

	for (unsigned k = 0; k < each; k++) {
		for (size_t i = 0; i < count; i++)
			to[at++] = from[i * each + k];
	}
	memcpy(to + at, from + at, n - at);
}

static void join_planes(const uint8_t *from, uint8_t *to, size_t n, unsigned each)
{
	size_t count = n / each, at = 0;

	for (unsigned k = 0; k < each; k++) {
		for (size_t i = 0; i < count; i++)
			to[i * each + k] = from[at++];
	}
	memcpy(to + at, from + at, n - at);
}

/* ---- Compressing ---- */

static uint32_t four_bytes(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Notes that the four bytes at p[at] occur there. Returns where such bytes may have occurred before, plus 1; or 0. */
static uint32_t exchange_place(struct compress_work *work, const uint8_t *p, size_t at)
{
	uint32_t *place = &work->places[four_bytes(p + at) * 0x9e3779b1u >> 16];
	uint32_t before = *place;

	*place = (uint32_t)at + 1;
	return before;
}
_Static_assert(COMPRESS_PLACES == 1 << (32 - 16), "the upper 16 bits of a hash are a place");

static size_t match_length(const uint8_t *p, size_t before, size_t at, size_t n)
{
	size_t length = 0;

	while (at + length < n && p[before + length] == p[at + length])
		length++;
	return length;
}

static uint8_t *put_plain(uint8_t *to, const uint8_t *from, size_t n)
{
	to = leb128_put(to, n);
	memcpy(to, from, n);
	return to + n;
}

/*
 * Whether so many bytes are longer than the numbers that stand for them: one byte for the length, one for the count of
 * plain bytes, and up to four for the distance. A count of 128 or more takes further bytes, one in 128 plain bytes at
 * most, for which COMPRESS_ROOM_BYTES has room.
 */
static bool is_shorter(size_t length, size_t distance)
{
	unsigned bytes = 3;

	while (distance >>= 7)
		bytes++;
	return length > bytes;
}

size_t compress_piece(const uint8_t *from, size_t n, unsigned each, uint8_t *to, struct compress_work *work)
{
	const uint8_t *p = from;
	uint8_t *out = to;
	size_t at = 0, plain = 0;

	if (each > 1) {
		split_planes(from, work->planes, n, each);
		p = work->planes;
	}
	memset(work->places, 0, sizeof(work->places));
	while (n >= LEAST_MATCH && at <= n - LEAST_MATCH) {
		uint32_t before = exchange_place(work, p, at);
		size_t length = before ? match_length(p, before - 1, at, n) : 0;

		if (!length || !is_shorter(length, at - (before - 1))) {
			at += 1 + ((at - plain) >> 8);	/* where nothing repeats itself, fewer places are tried */
			continue;
		}
		out = put_plain(out, p + plain, at - plain);
		out = leb128_put(out, length);
		out = leb128_put(out, at - (before - 1));
		at += length;
		plain = at;
	}
	out = put_plain(out, p + plain, n - plain);
	out = leb128_put(out, 0);
	return (size_t)(out - to);
}

/* ---- Expanding ---- */

/* Appends `length` bytes that stand `distance` before the end of to[0..at). */
static void repeat(uint8_t *to, size_t at, size_t length, size_t distance)
{
	if (distance == 1)
		memset(to + at, to[at - 1], length);
	for (size_t i = 0; i < length && distance > 1; i++)
		to[at + i] = to[at + i - distance];
}

bool compress_expand(const uint8_t *from, size_t bytes, uint8_t *to, size_t n, unsigned each,
		     struct compress_work *work)
{
	struct reader r = reader_over(from, bytes);
	uint8_t *out = each > 1 ? work->planes : to;
	size_t at = 0;

	if (!each || each > COMPRESS_EACH_MOST || n > COMPRESS_PIECE_BYTES)
		return false;
	for (;;) {
		uint64_t count = reader_uleb(&r), length, distance;
		const uint8_t *plain = reader_bytes(&r, count);

		if (!plain || count > n - at)
			return false;
		memcpy(out + at, plain, (size_t)count);
		at += (size_t)count;
		length = reader_uleb(&r);
		if (!length)
			break;
		distance = reader_uleb(&r);
		if (r.bad || length > n - at || !distance || distance > at)
			return false;
		repeat(out, at, (size_t)length, (size_t)distance);
		at += (size_t)length;
	}
	if (r.bad || at != n || reader_left(&r))
		return false;
	if (each > 1)
		join_planes(out, to, n, each);
	return true;
}
