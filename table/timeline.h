/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline: how large the heap was at up to TIMELINE_POINTS moments of the run. It is a part of the table, and the
 * process itself adds the points here, at moments when it reads the clock anyway (the live count of a row leaves 0) and
 * at its dumps. So a process that allocates nothing, or only ever adds to rows that have blocks, gets no points here.
 * The watcher adds points at those moments, in a place of its own (history_file.h), and a reader merges the two.
 *
 * The points are `spacing` apart, which begins at one tick (row.h). When there is no room left, every second point is
 * dropped, and the spacing doubles. So there are always points over the whole run, half of the room at least.
 *
 * A forked child gets a copy with the table: its rows have its parent's blocks, too. So its timeline shows the parent
 * up to the fork.
 *
 * One thread at a time adds a point. Another one that comes meanwhile, or a signal handler, adds none. Points are
 * written before they are counted. A kill, or a reader in the middle of the dropping, can find points that are not
 * later than the one before them: these are to be left out.
 */
#ifndef TABLE_TIMELINE_H
#define TABLE_TIMELINE_H

#include "table.h"

#define TIMELINE_POINTS		1000u
#define TIMELINE_UNKNOWN	UINT64_MAX

struct timeline_point {
	uint64_t ns;			/* since header.begun_ns */
	uint64_t live_size;		/* bytes */
	uint64_t live_count, total_count;	/* blocks, and calls since the start; TIMELINE_UNKNOWN: not counted
						 * then */
	uint64_t rss;			/* bytes; 0: not known */
	uint64_t own;			/* of these, the bytes of the table; 0: not known */
};

/* Adds a point. now_ns: now_ns(). For row.c and deltas.c, which call timeline_look(). Any thread, async-signal-safe. */
__attribute__((cold)) void timeline_tick(struct table *t, uint64_t now_ns);

/*
 * Adds a point if one is due. now_ns: the clock that the caller has just read; ticks: the same moment in ticks. The due
 * moment has 32 bits, like all that is kept in ticks, because 32-bit programs load that in one step.
 */
static inline void timeline_look(struct table *t, uint64_t now_ns, uint32_t ticks)
{
	if (unlikely((int32_t)(ticks - load_relaxed(&t->timeline_due)) >= 0))
		timeline_tick(t, now_ns);
}

/* Notes that dump `number` is being taken, and adds a point. Any thread, async-signal-safe. */
void timeline_note_dump(struct table *t, uint32_t number, uint64_t now_ns);

/* The bytes that are alive, with what is pending in threads. */
uint64_t timeline_live_size(const struct table *t);

/*
 * Sums over all rows and all threads' slots: sets live_size, live_count and total_count. Of t only the header, rows,
 * infos, uppers and deltas are read. While other threads allocate, the sums can be wrong by what they do meanwhile.
 */
void timeline_sum(const struct table *t, struct timeline_point *p);

/* Drops every second point, but never the first. Returns how many are left. */
uint32_t timeline_thin(struct timeline_point *points, uint32_t count);

/*
 * When the heap was as large as it has ever been, in nanoseconds since the table was begun: the first look at the clock
 * that saw it. Where none has, that is now_ns, the moment of the table.
 */
static inline uint64_t timeline_peak_ns(const struct table *t, uint64_t now_ns)
{
	const struct table_header *h = t->head;

	if (load_relaxed(&h->timeline.peak_size) == load_relaxed(&h->totals.peak_size))
		return load_relaxed(&h->timeline.peak_ns);
	return now_ns > h->begun_ns ? now_ns - h->begun_ns : 0;
}

#endif
