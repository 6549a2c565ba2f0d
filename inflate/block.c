/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See block.h. In most cases one load and three look-ups in the tables of huffman.h unpack up to two
 * literals and a match, which is about twice as fast as zlib.
 */
#include "inflate/block.h"

#include <string.h>

/* Headers */

/* Reads the code lengths of both codes, which are one sequence (RFC 1951, section 3.2.7). */
static bool read_lengths(struct block *b, uint8_t *lengths, unsigned total)
{
	static const uint8_t order[19] = {
		16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
	};
	struct bits *bits = &b->bits;
	uint32_t *table = b->distances;		/* not yet in use */
	uint8_t own[19] = { 0 };
	unsigned used = bits_take(bits, 4) + 4, n = 0;

	for (unsigned i = 0; i < used; i++)
		own[order[i]] = (uint8_t)bits_take(bits, 3);
	if (bits->bad || !huffman_build(table, HUFFMAN_ORDER, own, 19, NULL))
		return false;
	while (n < total) {
		uint32_t entry;
		unsigned symbol, repeat;
		uint8_t length = 0;

		if (!bits_need(bits, HUFFMAN_ORDER_BITS))
			return false;
		entry = table[bits->next & (HUFFMAN_ORDER_ROOM - 1)];
		if (!(entry & HUFFMAN_LITERAL))
			return false;
		bits_take(bits, entry & 63);
		symbol = HUFFMAN_VALUE(entry);
		if (symbol < 16) {
			lengths[n++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16) {
			if (!n)
				return false;
			length = lengths[n - 1];
		}
		repeat = symbol == 16 ? 3 + bits_take(bits, 2) :
			 symbol == 17 ? 3 + bits_take(bits, 3) : 11 + bits_take(bits, 7);
		if (repeat > total - n)
			return false;
		memset(lengths + n, length, repeat);
		n += repeat;
	}
	return !bits->bad;
}

/* The fixed codes are those of RFC 1951, section 3.2.6. */
bool block_read_codes(struct block *b, uint64_t codes_bit)
{
	uint8_t lengths[288 + 32];
	unsigned literals = 288, distances = 32;

	b->now.codes_bit = codes_bit;
	if (codes_bit) {
		literals = bits_take(&b->bits, 5) + 257;
		distances = bits_take(&b->bits, 5) + 1;
		if (b->bits.bad || literals > 286 || distances > 30 ||
		    !read_lengths(b, lengths, literals + distances))
			return false;
	} else {
		for (unsigned i = 0; i < 288; i++)
			lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
		memset(lengths + literals, 5, distances);
	}
	/* Without a code for its end, a block could not end. */
	return lengths[256] &&
	       huffman_build(b->distances, HUFFMAN_DISTANCES, lengths + literals, distances, NULL) &&
	       huffman_build(b->literals, HUFFMAN_LITERALS, lengths, literals, b->distances);
}

/* RFC 1951, section 3.2.3, and for stored blocks 3.2.4. */
bool block_read_header(struct block *b)
{
	struct bits *bits = &b->bits;
	unsigned type;

	b->now.last = bits_take(bits, 1);
	type = bits_take(bits, 2);
	if (type == 0) {
		uint32_t length, complement;

		bits_take(bits, bits->count & 7);	/* the rest of the byte */
		length = bits_take(bits, 16);
		complement = bits_take(bits, 16);
		b->now.stored_left = length;
		b->now.phase = BLOCK_STORED;
		return !bits->bad && (length ^ complement) == 0xffff;
	}
	b->now.phase = BLOCK_CODES;
	return type != 3 && !bits->bad &&
	       block_read_codes(b, type == 2 ? bits_position(bits) : 0);
}

/* Stored blocks */

static bool unpack_stored(struct block *b, uint32_t limit)
{
	struct bits *bits = &b->bits;

	/* Here `next` contains whole bytes. They are given back, to be copied with the rest. */
	bits->p -= bits->count / 8;
	bits->next = bits->count = 0;
	while (b->have < limit && b->now.stored_left) {
		uint32_t bytes = limit - b->have, there;

		if (!bits_more(bits) || bits->p >= bits->buffer + bits->have)
			return false;
		there = bits->have - (uint32_t)(bits->p - bits->buffer);
		if (bytes > b->now.stored_left)
			bytes = b->now.stored_left;
		if (bytes > there)
			bytes = there;
		memcpy(b->out + b->have, bits->p, bytes);
		bits->p += bytes;
		b->have += bytes;
		b->now.stored_left -= bytes;
	}
	if (!b->now.stored_left)
		b->now.phase = BLOCK_HEADER;
	return true;
}

/* Symbols */

/*
 * Copies a match: length bytes from distance bytes back. The source may overlap the destination:
 * then the match repeats what it has just written. Up to 15 bytes more are written.
 */
static inline void copy_match(uint8_t *to, uint32_t distance, uint32_t length)
{
	const uint8_t *from = to - distance, *end = to + length;

	if (distance >= 8) {
		do {
			memcpy(to, from, 8);
			memcpy(to + 8, from + 8, 8);
			to += 16;
			from += 16;
		} while (to < end);
	} else {
		/* Of the 8 bytes, the first `distance` ones are valid; the next step writes the
		 * others again. */
		do {
			memcpy(to, from, 8);
			to += distance;
			from += distance;
		} while (to < end);
	}
}

/*
 * For each distance symbol (RFC 1951, section 3.2.5): the number that its extra bits are added to,
 * and where among the bits taken these extra bits begin. Their place is counted backwards from the
 * end of the taken bits and the two below them, modulo 64.
 */
#define DISTANCE(base, extra) ((base) << 6 | ((2 - (extra)) & 63))
static const uint32_t distance_of[30] = {
	DISTANCE(1, 0), DISTANCE(2, 0), DISTANCE(3, 0), DISTANCE(4, 0), DISTANCE(5, 1),
	DISTANCE(7, 1), DISTANCE(9, 2), DISTANCE(13, 2), DISTANCE(17, 3), DISTANCE(25, 3),
	DISTANCE(33, 4), DISTANCE(49, 4), DISTANCE(65, 5), DISTANCE(97, 5), DISTANCE(129, 6),
	DISTANCE(193, 6), DISTANCE(257, 7), DISTANCE(385, 7), DISTANCE(513, 8), DISTANCE(769, 8),
	DISTANCE(1025, 9), DISTANCE(1537, 9), DISTANCE(2049, 10), DISTANCE(3073, 10),
	DISTANCE(4097, 11), DISTANCE(6145, 11), DISTANCE(8193, 12), DISTANCE(12289, 12),
	DISTANCE(16385, 13), DISTANCE(24577, 13),
};

/*
 * Steps of unpack_codes(), on its local variables. LOAD fills `bits` up. DROP takes n bits away.
 * FIRST looks up the next n bits in a first table, SECOND the bits that follow in the second table
 * that `entry` names. LITERAL writes and takes the literal of `entry`, or does nothing if it is
 * none.
 */
#define LOAD() (bits |= bits_load(p) << (count & 63), p += 7 - (count >> 3 & 7), count |= 56)
#define DROP(n) (bits >>= (n) & 63, count -= (n))
#define FIRST(table, n) (*(const uint32_t *)((const char *)(table) + (bits & ((4u << (n)) - 4))))
#define SECOND(table) ((table)[HUFFMAN_BEGIN(entry) + \
			       (bits >> 2 & ((1u << HUFFMAN_TAKE(entry)) - 1))])
