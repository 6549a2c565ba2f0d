/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A view: the rows of one moment, copied, so that nothing that happens later can make the
 * figures of one report disagree.
 *
 * A row is copied until two copies agree, so that its own figures belong together even while
 * other threads allocate; what they have not yet told (deltas.h) is added.
 * Async-signal-safe; the memory comes from the caller's arena.
 */
#ifndef TABLE_VIEW_H
#define TABLE_VIEW_H

#include "base/arena.h"
#include "base/options.h"
#include "row.h"

/* A row's figures, put together: sizes are bytes, the others blocks and calls. */
struct counters {
	uint64_t live_size, peak_size;
	uint64_t heap_peak_size;	/* as it is now, whatever the epoch */
	uint64_t total_size, total_count, temporary;
	uint32_t live_count, peak_count;
	uint32_t since;			/* ticks (row.h) */
};

struct view_row {
	struct counters counters;
	uint32_t row;
};

struct view {
	struct view_row *rows;
	uint32_t count;
	uint32_t epoch;		/* totals.epoch at that moment */
	uint64_t now_ns;	/* that moment */
};

/* Rows without live blocks may be missing unless all are asked for. Returns false when there is no
 * memory for it. */
bool view_take(struct view *v, struct table *t, bool all, struct arena *arena);

/* A row's figure: bytes, blocks, calls, or for SORT_AGE nanoseconds (0 without live blocks). */
uint64_t view_value(const struct view *v, const struct view_row *r, enum sort_key key);

#endif
