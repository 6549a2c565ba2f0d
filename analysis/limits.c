/* SPDX-License-Identifier: GPL-2.0-only */
/* See limits.h. */
#include "limits.h"

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

unsigned limits_check(const struct model *m, struct limit_result results[LIMITS])
{
	unsigned broken = 0;

	for (unsigned i = 0; i < LIMITS; i++)
		results[i] = (struct limit_result){ .given = false };
	read_limits(m->options, results);
	read_values(&m->totals, results);
	for (unsigned i = 0; i < LIMITS; i++) {
		struct limit_result *r = &results[i];

		r->given = r->most != UINT64_MAX;
		r->broken = r->given && r->value > r->most;
		if (!r->broken)
			continue;
		broken++;
		find_row(m, limits[i].key, r);
	}
	return broken;
}

bool limits_blame(const struct model *m, const struct model_row *row, struct model_stack *stack, struct frame *frame,
		  struct frame_call *call)
{
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
