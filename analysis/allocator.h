/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory malloc has from the kernel (virtual_bytes), and how much of it is handed out (handed_bytes).
 * mallinfo2(3) has the same figures as arena + hblkhd and as uordblks, but it takes malloc's locks, and visits each
 * free chunk. That could block a dump, and takes a time that grows with the heap.
 *
 * virtual_bytes is read where malloc keeps it (elf/heap.h), even while other threads allocate. handed_bytes is
 * virtual_bytes without the free chunks. These are added up where the process has one thread, which is not inside
 * malloc, and where they are not too many. Otherwise handed_bytes is estimated from the live blocks: for each row
 * the bytes that were requested, malloc's own word in each block, and the rounding of sizes.
 *
 * Where the memory of another process may not be read, virtual_bytes is estimated from its mappings and its large
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
	uint64_t live_bytes;	/* the bytes that the program has requested */
	uint64_t live_count;	/* how many blocks these are */
	uint64_t chunks_bytes;	/* the chunks of malloc that these blocks are in */
	uint64_t large_bytes;	/* the part of the chunks in rows whose blocks are so large that malloc maps most of
				 * them one by one */
	uint64_t large_count;	/* how many such blocks there are */
	uint64_t pages_bytes;	/* large_bytes, with each chunk rounded up to whole pages */
};

/* Adds up the live blocks of a view. To be called before filter_apply() removes rows from the view. */
struct allocator_blocks allocator_blocks(const struct view *v);

/* Finds the figures of the process that the request is about: this one, or a foreign one. `b` is for estimates. */
struct model_allocator allocator_read(const struct model_request *q, const struct allocator_blocks *b);

#endif
