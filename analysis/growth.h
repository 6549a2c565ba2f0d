/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has grown between two moments of a run, and how, for --growth: the live figures of each backtrace at the
 * snapshots (history.h) and at the moment of the report, judged by trend.h.
 *
 * The figures of a process that has ended are left out where they are below those of the last snapshot: what a program
 * frees at its end says nothing about how it grew.
 *
 * The memory is the caller's arena. For the wrapper and the watcher; one thread at a time.
 */
#ifndef ANALYSIS_GROWTH_H
#define ANALYSIS_GROWTH_H

#include "model.h"
#include "trend.h"

struct growth_entry {
	struct trend trend;		/* of the key's figures */
	uint64_t *figures;		/* at each moment: those of the key... */
	uint64_t *others;		/* ...and blocks where these are bytes, bytes where they are blocks */
	unsigned moments;		/* how many of the moments were judged: all, or all but the last */
	bool freed_at_end;		/* the last moment was left out, see above */
	struct model_row row;
};

struct growth {
	enum sort_key key;		/* SORT_SIZE or SORT_COUNT */
	unsigned moments;		/* how many there are; less than 2: nothing can be said */
	uint64_t ns[TREND_MOMENTS];	/* since the start of the process */
	uint64_t calls[TREND_MOMENTS];	/* of the process until then */
	uint64_t totals[TREND_MOMENTS];	/* the key's figure of the whole heap */
	bool freed_at_end;		/* the process has ended, and the last total is below the one before */
	struct growth_entry *list;	/* of the backtraces that have had blocks at one of the moments, or of which many
					 * have come and gone. The kinds in their order; of a kind the fastest or largest
					 * first */
	uint32_t count;
	struct growth_kind {
		uint32_t rows;
		uint64_t was, is;	/* sums of the first and of the last figures */
		double rate;		/* the sum of their rates, per second */
	} kinds[TREND_KINDS];
};

/*
 * Judges all rows of a model, which has model.all. key: SORT_SIZE, or SORT_COUNT for blocks. since_ms: the first moment
 * is the last snapshot before that time; OPTIONS_ALL_THE_TIME: the first one of all. False: there is no memory.
 */
bool growth_make(struct growth *g, const struct model *m, enum sort_key key, uint32_t since_ms, struct arena *arena);

#endif
