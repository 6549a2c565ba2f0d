/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unpacks the blocks of packed data (RFC 1951), one after the other, from a stream of bits into a
 * buffer of unpacked bytes. Unpacking can stop between any two symbols and go on there later. Its
 * state (struct block_state) is small enough for checkpoints, because it does not contain the codes
 * of a block: they are built again from their definition in the stream.
 *
 * Invariants: have <= BLOCK_OUT_BYTES + BLOCK_OUT_SLACK; out[0..have) are unpacked bytes, and
 * unless they begin with the stream's first byte, they begin with BLOCK_WINDOW_BYTES bytes to which
 * matches may reach back. The caller moves the bytes to keep it so.
 *
 * Async-signal-safe if the source of the bits is. One user at a time.
 */
#ifndef INFLATE_BLOCK_H
#define INFLATE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "inflate/bits.h"
#include "inflate/huffman.h"

#define BLOCK_WINDOW_BYTES	32768u	/* RFC 1951, section 2: the largest distance of a match */
#define BLOCK_OUT_BYTES		(2 * BLOCK_WINDOW_BYTES)
#define BLOCK_OUT_SLACK		320u	/* 3 literals and a match of 258, copied 16 bytes at a time */

/* What the stream has next. */
enum block_phase {
	BLOCK_STREAM_START,	/* the zlib header, which inflate.c reads */
	BLOCK_HEADER,		/* a block's header; after the last block, the stream's checksum */
	BLOCK_STORED,		/* bytes that are not packed */
	BLOCK_CODES,		/* symbols, by prefix codes */
	BLOCK_STREAM_END,	/* nothing */
};

struct block_state {
	uint64_t codes_bit;		/* BLOCK_CODES: where the stream defines the codes; 0: fixed ones */
	uint32_t stored_left;		/* BLOCK_STORED: bytes */
	uint8_t phase;			/* enum block_phase */
	bool last;			/* the latest header said that its block is the last one */
};

struct block {
	struct bits bits;
	struct block_state now;
	uint32_t have;
	uint32_t literals[HUFFMAN_LITERAL_ROOM];	/* BLOCK_CODES: tables of huffman.h */
	uint32_t distances[HUFFMAN_DISTANCE_ROOM];
	uint8_t out[BLOCK_OUT_BYTES + BLOCK_OUT_SLACK];
};

/* Reads the header of a block and its codes. False: damaged, or the source failed. */
bool block_read_header(struct block *b);

/*
 * Builds the codes of the block that is being unpacked: those that begin at a bit of the stream,
 * which has to be the next one, or the fixed ones for 0. False: as block_read_header().
 */
bool block_read_codes(struct block *b, uint64_t codes_bit);

/*
 * Unpacks until `have` reaches `limit`, which is BLOCK_OUT_BYTES at most, or the block ends; `have`
 * may then be greater than the limit by less than BLOCK_OUT_SLACK. False: as block_read_header().
 * The phase must be BLOCK_STORED or BLOCK_CODES.
 */
bool block_unpack(struct block *b, uint32_t limit);

#endif
