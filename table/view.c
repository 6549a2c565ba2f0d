/* SPDX-License-Identifier: GPL-2.0-only */
/* See view.h. */
#include "view.h"

#include "deltas.h"
#include "layout.h"

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

/* What a thread has not yet told of one row. */
static void add_delta(struct view_row *r, const struct delta *d)
{
	struct row *c = &r->counters;

	c->live_count += (uint32_t)load_relaxed(&d->live_count);
	c->live_size += (uint64_t)load_relaxed(&d->live_size);
	c->total_count += load_relaxed(&d->total_count);
	c->total_size += load_relaxed(&d->total_size);
	r->temporary += load_relaxed(&d->temporary);
}

static uint32_t threads_with_deltas(const struct table *t)
{
	return layout_count(t->head, TABLE_DELTAS);
}

/* Marks the rows of which a thread has something to tell. */
static void mark_deltas(uint8_t *marked, const struct table *t, uint32_t end)
{
	for (uint32_t i = 0; i < threads_with_deltas(t); i++) {
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			uint32_t row = load_relaxed(&t->deltas[i].slots[s].row);

			if (row && row < end)
				marked[row / 8] |= (uint8_t)(1u << row % 8);
		}
	}
}

/* The view's row, by halving: they are in order. */
static struct view_row *find_row(const struct view *v, uint32_t row)
{
	uint32_t low = 0, high = v->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (v->rows[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low < v->count && v->rows[low].row == row ? &v->rows[low] : NULL;
}

static void add_deltas(struct view *v, const struct table *t)
{
	for (uint32_t i = 0; i < threads_with_deltas(t); i++) {
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			const struct delta *d = &t->deltas[i].slots[s];
			uint32_t row = load_relaxed(&d->row);
			struct view_row *r = row ? find_row(v, row) : NULL;

			if (r)
				add_delta(r, d);
		}
	}
}

/* While other threads allocate, the words of a sum can be of two moments. */
static void settle(struct row *c)
{
	if ((int32_t)c->live_count <= 0 && c->live_count > UINT32_MAX - DELTAS_THREADS * DELTA_BLOCKS)
		c->live_count = 0;
	if ((int64_t)c->live_size < 0 || !c->live_count)
		c->live_size = 0;
	if (c->peak_count < c->live_count)
		c->peak_count = c->live_count;
	if (c->peak_size < c->live_size)
		c->peak_size = c->live_size;
}

/* The heap has grown past its last known maximum, but no thread has told so yet: it is now. */
static void settle_heap_peak(struct view *v, uint64_t known_peak)
{
	uint64_t live = 0;

	for (uint32_t i = 0; i < v->count; i++)
		live += v->rows[i].counters.live_size;
	for (uint32_t i = 0; i < v->count && live > known_peak; i++)
		v->rows[i].counters.heap_peak_size = v->rows[i].counters.live_size;
}

static void take_row(struct view *v, const struct table *t, uint32_t row)
{
	struct view_row *r = &v->rows[v->count++];

	copy_row(&r->counters, &t->rows[row]);
	r->counters.heap_peak_size = row_heap_peak(&r->counters, v->epoch);
	r->row = row;
	r->temporary = ((uint64_t)table_wraps(t, row) << 32) + r->counters.temporary_low;
}

bool view_take(struct view *v, struct table *t, bool all, struct arena *arena)
{
	uint32_t end, kept = 0;
	uint8_t *marked;

	deltas_freeze(t);
	end = table_row_end(t);
	*v = (struct view){ .now_ns = now_ns(), .epoch = load_relaxed(&t->head->totals.epoch) };
	/* Room for all; what is not needed is not touched. */
	v->rows = arena_alloc(arena, end * sizeof(*v->rows));
	marked = arena_alloc(arena, end / 8 + 1);
	if (!v->rows || !marked) {
		deltas_thaw(t);
		return false;
	}
	mark_deltas(marked, t, end);
	for (uint32_t i = ROW_OVERFLOW; i < end; i++) {
		if (load_relaxed(&t->rows[i].live_count) || marked[i / 8] >> i % 8 & 1 ||
		    (all && load_relaxed(&t->rows[i].total_count)))
			take_row(v, t, i);
	}
	add_deltas(v, t);
	deltas_thaw(t);
	for (uint32_t i = 0; i < v->count; i++) {
		if (!v->rows[i].counters.total_count)
			continue;
		settle(&v->rows[i].counters);
		v->rows[kept++] = v->rows[i];
	}
	v->count = kept;
	settle_heap_peak(v, load_relaxed(&t->head->totals.peak_size));
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
	case SORT_HEAP_PEAK:	return c->heap_peak_size;
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
