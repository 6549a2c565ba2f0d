/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See inflate.h. bits.h reads the stream, and block.h unpacks its blocks. This file reads zlib's
 * header and checksum around the blocks (RFC 1950, section 2.2), and makes and uses the checkpoints.
 *
 * Bytes are unpacked into `out`. When `out` is full, its last 32 KB move to its front, because a
 * match may reach back so far:
 *
 *	               base                base + have
 *	unpacked  -----|===================|------------      kept in out[0..have)
 *	                         ^ adler_at: the checksum is known up to here
 *	checkpoint     ^         ^         ^ every `spacing` bytes: the last 32 KB, and the position
 *	                                     in the stream
 *
 * Unpacking can stop between any two symbols, so it stops exactly at the end of a read or at a
 * checkpoint. A checkpoint inside a block has the place in the stream where the block's codes are
 * defined, and unpacking from there on begins with building these codes again.
 */
#include "inflate/inflate.h"

#include <string.h>

#include "inflate/adler32.h"
#include "inflate/block.h"

#define RATIO_MAX	1032u	/* 258 bytes for 2 bits: one for the length, one for the distance */

/* A place in the stream. With it and the 32 KB of unpacked bytes before it, unpacking can go on there. */
struct place {
	uint64_t bit;			/* the next one, in the stream */
	uint64_t out;			/* offset of the next unpacked byte */
	struct block_state block;
};

struct checkpoint {
	struct place place;
	uint8_t *window;		/* the 32 KB before place.out */
};

/*
 * Invariants: as drawn above; checkpoint[0..checkpoints) have ascending places. What is to be 0 at the start of a
 * stream lies before block.bits.buffer, but for block.now and block.have: inflate_reopen() clears nothing else.
 */
struct inflate_state {
	struct arena *arena;
	uint64_t out_bytes;		/* of the whole stream, unpacked */
	uint64_t base;			/* offset of block.out[0] in the unpacked bytes */
	bool bad;			/* a read has failed, so each later one does */
	uint64_t adler_at;
	struct adler32 adler;
	uint64_t spacing;		/* of checkpoints, in unpacked bytes */
	uint32_t checkpoints;
	struct checkpoint checkpoint[INFLATE_CHECKPOINTS];
	struct block block;
};

/* The offset of the next byte that will be unpacked. */
static uint64_t out_at(const struct inflate_state *z)
{
	return z->base + z->block.have;
}

/* Adds the bytes that are unpacked for the first time to the checksum. That is done for many bytes at once, before
 * `out` loses them, because the sum of a few takes long for each. */
static void sum_up(struct inflate_state *z)
{
	const uint8_t *out = z->block.out;

	if (z->adler_at >= out_at(z))
		return;
	adler32_add(&z->adler, out + (z->adler_at - z->base), out + z->block.have);
	z->adler_at = out_at(z);
}

/* Moves the last 32 KB to the front. */
static void slide(struct inflate_state *z)
{
	uint32_t drop = z->block.have - BLOCK_WINDOW_BYTES;

	sum_up(z);
	memmove(z->block.out, z->block.out + drop, BLOCK_WINDOW_BYTES);
	z->base += drop;
	z->block.have = BLOCK_WINDOW_BYTES;
}

/* Checkpoints */

static uint64_t next_checkpoint(const struct inflate_state *z)
{
	if (z->checkpoints == INFLATE_CHECKPOINTS)
		return UINT64_MAX;
	return (z->checkpoints + (uint64_t)1) * z->spacing;
}

/* Makes a checkpoint of the current place. Without memory there are no more checkpoints, and then
 * reads farther back take longer. */
static void set_checkpoint(struct inflate_state *z)
{
	struct checkpoint *c = &z->checkpoint[z->checkpoints];

	c->window = arena_alloc_buffer(z->arena, BLOCK_WINDOW_BYTES);
	if (!c->window) {
		z->spacing = UINT64_MAX / (INFLATE_CHECKPOINTS + 1);
		return;
	}
	memcpy(c->window, z->block.out + z->block.have - BLOCK_WINDOW_BYTES, BLOCK_WINDOW_BYTES);
	c->place = (struct place){
		.bit = bits_position(&z->block.bits), .out = out_at(z), .block = z->block.now,
	};
	z->checkpoints++;
}

/* Returns the last checkpoint from which the byte at an offset can be reached, because the byte is in
 * the checkpoint's window or behind it. NULL: there is none. */
static const struct checkpoint *find_checkpoint(const struct inflate_state *z, uint64_t offset)
{
	uint32_t i = z->checkpoints;

	while (i && z->checkpoint[i - 1].place.out - BLOCK_WINDOW_BYTES > offset)
		i--;
	return i ? &z->checkpoint[i - 1] : NULL;
}

/* Goes on from a checkpoint, or with NULL from the start of the stream. */
static bool restart(struct inflate_state *z, const struct checkpoint *c)
{
	struct place place = { .block.phase = BLOCK_STREAM_START };
	struct block *b = &z->block;

	sum_up(z);
	b->have = 0;
	if (c) {
		place = c->place;
		b->have = BLOCK_WINDOW_BYTES;
		memcpy(b->out, c->window, BLOCK_WINDOW_BYTES);
	}
	z->base = place.out - b->have;
	b->now = place.block;
	if (b->now.phase == BLOCK_CODES) {
		uint64_t codes_bit = b->now.codes_bit;

		if ((codes_bit && !bits_seek(&b->bits, codes_bit)) ||
		    !block_read_codes(b, codes_bit))
			return false;
	}
	return bits_seek(&b->bits, place.bit);
}

