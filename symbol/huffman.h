/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The prefix codes of RFC 1951 (section 3.2.2) as tables: the next HUFFMAN_*_BITS bits of the
 * stream index a first table, whose entry is the symbol, or for a longer code a second table
 * behind it that the bits after those index. Pure computation.
 */
#ifndef SYMBOL_HUFFMAN_H
#define SYMBOL_HUFFMAN_H

#include <stdbool.h>
#include <stdint.h>

#define HUFFMAN_LENGTH_MAX	15u	/* bits in a code */
#define HUFFMAN_SYMBOLS_MAX	288u
#define HUFFMAN_LITERAL_BITS	10u	/* of the first table: literals and lengths */
#define HUFFMAN_DISTANCE_BITS	8u
#define HUFFMAN_ORDER_BITS	7u	/* the code for code lengths: no longer ones */
/*
 * Entries that the first and second tables of a complete code take at most: the largest trees
 * of 288 (32) symbols and 15 levels. Building checks them all the same.
 */
#define HUFFMAN_LITERAL_ROOM	1334u
#define HUFFMAN_DISTANCE_ROOM	402u
#define HUFFMAN_ORDER_ROOM	128u

/*
 * An entry: what a code stands for.
 *
 *	bits 0-7	bits to take from the stream: the code's length, less the first table's
 *			in a second table
 *	bits 8-12	extra bits that follow; of HUFFMAN_SECOND: bits that index that table
 *	bits 13-15	the kind
 *	bits 16-31	literal byte, base of length or distance, where the second table begins
 */
enum huffman_kind {
	HUFFMAN_INVALID = 0,		/* no code begins like this, or a reserved symbol */
	HUFFMAN_BASE = 1 << 13,
	HUFFMAN_LITERAL = 2 << 13,
	HUFFMAN_SECOND = 3 << 13,
	HUFFMAN_END = 4 << 13,		/* of the block */
	HUFFMAN_KINDS = 7 << 13,
};

#define HUFFMAN_TAKE(entry)	((entry) & 0xff)
#define HUFFMAN_EXTRA(entry)	((entry) >> 8 & 31)
#define HUFFMAN_VALUE(entry)	((entry) >> 16)

/* What the symbols of a code mean. */
enum huffman_alphabet {
	HUFFMAN_LITERALS,	/* 0-255 literals, 256 the end, 257-285 lengths */
	HUFFMAN_DISTANCES,	/* 0-29 */
	HUFFMAN_ORDER,		/* 0-18: as they are, as HUFFMAN_LITERAL */
};

/*
 * Builds the table of the code whose symbol s has a code of lengths[s] bits (0: none), for
 * s < count. False: no such code can exist (more codes than fit), or some sequences of bits mean
 * nothing, which only a code of a single symbol may have (and one of none).
 */
bool huffman_build(uint32_t *table, enum huffman_alphabet alphabet, const uint8_t *lengths,
		   unsigned count);

#endif
