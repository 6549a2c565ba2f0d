/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that the program has mapped itself (--pages): by mmap(), mremap(), sbrk(), shmat() and the like. A mapping
 * is what one such call has made. It belongs to the row of the call's backtrace, whose frame 0 is of the kind
 * SPECIAL_PAGES (special.h). A region is a part of the address space that belongs to one mapping: at first the whole of
 * it, and later, when something in its middle has been unmapped or mapped over, one of several.
 *
 *	address space:	|  mapping A  |    |  mapping B  |  C  |  mapping B  |
 *	regions:	      1                  2          4         3		ring of B: 2 -> 3 -> 2
 *
 * Regions never overlap: what is mapped over something else takes the place of that. A row's live bytes are those of
 * its regions, and its live count is the number of its mappings of which some region is left. So a call that unmaps a
 * part of a mapping takes bytes away from the row, and the call that unmaps the last part takes the mapping away. The
 * sum of all regions is in the header, with its maximum.
 *
 * None of this is in the figures of the heap. The row itself counts nothing: whoever adds up rows gets the heap. Its
 * figures are in an entry of their own, whose number stands in row_info.since.
 *
 *	region -> page_row -> row (frames)		row_info.since -> page_row
 *
 * The regions lie in a part of the table, in no order, so that other processes can read them. What finds a region by
 * its address is memory of this process alone: a sorted array of the regions' numbers (table.region_order). To add or
 * to remove a number moves what comes behind it: 10 us where there are 100,000 regions.
 *
 * A thread changes the list while it holds a spin lock, with all signals blocked, so that no handler of its own can
 * come to wait for it. The lock is never held during a call of the kernel that maps or unmaps, nor during a fork. A
 * thread that has waited for the lock for about a second goes on without recording, and what it has mapped is counted
 * as missed. In a child after fork, regions_forked() frees the lock, sorts the numbers anew, and counts anew what is
 * live, so that all figures agree, whatever another thread of the parent was about to do. If the fork could not wait
 * for that thread, the child can have what that thread has unmapped just then, or lack what it has mapped, and a
 * mapping whose ring that thread was about to change can become several.
 *
 * The kernel may give an address to another thread as soon as it has been unmapped. So regions are taken out of the
 * order before the call that unmaps them, and are given up, or put back if the call has failed, after it.
 *
 * A reader of a table that is being filled takes each region as it is at that moment, by regions_copy().
 *
 * Invariants, while nobody holds the lock:
 *	start < end of each region in the order, and end <= the start of the next one
 *	of each page_row: live_size == the bytes of its regions; live <= peak <= total, of size and count
 *	pages.live == the bytes of all regions
 *
 * All functions are async-signal-safe, may be called in any thread, inside the guard, and keep errno.
 */
#ifndef TABLE_REGIONS_H
#define TABLE_REGIONS_H

#include "base/arena.h"
#include "table.h"

#define REGIONS_MOST	((uint32_t)1 << 18)

struct region {
	uint64_t start, end;		/* bytes; end 0: the entry is free, or not yet complete */
	uint32_t owner;			/* the number of a page_row */
	uint32_t next, before;		/* a ring of the regions of one mapping. Of a free entry: next is the next free
					 * one */
	uint32_t chain;			/* 0: in the order. Else it has been taken out: the next one that was, or
					 * REGION_LAST */
} __attribute__((aligned(8)));		/* i386 aligns a uint64_t to 4 bytes, and clang would call libatomic */
#define REGION_LAST	UINT32_MAX

/* The figures of a row of mappings. */
struct page_row {
	uint64_t live_size, peak_size, total_size;	/* bytes */
	uint32_t live_count, peak_count, total_count;	/* mappings */
	uint32_t row;			/* 0: the entry is free, or not yet complete */
	uint32_t since;			/* ticks (row.h): when live_count last left 0 */
	uint32_t unused;
} __attribute__((aligned(8)));

_Static_assert(sizeof(struct region) == 32 && sizeof(struct page_row) == 48, "the same in programs of 32 bits");

/* Begins to keep regions. Once, at start. False: there is no memory for that. */
bool regions_start(struct table *t);

/* Whether the table has regions, or could have some. */
static inline bool regions_kept(const struct table *t)
{
	return load_relaxed(&t->head->region_limit);
}

/* Adds a mapping of the bytes from start to end, which belongs to the row and is a call of it. What was mapped there
 * before is not any more. Returns false, and counts the bytes as missed, if that could not be recorded. */
bool regions_add(struct table *t, uint64_t start, uint64_t end, uint32_t row);

/*
 * Takes what is mapped from start to end out of the order, because the kernel is about to be asked to unmap that.
 * Returns a number for regions_gone() or regions_put_back(), one of which has to be called; 0: nothing was there. The
 * rows count the regions until regions_gone().
 */
uint32_t regions_take(struct table *t, uint64_t start, uint64_t end);
void regions_gone(struct table *t, uint32_t taken);
void regions_put_back(struct table *t, uint32_t taken);

/* The end of the mapping that begins at start, as far as it lies there without a gap; 0: no mapping begins there. */
uint64_t regions_end_of_mapping(struct table *t, uint64_t start);

/* In a child after fork, by its only thread. */
void regions_forked(struct table *t);

/* A copy of the regions of a table that nobody vouches for, sorted by address. They do not overlap, and the owner of
 * each is below regions_owners(). Only start, end and owner are set. *count: how many. NULL: there are none, or no
 * memory. */
struct region *regions_copy(const struct table *t, uint32_t *count, struct arena *arena);

/* The numbers of page rows are from 1 on, and below this. 0 or 1: there are none. */
uint32_t regions_owners(const struct table *t);

#endif
