/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live heap over time, for --watch: over the whole run, of which the history has the part before the first look,
 * and over the last minutes.
 *
 *	heap ▁▁▂▂▃▄▄▅▅▆▇█ max 12.345 MB
 */
#ifndef WRAPPER_WATCH_GRAPH_H
#define WRAPPER_WATCH_GRAPH_H

#include "analysis/history.h"
#include "base/out.h"

#define WATCH_RECENT		1024u	/* looks */
#define WATCH_RECENT_NS		UINT64_C(300000000000)	/* the last minutes: five */

struct watch_graph {
	struct timeline_point all[TIMELINE_POINTS];	/* in their order; where there is no room, every second one is
							 * dropped */
	struct timeline_point recent[WATCH_RECENT];	/* the newest ones */
	uint32_t all_count, recent_count;
	uint32_t drops;			/* how often every second point was dropped: of 2^drops looks one is kept */
	uint64_t looks;
};

/* Begins with the points of a history, which are NULL where there is none. */
void watch_graph_begin(struct watch_graph *g, const struct history *h);

/* Adds a look. ns: since the table was begun. */
void watch_graph_add(struct watch_graph *g, uint64_t ns, uint64_t live_size);

/*
 * Draws a graph of columns x lines characters, at most TERMINAL_COLUMNS_MAX (terminal.h) wide. text[0..lines), of
 * 4 * columns + 1 bytes each, get its lines, the upper one first. recent: only the last minutes. utf8: with blocks of
 * eighths. *most: the largest value that it shows.
 */
void watch_graph_draw(const struct watch_graph *g, bool recent, unsigned columns, unsigned lines, bool utf8,
		      char *const *text, uint64_t *most);

#endif
