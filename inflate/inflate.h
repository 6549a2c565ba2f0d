/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads at any offset of the unpacked bytes of a zlib stream (RFC 1950, whose data have the format of
 * RFC 1951). Compressed sections of ELF files are such streams (gABI, "Section Compression",
 * ELFCOMPRESS_ZLIB). The stream is not unpacked into memory as a whole: 64 KB of unpacked bytes are
 * kept, and checkpoints from which earlier bytes can be unpacked again.
 *
 * Async-signal-safe if the source is; one user at a time. Memory comes from the arena, 100 KB at
 * the start and 32 KB for each of at most INFLATE_CHECKPOINTS checkpoints. The work that a damaged
 * or hostile stream can cause is bounded: a stream cannot unpack to more than 1032 times its size,
 * and a read takes at most the time to unpack everything up to its end.
 */
#ifndef INFLATE_INFLATE_H
#define INFLATE_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define INFLATE_CHECKPOINTS	45u			/* of 32 KB: 1.4 MB */
#define INFLATE_SPACING		((uint64_t)256 << 10)	/* unpacked bytes between checkpoints, at least */

/* Reads exactly size_bytes bytes at an offset of the packed stream. `from` is what inflate_open() was
 * given. False: they cannot be read. */
typedef bool inflate_source(void *from, uint64_t offset, void *buf, size_t size_bytes);

struct inflate_state;

struct inflate {
	struct inflate_state *state;
};

/*
 * Opens a zlib stream of in_bytes bytes that unpacks to out_bytes bytes. Nothing is read yet.
 * False: there is no memory. The arena, the source and what `from` points to have to live as long
 * as reads are made. There is nothing to close.
 */
bool inflate_open(struct inflate *z, inflate_source *source, void *from, uint64_t in_bytes,
		  uint64_t out_bytes, struct arena *arena);

/* As inflate_open(), but takes over the memory of a stream that is open and is not read any more. */
void inflate_reopen(struct inflate *z, inflate_source *source, void *from, uint64_t in_bytes,
		    uint64_t out_bytes);

/*
 * Copies exactly size_bytes of the unpacked bytes from an offset on. False: they lie past the end,
 * or the stream is damaged as far as it has been read, and then each later read fails, too. Reading
 * on is cheap, and so is reading the last 32 KB again. Reading farther back starts from a
 * checkpoint, which is a 45th of the whole or 256 KB away at most. The read that first reaches the
 * end checks the length and the checksum.
 */
bool inflate_read(struct inflate *z, uint64_t offset, void *buf, size_t size_bytes);

#endif