#define LITERAL() (*out = (uint8_t)(entry >> 16), out += entry >> 31, DROP(entry))

/*
 * All work that is done for each unpacked byte is done here.
 *
 * Nearly all of the time goes into one chain of dependent steps: the bits give an entry, which says
 * how many bits to take, which gives the bits behind it. Two measures shorten that chain. First,
 * `bits` holds the stream's bits above two others of any value, so that masking makes an offset
 * into a table whose entries have 4 bytes. Second, up to two literals are taken without asking
 * whether the entry is one, because a wrongly predicted branch takes longer than a look-up in vain.
 * Of `count` only the lowest 6 bits mean anything. One load has 54 bits or more. These suffice for
 * 2 literals (22 bits) and a length (20), or a length with its distance from the first table (11 +
 * 13).
 */
static bool unpack_codes(struct block *b, uint32_t limit)
{
	/* In registers, since an address from b, an offset and an index takes a cycle more. */
	const uint32_t *const literals = b->literals, *const distances = b->distances;
	const uint8_t *near_end = b->bits.buffer;	/* at first, so that input is asked for */
	const uint8_t *p = b->bits.p - b->bits.count / 8;
	uint8_t *out = b->out + b->have, *const stop = b->out + limit;
	unsigned count = b->bits.count % 8 + 2;
	uint64_t bits = (b->bits.next & ((1u << b->bits.count % 8) - 1)) << 2;
	bool good = true;

	while (out < stop) {
		uint32_t entry, length, distance;
		uint64_t before;

		if (p >= near_end) {
			b->bits.p = p;
			good = bits_more(&b->bits);
			if (!good)
				break;
			p = b->bits.p;
			if (b->bits.have > BITS_AHEAD_BYTES)
				near_end = b->bits.buffer + b->bits.have - BITS_AHEAD_BYTES;
		}
		LOAD();
		entry = FIRST(literals, HUFFMAN_LITERAL_BITS);
		LITERAL();
		entry = FIRST(literals, HUFFMAN_LITERAL_BITS);
		LITERAL();
		entry = FIRST(literals, HUFFMAN_LITERAL_BITS);
		if (entry & HUFFMAN_LITERAL) {
			LITERAL();
			continue;
		}
		length = 3 + HUFFMAN_VALUE(entry);
		if (__builtin_expect(entry & (HUFFMAN_SPECIAL | HUFFMAN_LENGTH_ONLY), 0)) {
			if (HUFFMAN_KIND(entry) == HUFFMAN_SECOND) {
				DROP(HUFFMAN_LITERAL_BITS);
				entry = SECOND(literals);
				if (entry & HUFFMAN_LITERAL) {
					LITERAL();
					continue;
				}
				length = 3 + HUFFMAN_VALUE(entry);
			}
			DROP(HUFFMAN_TAKE(entry));
			if (HUFFMAN_KIND(entry) != HUFFMAN_PLAIN) {
				good = HUFFMAN_KIND(entry) == HUFFMAN_END;
				b->now.phase = BLOCK_HEADER;
				break;
			}
			if (entry & HUFFMAN_SPECIAL) {
				length += bits >> 2 & ((1u << HUFFMAN_EXTRA(entry)) - 1);
				DROP(HUFFMAN_EXTRA(entry));
			}
			LOAD();
			entry = FIRST(distances, HUFFMAN_DISTANCE_BITS);
			if (HUFFMAN_KIND(entry) == HUFFMAN_SECOND) {
				DROP(HUFFMAN_DISTANCE_BITS);
				entry = SECOND(distances);
			}
			good = HUFFMAN_KIND(entry) == HUFFMAN_PLAIN;
			if (!good)
				break;
		}
		before = bits & ~((uint64_t)-4 << HUFFMAN_TAKE(entry));
		DROP(entry >> 8);
		distance = distance_of[entry >> 24];
		distance = (distance >> 6) + (uint32_t)(before >> (((entry >> 8) + distance) & 63));
		good = distance <= (uint32_t)(out - b->out);
		if (!good)
			break;
		copy_match(out, distance, length);
		out += length;
	}
	b->bits.p = p;
	b->bits.next = bits >> 2;
	b->bits.count = (count & 63) - 2;
	b->have = (uint32_t)(out - b->out);
	return good;
}

bool block_unpack(struct block *b, uint32_t limit)
{
	return b->now.phase == BLOCK_STORED ? unpack_stored(b, limit) : unpack_codes(b, limit);
}
