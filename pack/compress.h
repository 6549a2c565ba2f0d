/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes pieces of a table shorter, without a library. A piece is an array of elements that resemble each other:
 * counters with many zero bytes, and bytes at the same place of each element that vary little. So the first bytes of
 * all elements are put side by side, then the second bytes and so on (the planes), and what has occurred before is
 * replaced by its place and length.
 *
 *	compressed:	sequences of  count, `count` bytes as they are, length, distance
 *
 * The numbers are in LEB128 form. `length` bytes follow that are the same as those `distance` bytes before; they may
 * overlap, so a run of zeros is one sequence. A length of 0 has no distance and ends the piece.
 *
 * Pure computation: any thread may call these functions with work spaces of its own.
 */
#ifndef PACK_COMPRESS_H
#define PACK_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPRESS_PIECE_BYTES	((size_t)4 << 20)	/* the largest piece */
/* So many bytes always suffice for the compressed form of a piece. */
#define COMPRESS_ROOM_BYTES	(COMPRESS_PIECE_BYTES + COMPRESS_PIECE_BYTES / 128 + 32)
#define COMPRESS_PLACES		((size_t)1 << 16)	/* a power of two */
#define COMPRESS_EACH_MOST	256u			/* no element has more bytes */

struct compress_work {
	uint8_t planes[COMPRESS_PIECE_BYTES];
	uint32_t places[COMPRESS_PLACES];	/* where four bytes have last occurred, by their hash; plus 1 */
};

/* Compresses n bytes, at most COMPRESS_PIECE_BYTES, of elements of `each` bytes (1 to COMPRESS_EACH_MOST). Returns the
 * length of the compressed form in to[0..COMPRESS_ROOM_BYTES). */
size_t compress_piece(const uint8_t *from, size_t n, unsigned each, uint8_t *to, struct compress_work *work);

/* Does the opposite: sets to[0..n). False: the compressed form is damaged, is not one of n bytes, or there are no
 * elements of `each` bytes. */
bool compress_expand(const uint8_t *from, size_t bytes, uint8_t *to, size_t n, unsigned each,
		     struct compress_work *work);

#endif
