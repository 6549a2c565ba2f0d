/* SPDX-License-Identifier: GPL-2.0-only */
/* See timeline.h. */
#include "timeline.h"

#include "deltas.h"
#include "layout.h"
#include "row.h"

/*
 * A point has the blocks and calls only if the rows can be summed in a hundredth of the time until the next point. A
 * row takes 8 ns if it is in no cache. A thread's slots are as many bytes as DELTA_SLOTS rows.
 */
#define ROW_NS		8u
#define PART_OF_TIME	100u

uint64_t timeline_live_size(const struct table *t)
{
	/* In a damaged file the figures can be anything. Unsigned numbers may overflow. */
	uint64_t bytes = load_relaxed(&t->head->totals.live_size);

	for (uint32_t i = 0; i < layout_count(t->head, TABLE_DELTAS); i++)
		bytes += (uint64_t)load_relaxed(&t->deltas[i].heap_size);
	return (int64_t)bytes > 0 ? bytes : 0;
}

void timeline_sum(const struct table *t, struct timeline_point *p)
{
	uint32_t end = table_row_end(t), threads = layout_count(t->head, TABLE_DELTAS);
	uint32_t first = load_relaxed(&t->head->figures_row);	/* at least ROW_OVERFLOW */
	uint64_t live_count = 0, total_count = 0;

	for (uint32_t i = first; i < end; i++) {
		live_count += (uint64_t)row_count(load_relaxed(&t->rows[i].live_count));
		total_count += row_total_count(t, i);
	}
	for (uint32_t i = 0; i < threads; i++) {
		const struct deltas *d = &t->deltas[i];

		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			if (load_relaxed(&d->slots[s].row) < first)
				continue;
			live_count += (uint64_t)load_relaxed(&d->slots[s].live_count);
			total_count += load_relaxed(&d->slots[s].total_count);
		}
	}
	p->live_size = timeline_live_size(t);
	p->live_count = (int64_t)live_count > 0 ? live_count : 0;
	p->total_count = total_count;
}

uint32_t timeline_thin(struct timeline_point *points, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i += 2) {
		points[kept].live_size = points[i].live_size;
		points[kept].live_count = points[i].live_count;
		points[kept].total_count = points[i].total_count;
		points[kept].rss = points[i].rss;
		points[kept].own = points[i].own;
		/* Last: after a kill before this, the point still has its old time, and is left out. */
		signal_fence();
		store_relaxed(&points[kept].ns, points[i].ns);
		kept++;
	}
	return kept;
}

/* Where the next point goes. There is room for one at least: half of one step, or else nothing was ever there. */
static struct timeline_point *next_point(struct table *t)
{
	struct table_header *h = t->head;
	uint32_t count = layout_count(h, TABLE_TIMELINE);

	if (count == load_relaxed(&h->timeline_limit) && !layout_grow(t, TABLE_TIMELINE)) {
		if (count < 2)
			return NULL;
		count = timeline_thin(t->timeline, count);
		store_release(&h->timeline_count, count);
		h->timeline.spacing *= 2;
	}
	return &t->timeline[count];
}

static void note_peak(struct table_header *h, uint64_t ns)
{
	uint64_t peak = load_relaxed(&h->totals.peak_size);

	if (load_relaxed(&h->timeline.peak_size) == peak)
		return;
	store_relaxed(&h->timeline.peak_ns, ns);
	store_relaxed(&h->timeline.peak_size, peak);
}

static void add_point(struct table *t, uint64_t now_ns)
{
	struct table_header *h = t->head;
	uint64_t ns = now_ns > h->begun_ns ? now_ns - h->begun_ns : 0;
	struct timeline_point *p = next_point(t);
	uint64_t rows = table_row_end(t) + (uint64_t)layout_count(h, TABLE_DELTAS) * DELTA_SLOTS;

	note_peak(h, ns);
	if (!p)
		return;
	if (rows * ROW_NS * PART_OF_TIME <= (uint64_t)h->timeline.spacing << TICK_LOG2) {
		timeline_sum(t, p);
	} else {
		p->live_size = timeline_live_size(t);
		p->live_count = p->total_count = TIMELINE_UNKNOWN;
	}
	p->rss = p->own = 0;
	p->ns = ns;
	store_release(&h->timeline_count, (uint32_t)(p - t->timeline) + 1);
}

void timeline_tick(struct table *t, uint64_t now_ns)
{
	if (!t->local || exchange_acq_rel(&t->local->adds_point, 1))
		return;
	add_point(t, now_ns);
	store_relaxed(&t->timeline_due, (uint32_t)ticks_of(now_ns) + t->head->timeline.spacing);
	store_release(&t->local->adds_point, 0);
}

void timeline_note_dump(struct table *t, uint32_t number, uint64_t now_ns)
{
	struct table_header *h = t->head;

	store_relaxed(&h->timeline.dumps_ns[number % TIMELINE_DUMPS], now_ns > h->begun_ns ? now_ns - h->begun_ns : 0);
	timeline_tick(t, now_ns);
}
