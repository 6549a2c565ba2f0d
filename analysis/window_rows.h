/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of a model window by window, for documents whose readers choose one: a row of the model is the sum of what
 * its backtrace has in each of the windows that the figures are about (windows.h), and here are the addends.
 *
 *	model.all	place 0: 30 blocks	place 1: 9 blocks
 *	window 1	{place 0: 20 blocks}	{place 1: 3 blocks}
 *	window 2	{place 0: 10 blocks}	{place 1: 6 blocks}
 *
 * For the wrapper and the watcher. The memory is the caller's arena.
 */
#ifndef ANALYSIS_WINDOW_ROWS_H
#define ANALYSIS_WINDOW_ROWS_H

#include "history.h"
#include "model.h"

/* What a backtrace has of one window. */
struct window_row {
	uint32_t place;			/* of the row in model.all */
	uint64_t threads;		/* for model_threads() */
	uint64_t values[SORT_KEYS];	/* as in struct model_row */
};

struct window_part {
	uint32_t number;		/* of the window */
	uint32_t first, end;		/* its rows in the table: from `first` on, before `end` */
	uint32_t from, count;		/* its rows in window_rows.rows: of the backtraces that have allocated in it */
};

struct window_rows {
	const struct model *model;
	struct window_part *parts;	/* by number */
	uint32_t part_count;
	struct window_row *rows;
	uint32_t row_count;
	uint32_t *places;		/* by number of a row in the table: its place in model.all, plus 1 */
	uint32_t place_end;
};

/* Finds the rows of the windows of a model that has model.all. False: the figures are about one window, or there is no
 * memory. */
bool window_rows_find(struct window_rows *w, const struct model *m, struct arena *arena);

/* What the rows of one window had in a snapshot of the model's history. history_row.row is the place in model.all, and
 * can come twice: figures are to be added up. to: room for history_snapshot.each_count. Returns how many there are. */
uint32_t window_rows_snapshot(const struct window_rows *w, const struct window_part *p,
			      const struct history_snapshot *s, struct history_row *to);

#endif
