/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history of a process: what its table held at earlier moments of the run. The watcher writes it, into the file or
 * memfd of the table, behind the table's own bytes (header.size_bytes). The traced process never maps that space. So
 * the history costs the process nothing, and is there after a kill.
 *
 *	| table ... | struct history_head | points | place 0 | place 1 | ... | place 23 |
 *	  size_bytes  HISTORY_OFFSET
 *
 * It has two parts:
 *	points		of the timeline, like those in the table (timeline.h). The watcher takes them while the program
 *			allocates nothing, too, and they have the RSS
 *	snapshots	the live figures of all rows at up to HISTORY_SNAPSHOTS moments. When there is no room for
 *			another one, about every second is dropped, and the time between two of them doubles. The first
 *			one always stays. None is taken while nothing is allocated or freed. What the rows have now, or
 *			had at the end, is in the table itself
 *
 * A snapshot lies in one of the places, and is compact: for each row with live blocks, in the order of the rows'
 * numbers, three numbers of 7 bits a byte, the least significant bits first, with the upper bit set in all bytes but
 * the last (LEB128, as in DWARF): the row's number minus that of the row before, its bytes, and its blocks. If more
 * than HISTORY_ROWS rows have live blocks, those with the most bytes are there, and sums of the rest.
 *
 * A forked child begins a history of its own; the points before the fork, which it has in its copy of the table, are
 * its parent's. So does a program that a process becomes by exec.
 *
 * A reader may come while the watcher writes. Therefore a snapshot's place begins with the moment that its entry in
 * the head has: where the two differ, the place has been taken by a later snapshot, and the entry is left out. Times
 * are in nanoseconds since header.begun_ns, sizes in bytes.
 */
#ifndef TABLE_HISTORY_FILE_H
#define TABLE_HISTORY_FILE_H

#include "timeline.h"

#define HISTORY_MAGIC		"heaphis"	/* 8 bytes with its NUL */
#define HISTORY_VERSION		1u
#define HISTORY_SNAPSHOTS	24u
#define HISTORY_ROWS		16384u		/* of one snapshot */
#define HISTORY_ROW_BYTES	20u		/* of one row, at most: 5 + 10 + 5 */
#define HISTORY_PLACE_BYTES	(sizeof(uint64_t) + HISTORY_ROWS * HISTORY_ROW_BYTES)

struct history_entry {
	uint64_t ns;
	uint64_t live_size, live_count, total_count;	/* of all rows: bytes, blocks, calls since the start */
	uint64_t rss;			/* 0: not known */
	uint64_t rest_size, rest_count;	/* of the rows that did not fit */
	uint32_t rest_rows;
	uint32_t rows, bytes;		/* in the place: rows, and bytes behind the moment */
	uint32_t place;
};

struct history_head {
	char magic[8];
	uint32_t version;
	uint32_t point_count, snapshot_count;
	uint32_t unused;
	uint64_t peak_size, peak_ns;	/* totals.peak_size as the watcher has last seen it, and when it first saw
					 * that */
	uint64_t rss_peak, rss_peak_ns;	/* the largest RSS that it has seen, and when */
	struct history_entry snapshots[HISTORY_SNAPSHOTS];	/* in the order of their moments */
};

/* Where the parts lie, from size_bytes on. */
#define HISTORY_POINTS_OFFSET	((uint64_t)4096)
#define HISTORY_PLACES_OFFSET	((uint64_t)64 << 10)
#define HISTORY_PLACE_STEP	((HISTORY_PLACE_BYTES + 4095) & ~(uint64_t)4095)
_Static_assert(sizeof(struct history_head) <= HISTORY_POINTS_OFFSET, "the head lies before the points");
_Static_assert(HISTORY_POINTS_OFFSET + TIMELINE_POINTS * sizeof(struct timeline_point) <= HISTORY_PLACES_OFFSET,
	       "the points lie before the snapshots");

#endif
