/* SPDX-License-Identifier: GPL-2.0-only */
/* See bits.h. */
#include "inflate/bits.h"

void bits_open(struct bits *b, inflate_source *source, void *from, uint64_t stream_bytes)
{
	b->source = source;
	b->from = from;
	b->stream_bytes = stream_bytes;
	b->p = b->buffer;
}

bool bits_more(struct bits *b)
{
	uint32_t used = (uint32_t)(b->p - b->buffer), left, more;
	uint64_t rest;

	if (used + BITS_AHEAD_BYTES <= b->have)
		return true;
	rest = b->stream_bytes - b->buffer_at - b->have;
	if (!rest)
		return used <= b->have + 8;
	/* The bytes that `next` holds may be given back (see block.c), so they stay in front of p. */
	used -= used < 8 ? used : 8;
	left = b->have - used;
	memmove(b->buffer, b->buffer + used, left);
	more = rest < BITS_BUFFER_BYTES - left ? (uint32_t)rest : BITS_BUFFER_BYTES - left;
	b->buffer_at += used;
	b->have = left;
	b->p -= used;
	if (!b->source(b->from, b->buffer_at + left, b->buffer + left, more))
		return false;
	b->have += more;
	memset(b->buffer + b->have, 0, BITS_SLACK);
	return true;
}

uint64_t bits_position(const struct bits *b)
{
	return (b->buffer_at + (uint64_t)(b->p - b->buffer)) * 8 - b->count;
}

bool bits_seek(struct bits *b, uint64_t bit)
{
	if (bit / 8 > b->stream_bytes)
		return false;
	b->buffer_at = bit / 8;
	b->have = 0;
	b->p = b->buffer;
	b->next = b->count = 0;
	memset(b->buffer, 0, BITS_SLACK);
	if (!bits_more(b))
		return false;
	b->next = bits_load(b->p) >> bit % 8;
	b->p += 7;
	b->count = 56 - bit % 8;
	return true;
}

bool bits_need(struct bits *b, unsigned n)
{
	if (b->count >= n)
		return true;
	if (!bits_more(b)) {
		b->bad = true;
		return false;
	}
	b->next |= bits_load(b->p) << b->count;
	b->p += (63 - b->count) >> 3;
	b->count |= 56;
	return true;
}

uint32_t bits_take(struct bits *b, unsigned n)
{
	uint32_t v;

	if (!bits_need(b, n))
		return 0;
	v = (uint32_t)b->next & ((1u << n) - 1);
	b->next >>= n;
	b->count -= n;
	return v;
}
