/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory malloc has from the kernel, and how much of that it has handed out. These are mallinfo2(3)'s
 * arena + hblkhd, and its uordblks, but they are found without its locks and without a visit to each free chunk.
 *
 * The first figure is read where malloc keeps it (elf/heap.h), even while other threads allocate. The second one is
 * the first less the free chunks. The free chunks are added up if the process has one thread, which is not inside
 * malloc, and if they are not too many. Otherwise the second figure is estimated from the live blocks: for each row
 * the bytes that were asked for, malloc's own word in each block, and the rounding of sizes.
 *
 * If the memory of another process may not be read, the first figure is estimated from its mappings and its large
 * blocks.
 *
 * Async-signal-safe, no lock.
 */
#ifndef ANALYSIS_ALLOCATOR_H
#define ANALYSIS_ALLOCATOR_H

#include "model.h"
#include "table/view.h"

/* Sums over the live blocks, including those of rows that rules leave out, for the estimates. */
struct allocator_blocks {
	uint64_t live_bytes;	/* that the program asked for */
	uint64_t chunks_bytes;	/* of the chunks that they are in */
	uint64_t large_bytes;	/* of these chunks: in rows with blocks so large that malloc mostly maps each one */
	uint64_t large_count;	/* how many such blocks there are */
	uint64_t pages_bytes;	/* large_bytes, with each chunk rounded up to whole pages */
};

/* Adds up a view, before rules have left rows out of it. */
struct allocator_blocks allocator_blocks(const struct view *v);

/* Reads the figures, of this process or of the one that the request is about. */
struct model_allocator allocator_read(const struct model_request *q, const struct allocator_blocks *b);

#endif
