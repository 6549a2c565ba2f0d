/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The moments of a massif file: see massif.h. There are
 *
 *	the start, the snapshots of the history, the peak, the moment of the report
 *	of the timeline's points, the largest one in each of up to PLAIN_MOST equal parts of the time
 *
 * because massif's readers list every moment, and so several hundred of them would be too many.
 */
#include "massif.h"

#include "analysis/history.h"
#include "base/sort.h"

#include <string.h>

#define PLAIN_MOST	150u
#define BYTES_BELOW_NS	100000000u	/* in a shorter run, the clock of the timeline tells only a dozen moments apart */

static void add(struct massif_moments *moments, struct massif_moment moment)
{
	moments->list[moments->count++] = moment;
}

/* Adds the largest point of each part of the time. */
static void add_points(struct massif_moments *moments, const struct history *h, uint64_t end_ns)
{
	uint64_t part_ns = end_ns / PLAIN_MOST + 1, part = 0;
	const struct timeline_point *best = NULL;

	for (uint32_t i = 0; i < h->point_count && h->points[i].ns < end_ns; i++) {
		const struct timeline_point *p = &h->points[i];

		if (best && p->ns / part_ns == part) {
			best = p->live_size > best->live_size ? p : best;
			continue;
		}
		if (best)
			add(moments, (struct massif_moment){ .ns = best->ns, .size = best->live_size });
		best = p;
		part = p->ns / part_ns;
	}
	if (best)
		add(moments, (struct massif_moment){ .ns = best->ns, .size = best->live_size });
}

static bool put_in_order(struct massif_moments *moments, struct arena *arena)
{
	struct massif_moment *sorted = arena_alloc(arena, moments->count * sizeof(*sorted));
	struct sort_entry *order = arena_alloc(arena, moments->count * sizeof(*order));

	if (!sorted || !order)
		return false;
	for (uint32_t i = 0; i < moments->count; i++)
		order[i] = (struct sort_entry){ UINT64_MAX - moments->list[i].ns, i };
	sort_largest(order, moments->count, moments->count);
	for (uint32_t i = 0; i < moments->count; i++)
		sorted[i] = moments->list[order[i].index];
	moments->list = sorted;
	return true;
}

/* Leaves out plain moments that are at the same time as a moment with rows. */
static void drop_doubles(struct massif_moments *moments)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < moments->count; i++) {
		const struct massif_moment *m = &moments->list[i], *before = kept ? &moments->list[kept - 1] : NULL;

		if (m->kind == MASSIF_PLAIN && ((before && before->ns == m->ns) ||
						(i + 1 < moments->count && m[1].ns == m->ns)))
			continue;
		moments->list[kept++] = *m;
	}
	moments->count = kept;
}

/* ---- Times ---- */

/* How many bytes had been allocated until a moment. Only the calls are known at points of the timeline, and of these not
 * at all: between two at which they are, they are taken to be evenly spread, and as large as on average. */
static double allocated_until(const struct model *m, uint64_t ns)
{
	const struct history *h = m->history;
	double from = 0, to = (double)m->totals.total_count;
	uint64_t from_ns = 0, to_ns = model_moment_ns(&m->moment);

	for (uint32_t i = 0; h && i < h->point_count; i++) {
		const struct timeline_point *p = &h->points[i];

		if (p->total_count == TIMELINE_UNKNOWN || p->ns >= to_ns)
			continue;
		if (p->ns > ns) {
			to = (double)p->total_count;
			to_ns = p->ns;
			break;
		}
		from = (double)p->total_count;
		from_ns = p->ns;
	}
	if (to_ns > from_ns && ns > from_ns)
		from += (to - from) * (double)(ns - from_ns) / (double)(to_ns - from_ns);
	return m->totals.total_count ? (double)m->totals.total_size * from / (double)m->totals.total_count : 0;
}

/* Sets the times to bytes that had been allocated and freed until then, as with massif's --time-unit=B. Those of the last
 * moment are known; the others are estimates. They never go back, nor beyond the last one. */
static void set_bytes(struct massif_moments *moments, const struct model *m)
{
	struct massif_moment *last = &moments->list[moments->count - 1];
	uint64_t before = 0;

	last->time = m->totals.total_size + (m->totals.total_size > m->totals.size ? m->totals.total_size - m->totals.size : 0);
	for (uint32_t i = 0; i + 1 < moments->count; i++) {
		struct massif_moment *t = &moments->list[i];
		double bytes = 2 * allocated_until(m, t->ns) - (double)t->size;

		t->time = bytes > (double)t->size ? massif_whole(bytes) : t->size;
		t->time = t->time > before ? t->time : before;
		t->time = t->time < last->time ? t->time : last->time;
		before = t->time;
	}
}

bool massif_moments_make(struct massif_moments *moments, const struct model *m, struct arena *arena)
{
	const struct history *h = m->history;
	uint64_t end_ns = model_moment_ns(&m->moment), peak = m->totals.peak_size, last = m->totals.size;

	*moments = (struct massif_moments){
		.list = arena_alloc(arena, (PLAIN_MOST + HISTORY_SNAPSHOTS + 4) * sizeof(*moments->list)),
		.in_bytes = end_ns < BYTES_BELOW_NS,
	};
	if (!moments->list)
		return false;
	if (!h || !h->point_count || h->points[0].ns)
		add(moments, (struct massif_moment){ .ns = 0 });
	if (h && h->point_count) {
		add_points(moments, h, end_ns);
		last = h->points[h->point_count - 1].live_size;
	}
	for (uint32_t i = 0; h && i < h->snapshot_count && h->snapshots[i].ns < end_ns; i++)
		add(moments, (struct massif_moment){
			.ns = h->snapshots[i].ns, .size = h->snapshots[i].live_size, .kind = MASSIF_SNAPSHOT, .snapshot = i,
		});
	if (peak)
		add(moments, (struct massif_moment){
			.ns = m->moment.peak_at_ns < end_ns ? m->moment.peak_at_ns : end_ns, .size = peak, .kind = MASSIF_PEAK,
		});
	add(moments, (struct massif_moment){ .ns = end_ns, .size = last, .kind = MASSIF_LAST });
	if (!put_in_order(moments, arena))
		return false;
	drop_doubles(moments);
	for (uint32_t i = 0; i < moments->count; i++) {
		struct massif_moment *t = &moments->list[i];

		/* The watcher reads while the program goes on, so that a sum can come out a little too large. */
		if (peak && t->size > peak)
			t->size = peak;
		t->time = t->ns / 1000000;
	}
	if (moments->in_bytes)
		set_bytes(moments, m);
	return true;
}
