/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has grown between two moments of a run, and how, for --growth: the live figures of each backtrace at the
 * snapshots (history.h) and at the moment of the report, judged by trend.h.
 *
 * What a program frees at its end says nothing about how it grew. Therefore, of a process that has ended, up to three
 * figures at the end are left out that are below the one before: of the moment of the report, and of snapshots that
 * were taken while it freed.
 *
 * The memory is the caller's arena. For the wrapper and the watcher; one thread at a time.
 */
#ifndef ANALYSIS_GROWTH_H
#define ANALYSIS_GROWTH_H

#include "labels.h"
#include "trend.h"

struct growth_entry {
	struct trend trend;		/* of the key's figures */
	uint64_t *figures;		/* at each moment: those of the key... */
	uint64_t *others;		/* ...and blocks where these are bytes, bytes where they are blocks */
	unsigned moments;		/* how many of the moments were judged: all, or all but the last ones, see
					 * above */
	struct model_row row;		/* of a group: sums (model_add_values()) */
	uint32_t label;			/* of a group: what its rows have in common, as in struct group */
};

struct growth {
	enum group_by by;		/* GROUP_NONE: each entry is a backtrace; else it is a group */
	struct labels labels;		/* of the groups */
	enum sort_key key;		/* SORT_SIZE or SORT_COUNT */
	unsigned moments;		/* how many there are; less than 2: nothing can be said */
	uint64_t ns[TREND_MOMENTS];	/* since the start of the process */
	uint64_t calls[TREND_MOMENTS];	/* of the process until then */
	uint64_t totals[TREND_MOMENTS];	/* the key's figure of the whole heap */
	unsigned before_end;		/* how many of them are before the process freed at its end */
	struct growth_entry *list;	/* of the backtraces that have had blocks at one of the moments, or of which
					 * many have come and gone. The kinds in their order; of a kind the fastest or
					 * largest first */
	uint32_t count;
	struct growth_kind {
		uint32_t rows;
		uint64_t was, is;	/* sums of the first and of the last figures */
		double rate;		/* the sum of their rates, per second */
	} kinds[TREND_KINDS];
};

/*
 * Judges all rows of a model, which has model.all. key: SORT_SIZE, or SORT_COUNT for blocks. since_ms: the first moment
 * is the last snapshot before that time; OPTIONS_ALL_THE_TIME: the first one of all. by: rows are added up to groups
 * before they are judged; GROUP_NONE, GROUP_BACKTRACE: they are not. False: there is no memory.
 */
bool growth_make(struct growth *g, const struct model *m, enum sort_key key, uint32_t since_ms, enum group_by by,
		 struct arena *arena);

#endif
