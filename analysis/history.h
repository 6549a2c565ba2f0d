/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history of a process, as reports get it: the timeline, and the snapshots of all rows at earlier moments of the
 * run. It is read from the table, where the process has noted points of the timeline (table/timeline.h), and from what
 * the watcher has written behind the table (table/history_file.h). Times are in nanoseconds since header.begun_ns, that
 * is since model.moment.begun_ns; sizes are bytes.
 *
 * So a report knows the rows at these moments:
 *	each snapshot			history.snapshots[], history_find(), history_series()
 *	the heap's peak			SORT_HEAP_PEAK of a row, at model.moment.peak_at_ns
 *	the moment of the report	SORT_SIZE and SORT_COUNT of a row, at model.moment.now_ns - begun_ns
 */
#ifndef ANALYSIS_HISTORY_H
#define ANALYSIS_HISTORY_H

#include "base/arena.h"
#include "table/events.h"
#include "table/history_file.h"

/* The last dump of a process stands for the same moment as a report that is made of the process later, if it was taken
 * less than this before that moment. */
#define HISTORY_SAME_MOMENT_NS	20000000u

struct history_row {
	uint32_t row, count;		/* its number, and its live blocks */
	uint64_t size;			/* its live bytes */
};

struct history_snapshot {
	uint64_t ns;
	uint64_t live_size, live_count, total_count, rss;	/* as in struct history_entry */
	uint64_t rest_size, rest_count;
	uint32_t rest_rows;		/* 0: a row that is not in rows had no live block */
	uint32_t row_count;
	const struct history_row *rows;	/* in the order of their numbers */
	/* The rows as history_select() has found them: of all windows of the recording, and those of one backtrace not
	 * added up. */
	uint32_t each_count;
	const struct history_row *each;
};

struct history {
	struct timeline_point *points;	/* of the process and of the watcher, in their order; the last one is that of
					 * the report, without RSS */
	uint32_t point_count;		/* at most TIMELINE_POINTS + 1 */
	uint32_t snapshot_count;
	struct history_snapshot snapshots[HISTORY_SNAPSHOTS];	/* in the order of their moments */
	uint64_t dumps_ns[TIMELINE_DUMPS];	/* when the newest dumps were taken, in their order */
	uint32_t dump_count;
	bool watched;			/* the watcher has written a history. Otherwise there are no snapshots, and no
					 * RSS */
	bool had_watcher;		/* it would have, had the run been longer, and if there is a place for it */
	uint64_t peak_size, peak_ns;	/* as in struct history_head; peak_size 0: not known */
	uint64_t rss_peak, rss_peak_ns;	/* 0: not known */
};

/*
 * Reads the history. t: a table from load_table(). fd: the file or memfd that it was read from, at offset 0, or -1 if
 * that is not to be had: then there are the points of the table only. now_ns: the moment of the report, by the clock of
 * now_ns(). The memory comes from the arena. What is damaged is left out; without memory there is less. Nothing in the
 * file is trusted. Any thread, async-signal-safe; *t must not change meanwhile.
 */
void history_load(struct history *h, const struct table *t, int fd, uint64_t now_ns, struct arena *arena);

/*
 * Takes the rows out of the snapshots that are outside of a range, and adds up those of one backtrace, as the view of a
 * model does (table/view.h). The sums of a snapshot stay those of all rows then. Without memory the snapshots stay as
 * they are.
 */
void history_select(struct history *h, const struct table *t, struct row_range range, struct arena *arena);

/* Adds a snapshot of what the rows have now, from a table that does not change meanwhile, for who looks at a process
 * itself, without a watcher. now_ns: the moment of the table, by the clock of now_ns(). The memory comes from the
 * arena.
 * False: there is no memory, or no room for one more. */
bool history_look(struct history *h, struct table *t, uint64_t now_ns, struct arena *arena);

/*
 * What a row had in a snapshot. False: the row is among the rest, whose figures are not known one by one (their bytes
 * are at most about those of the least row in the snapshot); *size and *count are then 0. A row that is not yet there
 * has 0 bytes. The time is logarithmic in the number of rows.
 */
bool history_find(const struct history_snapshot *s, uint32_t row, uint64_t *size, uint32_t *count);

/* Fills in what a row had in each snapshot, bytes[0..snapshot_count) and blocks. Returns how many of these figures are
 * known (the others are 0). */
uint32_t history_series(const struct history *h, uint32_t row, uint64_t bytes[HISTORY_SNAPSHOTS],
			uint32_t blocks[HISTORY_SNAPSHOTS]);

#endif