/* Makes `out` begin at or before an offset, by going back to the start or to a checkpoint if the offset
 * is before `out`, and by going on to a later checkpoint if there is one before the offset. */
static bool seek_out(struct inflate_state *z, uint64_t offset)
{
	const struct checkpoint *c = find_checkpoint(z, offset);

	if (offset >= z->base && (!c || c->place.out <= out_at(z)))
		return true;
	return restart(z, c);
}

/* The stream */

/* CMF and FLG: the method is deflate, the window has 32 KB at most, and there is no dictionary. */
static bool read_start(struct block *b)
{
	unsigned method = bits_take(&b->bits, 8), flags = bits_take(&b->bits, 8);

	b->now.phase = BLOCK_HEADER;
	return !b->bits.bad && (method & 15) == 8 && method >> 4 <= 7 && !(flags & 0x20) &&
	       (method << 8 | flags) % 31 == 0;
}

static bool read_end(struct inflate_state *z)
{
	struct bits *bits = &z->block.bits;
	uint32_t sum = 0;

	sum_up(z);
	bits_take(bits, bits->count & 7);
	for (int i = 0; i < 4; i++)
		sum = sum << 8 | bits_take(bits, 8);
	z->block.now.phase = BLOCK_STREAM_END;
	return !bits->bad && bits_position(bits) <= bits->stream_bytes * 8 &&
	       out_at(z) == z->out_bytes && sum == adler32_value(&z->adler);
}

/* Reads one header, or unpacks until `have` reaches limit or the block ends. False: damaged. */
static bool unpack_some(struct inflate_state *z, uint32_t limit)
{
	struct block *b = &z->block;

	switch ((enum block_phase)b->now.phase) {
	case BLOCK_STREAM_START:
		return read_start(b);
	case BLOCK_HEADER:
		return b->now.last ? read_end(z) : block_read_header(b);
	case BLOCK_STORED:
	case BLOCK_CODES:
		return block_unpack(b, limit) && out_at(z) <= z->out_bytes;
	case BLOCK_STREAM_END:
		break;
	}
	return false;
}

/*
 * Unpacks until the byte before `to` is in `out`; at the end of the unpacked bytes, until the end
 * of the stream. False: damaged.
 */
static bool unpack_to(struct inflate_state *z, uint64_t to)
{
	struct block *b = &z->block;

	while (to == z->out_bytes ? b->now.phase != BLOCK_STREAM_END : out_at(z) < to) {
		uint64_t limit = z->base + BLOCK_OUT_BYTES, checkpoint = next_checkpoint(z);

		if (b->have >= BLOCK_OUT_BYTES) {
			slide(z);
			continue;
		}
		/* At the end, unpacking goes on up to the stream's end, because a stream with more
		 * than out_bytes is damaged. */
		if (limit > to && out_at(z) < to)
			limit = to;
		if (limit > checkpoint)
			limit = checkpoint;
		if (!unpack_some(z, (uint32_t)(limit - z->base)) ||
		    bits_position(&b->bits) > b->bits.stream_bytes * 8)
			return false;
		if (out_at(z) >= checkpoint)
			set_checkpoint(z);
	}
	return true;
}

void inflate_reopen(struct inflate *z, inflate_source *source, void *from, uint64_t in_bytes,
		    uint64_t out_bytes)
{
	struct inflate_state *s = z->state;
	struct arena *arena = s->arena;

	/* The rest, nearly all of it, is written before it is read (struct inflate_state). */
	memset(s, 0, offsetof(struct inflate_state, block.bits.buffer));
	memset(&s->block.now, 0, sizeof(s->block.now));
	s->block.have = 0;
	bits_open(&s->block.bits, source, from, in_bytes);
	s->arena = arena;
	s->out_bytes = out_bytes;
	s->adler.low = 1;
	s->spacing = out_bytes / INFLATE_CHECKPOINTS + 1;
	if (s->spacing < INFLATE_SPACING)
		s->spacing = INFLATE_SPACING;
	s->bad = in_bytes >= (uint64_t)1 << 50 || out_bytes / RATIO_MAX > in_bytes;
}

bool inflate_open(struct inflate *z, inflate_source *source, void *from, uint64_t in_bytes,
		  uint64_t out_bytes, struct arena *arena)
{
	z->state = arena_alloc_buffer(arena, sizeof(*z->state));
	if (!z->state)
		return false;
	z->state->arena = arena;
	inflate_reopen(z, source, from, in_bytes, out_bytes);
	return true;
}

bool inflate_read(struct inflate *handle, uint64_t offset, void *buf, size_t size_bytes)
{
	struct inflate_state *z = handle->state;
	char *to = buf;

	if (z->bad || offset > z->out_bytes || size_bytes > z->out_bytes - offset)
		return false;
	if (!seek_out(z, offset)) {
		z->bad = true;
		return false;
	}
	while (size_bytes) {
		uint64_t end = offset + size_bytes;
		uint32_t there;

		/* So many bytes are always in `out` together. */
		if (end > offset + BLOCK_WINDOW_BYTES / 2)
			end = offset + BLOCK_WINDOW_BYTES / 2;
		if (end > out_at(z) || end == z->out_bytes) {
			if (!unpack_to(z, end)) {
				z->bad = true;
				return false;
			}
		}
		there = (uint32_t)(end - offset);
		memcpy(to, z->block.out + (offset - z->base), there);
		to += there;
		offset += there;
		size_bytes -= there;
	}
	return true;
}
