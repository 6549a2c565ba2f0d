/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The limits of --max-leak, --max-leak-count, --max-peak, --max-calls and --max-temporary: which ones a process has
 * broken, and which backtrace is to blame first. That is the backtrace with the largest figure of the kind that the
 * limit is about.
 *
 * With a baseline, which is an older run of the program (model.older), the figures are what they have grown by: the
 * live bytes and blocks of each backtrace by itself (diff.h), the other figures as a whole. Growth within --tolerance
 * is no growth.
 *
 * For the wrapper and the watcher.
 */
#ifndef ANALYSIS_LIMITS_H
#define ANALYSIS_LIMITS_H

#include "model.h"

enum limit {
	LIMIT_LEAK,			/* bytes that are live at the end */
	LIMIT_LEAK_COUNT,		/* blocks that are live at the end */
	LIMIT_PEAK,			/* bytes, the largest size of the heap */
	LIMIT_CALLS,			/* calls of allocation functions */
	LIMIT_TEMPORARY,		/* thousandths of a percent of the calls */
	LIMITS
};

struct limit_result {
	bool given;			/* the options have this limit */
	bool broken;			/* and `value` is above it */
	bool over_baseline;		/* `value` is the growth over the run model.older */
	uint64_t value, most;		/* the process's figure, and the limit; units as above */
	bool has_row;			/* `row` is the one to blame: the limit is broken, and there is such a row */
	struct model_row row;
};

/* The option of a limit. */
enum option_id limit_option(enum limit limit);

/* Whether the limit is in bytes. The others but LIMIT_TEMPORARY are numbers. */
static inline bool limit_is_size(enum limit limit)
{
	return limit == LIMIT_LEAK || limit == LIMIT_PEAK;
}

/* The key whose largest figure a broken limit is blamed on. */
enum sort_key limit_key(enum limit limit);

/* Compares the figures of a model, which has model.all, with the limits of its options. Returns how many are broken.
 * arena: work space. Where it has no memory, a baseline has no effect. */
unsigned limits_check(const struct model *m, struct arena *arena, struct limit_result results[LIMITS]);

/*
 * The frame of a row that a developer looks at first: the innermost call that is no allocation function or wrapper of
 * one (wrappers.h). Its function may be unknown. stack: work space. False: there is none.
 */
bool limits_blame(const struct model *m, const struct model_row *row, struct model_stack *stack, struct frame *frame,
		  struct frame_call *call);

#endif
