/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The prefix codes of RFC 1951 (section 3.2.2) as tables: the next HUFFMAN_*_BITS bits of the
 * stream index a first table, whose entry is the symbol, or for a longer code a second table
 * behind it that the bits after those index. Pure computation.
 */
#ifndef INFLATE_HUFFMAN_H
#define INFLATE_HUFFMAN_H

#include <stdbool.h>
#include <stdint.h>

#define HUFFMAN_LENGTH_MAX	15u	/* bits in a code */
#define HUFFMAN_SYMBOLS_MAX	288u
#define HUFFMAN_LITERAL_BITS	11u	/* of the first table: literals and lengths */
#define HUFFMAN_DISTANCE_BITS	8u
#define HUFFMAN_ORDER_BITS	7u	/* the code for code lengths: no longer ones */
/*
 * Entries that the first and second tables of a complete code take at most: the largest trees
 * of 288 (32) symbols and 15 levels. Building checks them all the same.
 */
#define HUFFMAN_LITERAL_ROOM	2342u
#define HUFFMAN_DISTANCE_ROOM	402u
#define HUFFMAN_ORDER_ROOM	128u

/*
 * An entry: what the next bits of the stream stand for.
 *
 *	literal		bit 31; bits 16-23: the byte; bits 0-5: bits to take
 *	all others	bits 0-5: 0, so that a literal can be taken without asking whether it is
 *			one; bits 8-13: bits to take; bits 29-30: the kind
 *	PLAIN		a length, its extra bits among those taken; bits 16-23: length - 3; and the
 *			distance behind it; bits 24-28: its symbol, whose extra bits are the last
 *			of those taken
 *	.. and APART	a length alone: its distance's code is not within the table's bits
 *	.. and SPECIAL	a length alone, without its extra bits; bits 24-26: how many follow
 *	the other kinds	are SPECIAL too
 *
 * In a table of distances bits 0-7 are the code's length, or 255 with SPECIAL; PLAIN has the
 * distance's symbol and takes its extra bits.
 */
#define HUFFMAN_LITERAL	(1u << 31)
#define HUFFMAN_SPECIAL	(1u << 15)
#define HUFFMAN_APART	(1u << 14)

enum huffman_kind {
	HUFFMAN_PLAIN,
	HUFFMAN_SECOND,		/* bits 16-27: where the second table begins, bits 8-13: how many
				 * bits index it, behind all those of the first table */
	HUFFMAN_END,		/* of the block */
	HUFFMAN_INVALID,	/* no code begins like this, or a reserved symbol */
};

#define HUFFMAN_TAKE(entry)	((entry) >> 8 & 63)
#define HUFFMAN_VALUE(entry)	((entry) >> 16 & 255)
#define HUFFMAN_EXTRA(entry)	((entry) >> 24 & 7)
#define HUFFMAN_BEGIN(entry)	((entry) >> 16 & 4095)
#define HUFFMAN_KIND(entry)	((entry) >> 29 & 3)

/* What the symbols of a code mean. */
enum huffman_alphabet {
	HUFFMAN_LITERALS,	/* 0-255 literals, 256 the end, 257-285 lengths */
	HUFFMAN_DISTANCES,	/* 0-29 */
	HUFFMAN_ORDER,		/* 0-18: as they are, as literals */
};

/*
 * Builds the table of the code whose symbol s has a code of lengths[s] bits (0: none), for
 * s < count; that of HUFFMAN_LITERALS with the one of HUFFMAN_DISTANCES, which is NULL for the
 * others. False: no such code can exist (more codes than fit), or some sequences of bits mean
 * nothing, which only a code of a single symbol may have (and one of none).
 */
bool huffman_build(uint32_t *table, enum huffman_alphabet alphabet, const uint8_t *lengths,
		   unsigned count, const uint32_t *distances);

#endif
