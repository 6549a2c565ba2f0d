/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes tables that decode the prefix codes of RFC 1951 (section 3.2.2). The next HUFFMAN_*_BITS bits
 * of the stream are the index into a first table. An entry there stands for a symbol, or for longer
 * codes it names a second table behind the first one, whose index is the bits that follow. Pure
 * computation, without state.
 */
#ifndef INFLATE_HUFFMAN_H
#define INFLATE_HUFFMAN_H

#include <stdbool.h>
#include <stdint.h>

#define HUFFMAN_LENGTH_MAX	15u	/* bits in a code */
#define HUFFMAN_SYMBOLS_MAX	288u
#define HUFFMAN_LITERAL_BITS	11u	/* of the first table: literals and lengths */
#define HUFFMAN_DISTANCE_BITS	8u
#define HUFFMAN_ORDER_BITS	7u	/* the code for code lengths has no longer ones */
/*
 * The largest number of entries that the first and the second tables of a complete code can need, of
 * all codes with 288 (or 32) symbols and at most 15 bits. huffman_build() checks the bound all the
 * same.
 */
#define HUFFMAN_LITERAL_ROOM	2342u
#define HUFFMAN_DISTANCE_ROOM	402u
#define HUFFMAN_ORDER_ROOM	128u

/*
 * An entry says what the next bits of the stream stand for, and how many of them to take:
 *
 *	literal		bit 31 is set; bits 16-23: the byte; bits 0-5: bits to take
 *	all others	bits 0-5: 0, so that taking a literal does nothing here; bits 8-13: bits to
 *			take; bits 29-30: the kind
 *	PLAIN		a match. The length's extra bits are among those taken; bits 16-23: length - 3.
 *			Bits 24-28: the symbol of the distance, whose extra bits are the last of those
 *			taken
 *	PLAIN with	a length only, because the index does not contain the whole code of the
 *	LENGTH_ONLY	distance
 *	PLAIN with	a length only, and without its extra bits; bits 24-26: how many of them follow
 *	SPECIAL
 *	other kinds	have SPECIAL set, too
 *
 * In a table of distances, bits 0-7 are the code's length, or 255 where SPECIAL is set. PLAIN has
 * the symbol of the distance, and its extra bits are among those taken.
 */
#define HUFFMAN_LITERAL		(1u << 31)
#define HUFFMAN_SPECIAL		(1u << 15)
#define HUFFMAN_LENGTH_ONLY	(1u << 14)

enum huffman_kind {
	HUFFMAN_PLAIN,
	HUFFMAN_SECOND,		/* bits 16-27: where the second table begins; bits 8-13: how many
				 * bits index it, after those that index the first table */
	HUFFMAN_END,		/* of the block */
	HUFFMAN_INVALID,	/* no code begins like this, or the symbol is a reserved one */
};

#define HUFFMAN_TAKE(entry)	((entry) >> 8 & 63)
#define HUFFMAN_VALUE(entry)	((entry) >> 16 & 255)
#define HUFFMAN_EXTRA(entry)	((entry) >> 24 & 7)
#define HUFFMAN_BEGIN(entry)	((entry) >> 16 & 4095)
#define HUFFMAN_KIND(entry)	((entry) >> 29 & 3)

/* What the symbols of a code mean. */
enum huffman_alphabet {
	HUFFMAN_LITERALS,	/* 0-255 literals, 256 the end of the block, 257-285 lengths */
	HUFFMAN_DISTANCES,	/* 0-29 */
	HUFFMAN_ORDER,		/* 0-18, the code for code lengths: entries as of literals */
};

/*
 * Builds the table of the code in which symbol s has a code of lengths[s] bits (0: none), for s <
 * count. For HUFFMAN_LITERALS, `distances` is the block's table of HUFFMAN_DISTANCES; for the other
 * alphabets it is NULL. False: no code has these lengths, because there are more codes than fit, or
 * because some sequences of bits stand for nothing, which is allowed only for codes of a single
 * symbol or of none.
 */
bool huffman_build(uint32_t *table, enum huffman_alphabet alphabet, const uint8_t *lengths,
		   unsigned count, const uint32_t *distances);

#endif
