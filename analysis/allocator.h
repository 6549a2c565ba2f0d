/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What malloc has from the kernel, and what of it is handed out: as mallinfo2(3) has them (arena + hblkhd, and
 * uordblks), but without its locks and its visit to each free chunk.
 *
 * The first is read where malloc keeps it (elf/heap.h), whoever runs meanwhile. The second is that less the free
 * chunks. Those are added up where the process has no other thread, its only one is not inside malloc,
 * and they are not too many; else what is handed out is estimated from the live blocks: of each row the
 * bytes that were asked for, malloc's own word for each block, and the rounding up of sizes.
 *
 * Of another process, whose memory may not be read, the first figure is estimated from its mappings and its large
 * blocks.
 *
 * Async-signal-safe, no lock.
 */
#ifndef ANALYSIS_ALLOCATOR_H
#define ANALYSIS_ALLOCATOR_H

#include "model.h"
#include "table/view.h"

/* What is known of the live blocks, ignored ones included, before malloc's own figures are. */
struct allocator_blocks {
	uint64_t live_bytes;	/* that the program asked for */
	uint64_t chunks_bytes;	/* of the chunks that they are in */
	uint64_t large_bytes;	/* of these: in rows whose blocks malloc mostly maps each by itself */
	uint64_t large_count;	/* such blocks */
	uint64_t pages_bytes;	/* that they take when they are mapped: large_bytes, rounded up to pages */
};

/* Adds up a view, before rules have left rows out of it. */
struct allocator_blocks allocator_blocks(const struct view *v);

/* Reads the figures, of this process or of the one that the request is about. */
struct model_allocator allocator_read(const struct model_request *q, const struct allocator_blocks *b);

#endif
