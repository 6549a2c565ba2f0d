/* SPDX-License-Identifier: GPL-2.0-only */
/* See window_rows.h. */
#include "window_rows.h"

#include "table/thread_list.h"
#include "table/view.h"
#include "windows.h"

#include <string.h>

/* Which place each row of the model has, by its id. */
static bool find_places(struct window_rows *w, struct arena *arena)
{
	const struct model *m = w->model;

	w->place_end = table_row_end(model_table(m));
	w->places = arena_alloc_plenty(arena, w->place_end * sizeof(*w->places));
	for (uint32_t n = 0; w->places && n < m->all.count; n++) {
		uint32_t id = model_row(m, &m->all, n).id;

		if (id < w->place_end)
			w->places[id] = n + 1;
	}
	return w->places;
}

/* The place of a row of the table, plus 1; 0: the model does not have it, since it is left out, or of other windows. */
static uint32_t place_of(const struct window_rows *w, uint32_t row)
{
	uint32_t joined = model_row_of(w->model, row);

	return joined < w->place_end ? w->places[joined] : 0;
}

/* The windows that the figures are about. No row is of two of them, in damaged tables neither. */
static bool find_parts(struct window_rows *w, struct arena *arena)
{
	struct windows ws = windows_of(w->model);
	uint32_t end = 0;

	if (!ws.from || ws.from >= ws.to)
		return false;
	w->parts = arena_alloc(arena, (ws.to - ws.from + (size_t)1) * sizeof(*w->parts));
	for (uint32_t i = ws.from; w->parts && i <= ws.to; i++) {
		struct events_window window = windows_get(w->model, i);
		struct window_part *p = &w->parts[w->part_count++];

		p->number = i;
		p->first = window.first > end ? window.first : end;
		p->end = end = window.end > p->first ? window.end : p->first;
	}
	return w->parts;
}

/* Adds the figures of a later row of the same backtrace and window, as a view does (table/view.h): the windows for
 * which the list of events had no room are a part of the last one. */
static void add_row(struct window_row *to, uint64_t threads, const uint64_t values[SORT_KEYS])
{
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		bool largest = key == SORT_PEAK_SIZE || key == SORT_PEAK_COUNT || key == SORT_AGE;

		if (!largest)
			to->values[key] += values[key];
		else if (to->values[key] < values[key])
			to->values[key] = values[key];
	}
	to->threads = thread_set_join(to->threads, threads);
}

/* latest: of each place the row of it that was found last, plus 1. */
static void take_row(struct window_rows *w, struct window_part *p, const struct view *v, const struct view_row *r,
		     uint32_t *latest)
{
	uint32_t place = place_of(w, r->row);
	uint64_t values[SORT_KEYS];

	if (!place)
		return;
	for (unsigned key = 0; key < SORT_KEYS; key++)
		values[key] = view_value(v, r, (enum sort_key)key);
	if (latest[place - 1] > p->from) {
		add_row(&w->rows[latest[place - 1] - 1], r->threads, values);
		return;
	}
	w->rows[w->row_count] = (struct window_row){ .place = place - 1, .threads = r->threads };
	memcpy(w->rows[w->row_count].values, values, sizeof(values));
	latest[place - 1] = ++w->row_count;
	p->count++;
}

bool window_rows_find(struct window_rows *w, const struct model *m, struct arena *arena)
{
	struct table *t = (struct table *)(uintptr_t)model_table(m);	/* which is only read */
	static const uint8_t key = SORT_SIZE;
	uint32_t *latest, at = 0;
	struct view v;

	*w = (struct window_rows){ .model = m };
	if (!find_parts(w, arena) || !find_places(w, arena) ||
	    !view_collect_range(&v, t, events_rows(t, m->options->window), false, true, &key, 1, arena) || v.cut)
		return false;
	v.now_ns = m->moment.now_ns;	/* for the ages */
	w->rows = arena_alloc_plenty(arena, (v.count + (size_t)1) * sizeof(*w->rows));
	latest = arena_alloc_plenty(arena, (m->all.count + (size_t)1) * sizeof(*latest));
	if (!w->rows || !latest)
		return false;
	for (uint32_t i = 0; i < w->part_count; i++) {
		struct window_part *p = &w->parts[i];

		for (; at < v.count && v.rows[at].row < p->first; at++)
			;
		for (p->from = w->row_count; at < v.count && v.rows[at].row < p->end; at++)
			take_row(w, p, &v, &v.rows[at], latest);
	}
	return true;
}

uint32_t window_rows_snapshot(const struct window_rows *w, const struct window_part *p,
			      const struct history_snapshot *s, struct history_row *to)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->each_count; i++) {
		uint32_t row = s->each[i].row, place = row >= p->first && row < p->end ? place_of(w, row) : 0;

		if (place)
			to[count++] = (struct history_row){ place - 1, s->each[i].count, s->each[i].size };
	}
	return count;
}
