/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kind of growth a series of figures shows: the live bytes, or blocks, of a backtrace at up to TREND_MOMENTS
 * moments of a run.
 *
 *	leaking		  .:#	it goes on growing until the last moment
 *	stepped		__#	it has grown by few jumps, and not between them
 *	filling		.:##	it has grown and then stopped, or slows down: a cache, or what is set up at the start
 *	steady		:.:.	it goes up and down about a level, or its blocks come and go
 *	shrunk		#:.	it has become less
 *	unchanged	####	nothing has happened to it
 *	grown			it is more than it was, and none of these, or the moments are too few to tell
 *
 * The first third of the time is not looked at for leaks: a program warms up. What stands against a leak is weighed
 * with care, because a leak that is taken for a cache is overlooked, and a cache that is taken for a leak is only
 * looked at in vain: growth counts as slowing down only if it is slower per call of the process, too, and by more than
 * chance makes likely. The rules and their thresholds are in trend.c. Pure functions, for any thread.
 */
#ifndef ANALYSIS_TREND_H
#define ANALYSIS_TREND_H

#include "table/history_file.h"

#include <stdbool.h>

#define TREND_MOMENTS	(HISTORY_SNAPSHOTS + 1)		/* all snapshots, and the moment of the report */
#define TREND_LEAST	5u				/* fewer moments do not tell a kind of growth */

/* In the order in which a report has them. */
enum trend_kind {
	TREND_LEAKING, TREND_STEPPED, TREND_GROWN, TREND_FILLING, TREND_STEADY, TREND_SHRUNK, TREND_UNCHANGED,
	TREND_KINDS
};

struct trend_series {
	unsigned count;			/* of moments, at least 1 */
	const uint64_t *ns;		/* when they were, in their order */
	const uint64_t *calls;		/* the calls of the whole process until then */
	const uint64_t *figures;
	uint64_t unit;			/* one block in figures: its mean size, or 1. At least 1 */
	bool churns;			/* many more blocks came than were ever there at a time */
};

struct trend {
	enum trend_kind kind;
	bool until_idle;		/* FILLING, but it grew like a leak until the process stopped allocating: then a
					 * leak and a cache look the same */
	uint64_t was, is;		/* the first and the last figure */
	double rate;			/* of the second half of that time, per second */
};

/*
 * How many of the moments of a process that has ended are before it freed at its end: the last figures are left out,
 * three at most, that are below the one before. The last moment is that of the end. If the one before was at the end,
 * too, both have what was left.
 */
unsigned trend_before_end(const struct trend_series *s);

/* Judges a series. */
void trend_judge(const struct trend_series *s, struct trend *t);

/* The kind's name as reports have it: "leaking". */
const char *trend_name(enum trend_kind kind);

#endif
