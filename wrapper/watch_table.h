/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The items of a live view as lines of a table that is so many columns wide, 80 to 250. The name gets what the figures
 * leave, and wider tables have more figures.
 *
 *	    size v    growth/s    count   more/s  function
 *	 22.704 KB   +1.320 KB       43       +2  parse(char const*) at src/parse.cc:214
 */
#ifndef WRAPPER_WATCH_TABLE_H
#define WRAPPER_WATCH_TABLE_H

#include "watch_view.h"

struct watch_table {
	bool key;			/* a column for the sort key, which none of the others shows */
	bool changes, count_change, calls, share, total;	/* these columns are there */
	bool estimates;			/* figures are estimates: the columns have room for "~" */
	unsigned name;			/* columns for the name; 0: any number */
};

/* Chooses the columns. columns: of the whole table; 0: any number. changes: whether there are any. */
struct watch_table watch_table_choose(const struct watch_view *v, unsigned columns, bool changes);

/* Write the line of headings, and that of an item, without a newline. */
void watch_table_write_head(const struct watch_table *t, const struct watch_view *v, struct out *out);
void watch_table_write_item(const struct watch_table *t, struct watch_view *v, const struct watch_item *item,
			    struct out *out);

/* A change since the earlier moment (watch_rates_earlier()): in a second, or as a whole since a baseline. */
int64_t watch_table_rate(const struct watch_view *v, int64_t change);

/* Writes a change with its sign, right-aligned: "+1.320 KB", "~+1.320 KB" where `out` marks estimates. Blanks for 0. */
void watch_table_write_change(int64_t change, bool is_size, unsigned columns, struct out *out);

#endif
