/* SPDX-License-Identifier: GPL-2.0-only */
/* See view.h. */
#include "view.h"

#define COPIES_MAX	16	/* a row that changes all the time is taken as it is */

static void load_row(struct row *to, const struct row *from)
{
	to->live_count = load_relaxed(&from->live_count);
	to->live_size = load_relaxed(&from->live_size);
	to->peak_count = load_relaxed(&from->peak_count);
	to->peak_size = load_relaxed(&from->peak_size);
	to->heap_peak_size = load_relaxed(&from->heap_peak_size);
	to->epoch = load_relaxed(&from->epoch);
	to->total_size = load_relaxed(&from->total_size);
	to->total_count = load_relaxed(&from->total_count);
	to->temporary_low = load_relaxed(&from->temporary_low);
	to->since_ns = load_relaxed(&from->since_ns);
}

static bool same_row(const struct row *a, const struct row *b)
{
	return a->live_count == b->live_count && a->live_size == b->live_size &&
	       a->total_count == b->total_count && a->total_size == b->total_size &&
	       a->peak_count == b->peak_count && a->peak_size == b->peak_size;
}

static void copy_row(struct row *to, const struct row *from)
{
	struct row again;

	load_row(to, from);
	for (int i = 0; i < COPIES_MAX; i++) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		load_row(&again, from);
		if (same_row(to, &again))
			return;
		*to = again;
	}
}

bool view_take(struct view *v, const struct table *t, struct arena *arena)
{
	uint32_t end = table_row_end(t);

	*v = (struct view){ .now_ns = now_ns(), .epoch = load_relaxed(&t->head->totals.epoch) };
	v->rows = arena_alloc(arena, end * sizeof(*v->rows));
	if (!v->rows)
		return false;
	for (uint32_t i = ROW_OVERFLOW; i < end; i++) {
		struct view_row *r = &v->rows[v->count];

		if (!load_relaxed(&t->rows[i].total_count))
			continue;
		copy_row(&r->counters, &t->rows[i]);
		r->row = i;
		r->temporary = ((uint64_t)load_relaxed(&t->infos[i].temporary_high) << 32) +
			       r->counters.temporary_low;
		v->count++;
	}
	return true;
}

uint64_t view_value(const struct view *v, const struct view_row *r, enum sort_key key)
{
	const struct row *c = &r->counters;

	switch (key) {
	case SORT_SIZE:		return c->live_size;
	case SORT_COUNT:	return c->live_count;
	case SORT_PEAK_SIZE:	return c->peak_size;
	case SORT_PEAK_COUNT:	return c->peak_count;
	case SORT_HEAP_PEAK:	return row_heap_peak(c, v->epoch);
	case SORT_TOTAL_SIZE:	return c->total_size;
	case SORT_TOTAL_COUNT:	return c->total_count;
	case SORT_TEMPORARY:	return r->temporary;
	case SORT_AGE:
		return c->live_count && v->now_ns > c->since_ns ? v->now_ns - c->since_ns : 0;
	case SORT_KEYS:
		break;
	}
	return 0;
}
