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

#include <stdbool.h>
#include <stdint.h>

struct report;

/* What is known of the live blocks, ignored ones included, before malloc's own figures are. */
struct allocator_blocks {
	uint64_t live_bytes;	/* that the program asked for */
	uint64_t chunks_bytes;	/* of the chunks that they are in */
	uint64_t large_bytes;	/* of these: in rows whose blocks malloc mostly maps each by itself */
	uint64_t large_count;	/* such blocks */
	uint64_t pages_bytes;	/* that they take when they are mapped: large_bytes, rounded up to pages */
};

/* Adds up a report's view. */
struct allocator_blocks allocator_blocks(const struct report *r);

struct allocator_figures {
	bool virtual_known, virtual_estimated;
	bool estimated;			/* handed_bytes is */
	uint64_t virtual_bytes, handed_bytes;
	const char *unknown;		/* why the first is not known, for the user */
};

/* Reads them, of our own process or of the one that the report is about. */
struct allocator_figures allocator_read(const struct report *r);

#endif
