/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packed stream as a sequence of bits, each byte's lowest bit first (RFC 1951, section 3.1.1).
 * The stream is read through a buffer of 16 KB, in which zeros follow the stream's end. So taking up
 * to 56 bits needs one load of 8 bytes, which never reaches past the buffer, and it suffices to check
 * once in a while whether bits behind the end have been taken.
 *
 * Invariants: buffer[0..have) are the stream's bytes from buffer_at on, and BITS_SLACK zeros follow
 * them at the end of the stream; buffer <= p <= buffer + have + 8 after each successful
 * bits_more(); count <= 63; the lowest `count` bits of `next` come before the byte at p in the
 * stream. The bits of `next` above these are those that follow in the stream, or zeros.
 *
 * Async-signal-safe if the source is. One user at a time.
 */
#ifndef INFLATE_BITS_H
#define INFLATE_BITS_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "inflate/inflate.h"

#define BITS_BUFFER_BYTES	16384u
#define BITS_SLACK		32u	/* zero bytes behind the end of the stream */
#define BITS_AHEAD_BYTES	16u	/* readable at p after bits_more(): two loads of 8 bytes */

struct bits {
	inflate_source *source;
	void *from;			/* the argument for `source` */
	uint64_t stream_bytes;		/* less than 2^60, so that a position in bits fits 64 bits */
	uint64_t buffer_at;		/* offset of buffer[0] in the stream */
	uint32_t have;			/* valid bytes of the buffer */
	unsigned count;
	uint64_t next;
	const uint8_t *p;
	bool bad;			/* bits were asked for too far behind the end, or the source failed */
	uint8_t buffer[BITS_BUFFER_BYTES + BITS_SLACK];
};

/* Begins a stream at its first bit. *b must be all zeros, but for the buffer. Reads nothing yet. */
void bits_open(struct bits *b, inflate_source *source, void *from, uint64_t stream_bytes);

/* Goes to a bit of the stream. False: it lies behind the end, or the source failed. */
bool bits_seek(struct bits *b, uint64_t bit);

/* The position of the next bit in the stream. It lies behind the end if too many bits were taken. */
uint64_t bits_position(const struct bits *b);

/*
 * Makes BITS_AHEAD_BYTES bytes readable at p. They are the stream's or zeros behind it. False: p is
 * more than 8 bytes behind the end, or the source failed. Does not set `bad`.
 */
bool bits_more(struct bits *b);

/* Makes count at least n, which is 56 at most. False: as bits_more(), and then `bad` is set. */
bool bits_need(struct bits *b, unsigned n);

/* Takes the next n bits, 25 at most. 0 with `bad` set: as bits_need(). */
uint32_t bits_take(struct bits *b, unsigned n);

/* Eight bytes at any address, the first of them lowest, as the stream has its bits. */
static inline uint64_t bits_load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

#endif
