/* SPDX-License-Identifier: GPL-2.0-only */
/* See limits.h. */
#include "limits.h"

#include "diff.h"
#include "wrappers.h"

static const struct {
	enum option_id option;
	enum sort_key key;
} limits[LIMITS] = {
	[LIMIT_LEAK] = { OPTION_MAX_LEAK, SORT_SIZE },
	[LIMIT_LEAK_COUNT] = { OPTION_MAX_LEAK_COUNT, SORT_COUNT },
	[LIMIT_PEAK] = { OPTION_MAX_PEAK, SORT_HEAP_PEAK },
	[LIMIT_CALLS] = { OPTION_MAX_CALLS, SORT_TOTAL_COUNT },
	[LIMIT_TEMPORARY] = { OPTION_MAX_TEMPORARY, SORT_TEMPORARY },
};

enum option_id limit_option(enum limit limit)
{
	return limits[limit].option;
}

enum sort_key limit_key(enum limit limit)
{
	return limits[limit].key;
}

/* The share of temporary calls in thousandths of a percent, rounded up, so that nothing above a limit passes it. */
static uint64_t temporary_share(const struct model_totals *t)
{
	uint64_t calls = t->total_count, temporary = t->temporary;

	while (temporary > UINT64_MAX / 200000) {
		calls >>= 1;
		temporary >>= 1;
	}
	return calls ? (temporary * 100000 + calls - 1) / calls : 0;
}

static void read_limits(const struct options *o, struct limit_result results[LIMITS])
{
	results[LIMIT_LEAK].most = o->max_leak;
	results[LIMIT_LEAK_COUNT].most = o->max_leak_count;
	results[LIMIT_PEAK].most = o->max_peak;
	results[LIMIT_CALLS].most = o->max_calls;
	results[LIMIT_TEMPORARY].most = o->max_temporary == UINT32_MAX ? UINT64_MAX : o->max_temporary;
}

static void read_values(const struct model_totals *t, struct limit_result results[LIMITS])
{
	results[LIMIT_LEAK].value = t->size;
	results[LIMIT_LEAK_COUNT].value = t->count;
	results[LIMIT_PEAK].value = t->peak_size;
	results[LIMIT_CALLS].value = t->total_count;
	results[LIMIT_TEMPORARY].value = temporary_share(t);
}

/* Finds the row with the largest figure for the key. */
static void find_row(const struct model *m, enum sort_key key, struct limit_result *result)
{
	for (uint32_t i = 0; i < m->all.count; i++) {
		struct model_row row = model_row(m, &m->all, i);

		if (row.values[key] && (!result->has_row || row.values[key] > result->row.values[key])) {
			result->row = row;
			result->has_row = true;
		}
	}
}

/* What a figure has grown by, beyond the tolerance. */
static uint64_t growth(const struct options *o, uint64_t was, uint64_t is)
{
	double allowed = (double)was * (1 + (double)o->tolerance / 100000);

	return (double)is > allowed ? is - (uint64_t)allowed : 0;
}

/* Finds the backtrace that has grown most. Returns the sum of what all have grown by. */
static uint64_t find_growth(const struct diff *d, enum sort_key key, struct limit_result *result)
{
	uint64_t sum = 0, most = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct diff_entry *e = &d->list[i];
		uint64_t grown = growth(d->newer->options, e->was[key], e->is[key]);

		sum += grown;
		if (grown <= most)
			continue;
		most = grown;
		result->row = e->row;
		result->has_row = true;
	}
	return sum;
}

/* Turns the figures into what they have grown by. */
static void subtract_baseline(const struct model *m, const struct diff *d, struct limit_result results[LIMITS])
{
	struct limit_result before[LIMITS];

	read_values(&m->older->totals, before);
	for (unsigned i = 0; i < LIMITS; i++) {
		struct limit_result *r = &results[i];
		uint64_t sum = find_growth(d, limits[i].key, r);
		bool by_row = i == LIMIT_LEAK || i == LIMIT_LEAK_COUNT;

		r->over_baseline = true;
		r->value = by_row ? sum : growth(m->options, before[i].value, r->value);
	}
}

unsigned limits_check(const struct model *m, struct arena *arena, struct limit_result results[LIMITS])
{
	unsigned broken = 0;
	struct diff d;

	for (unsigned i = 0; i < LIMITS; i++)
		results[i] = (struct limit_result){ .given = false };
	read_limits(m->options, results);
	read_values(&m->totals, results);
	if (m->older && diff_make(&d, m->older, m, arena))
		subtract_baseline(m, &d, results);
	for (unsigned i = 0; i < LIMITS; i++) {
		struct limit_result *r = &results[i];

		r->given = r->most != UINT64_MAX;
		r->broken = r->given && r->value > r->most;
		broken += r->broken;
		if (r->broken && !r->over_baseline)
			find_row(m, limits[i].key, r);
		else if (!r->broken)
			r->has_row = false;
	}
	return broken;
}

bool limits_blame(const struct model *m, const struct model_row *row, struct model_stack *stack, struct frame *frame,
		  struct frame_call *call)
{
	model_name_row(m, row);
	model_stack(m, row, stack);
	/* Frame 0 is the allocation function itself. */
	for (unsigned i = 1; i < stack->count; i++) {
		*frame = model_frame(stack, i);
		for (unsigned at = 0; at < frame->call_count; at++) {
			*call = frame_call(frame, at);
			if (!wrappers_is(call->function))
				return true;
		}
	}
	return false;
}
