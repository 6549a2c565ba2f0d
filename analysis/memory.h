/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the resident memory of the process goes (struct model_memory), from the figures that the kernel has of each
 * mapping: those of /proc/PID/smaps, or the same ones from pagemap (pagemap_count()), which takes a tenth of the time.
 * Their sum is RSS, so that the parts add up to it. Each mapping belongs to one of these:
 *
 *	the tracer	its area of addresses, and its library: the table's header has the addresses
 *	malloc		[heap]; heaps of other arenas; blocks with a mapping each. The last two begin with words
 *			that tell them (heap_mapped_at()). The kernel joins neighbours to one mapping: then
 *			/proc/PID/pagemap tells which pages of each part are in memory
 *	stacks		[stack], and memory without a file just above a few pages that nobody may touch
 *	files		mappings of files, shared memory, the kernel's vdso
 *	anonymous	all others: mappings of the program's own, other allocators, static data without a file
 *
 * Malloc's part is live blocks, rounding, and free memory. The live blocks' bytes are counted, and their rounding is
 * computed as in allocator.h. What is left of malloc's heaps is free, whether it is in memory or not. The large free
 * chunks are looked at in pagemap: what is not in memory of the heaps, and not in those, is in live blocks.
 */
#ifndef ANALYSIS_MEMORY_H
#define ANALYSIS_MEMORY_H

#include "allocator.h"

/*
 * Reads the figures of the process that the request is about. b: sums over its live blocks.
 *
 * In a dump on a signal in the process itself smaps is not read above MEMORY_RSS_MOST of RSS, or beyond so many
 * mappings, because the program waits meanwhile: some 20 ms for each GB, and 7 us for each mapping. Async-signal-safe;
 * memory that another thread unmaps meanwhile does not fault.
 */
void memory_read(struct model_memory *to, const struct model_request *q, const struct model_allocator *a,
		 const struct allocator_blocks *b, struct arena *arena);

/* Keeps the figures in the table, if they are from smaps, for reports after the process's end. */
void memory_note(struct table_header *h, const struct model_memory *m, uint64_t now_ns);

/* The figures that the table of a process that has ended keeps. MEMORY_UNKNOWN if it keeps none. now_ns: the moment of
 * the model. */
void memory_recall(struct model_memory *to, const struct table_header *h, uint64_t now_ns);

#define MEMORY_RSS_MOST		((uint64_t)250 * 1000000)
#define MEMORY_MAPPINGS_MOST	4096u

/* The name of an allocator. ALLOCATOR_UNNAMED: "malloc". */
const char *memory_allocator_name(enum memory_allocator allocator);

#endif
