/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_rates.h. */
#include "watch_rates.h"

#include "malloc_room.h"
#include "table/deltas.h"
#include "table/joined.h"
#include "table/layout.h"
#include "table/row.h"
#include "table/view.h"

#include <stdlib.h>
#include <string.h>

const char *watch_sort_name(unsigned sort)
{
	return sort == WATCH_BY_GROWTH ? "growth" : sort == WATCH_BY_CALLS ? "calls" : options_sort_name((enum sort_key)sort);
}

bool watch_sort_is_size(unsigned sort)
{
	return sort == WATCH_BY_GROWTH || (sort < WATCH_BY_GROWTH && model_key_is_size((enum sort_key)sort));
}

/* ---- Taking figures ---- */

/* A row's figures without what is pending in slots. The live figures can be negative for a while. */
static struct watch_figures figures_of(const struct table *t, uint32_t row)
{
	const struct row_upper *u = row_upper(t, row);
	const struct row *r = &t->rows[row];

	return (struct watch_figures){
		.size = (uint64_t)r->live_size + (uint64_t)(u ? u->live_size : 0),
		.calls = row_sum(u ? u->total_count : 0, r->total_count), .count = r->live_count,
	};
}

static void add_slots(struct watch_rates *r, const struct table *t, uint32_t first)
{
	for (uint32_t i = 0; i < layout_count(t->head, TABLE_DELTAS); i++) {
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			const struct delta *d = &t->deltas[i].slots[s];

			if (d->row < first || d->row >= r->end)
				continue;
			r->now[d->row].size += (uint64_t)d->live_size;
			r->now[d->row].count += (uint32_t)d->live_count;
			r->now[d->row].calls += d->total_count;
			r->sums.temporary += d->temporary;
		}
	}
}

/* Finds the rows of one backtrace, if there are new rows. */
static void find_joined(struct watch_rates *r, const struct table *t, uint32_t first, uint32_t end)
{
	uint32_t *next;

	if (r->joined_first == first && r->joined_end == end)
		return;
	arena_release(&r->joined_arena);
	r->joined = joined_rows(t, (struct row_range){ first, end }, &r->joined_arena);
	next = r->joined ? arena_alloc(&r->joined_arena, end * sizeof(*next)) : NULL;
	r->joined_first = first;
	r->joined_end = end;
	r->joined_next = next;
	if (!next)
		r->joined = NULL;
	for (uint32_t row = end; next && row-- > first; ) {
		uint32_t main = r->joined[row];

		if (main == row)
			continue;
		next[row] = next[main];
		next[main] = row;
	}
}

/* Adds the figures of such rows up, in the one that stands for them. */
static void join(struct watch_rates *r)
{
	for (uint32_t row = r->joined_first; r->joined && row < r->end; row++) {
		struct watch_figures *to = &r->now[r->joined[row]], *from = &r->now[row];

		if (to == from)
			continue;
		to->size += from->size;
		to->count += from->count;
		to->calls += from->calls;
		*from = (struct watch_figures){ .size = 0 };
	}
}

bool watch_rates_take(struct watch_rates *r, const struct table *t, uint64_t now_ns)
{
	uint32_t end = table_row_end(t), first, room = r->room, now_room = r->room;
	struct watch_figures *now;

	/* Both arrays have the same room. */
	if (!malloc_room_make(&r->now, sizeof(*r->now), &now_room, end) ||
	    !malloc_room_make(&r->before, sizeof(*r->before), &room, end))
		return false;
	r->room = room;
	now = r->before;
	r->before = r->now;
	r->before_end = r->end;
	r->sums_before = r->sums;
	r->now = now;
	r->end = end;
	r->now_ns = now_ns;
	r->sums = (struct watch_sums){ .ns = now_ns };
	/* Rows from before the last clear are as if there were none. */
	first = t->head->figures_row < end ? t->head->figures_row : end;
	memset(now, 0, first * sizeof(*now));
	for (uint32_t row = first; row < end; row++) {
		const struct row_upper *u = row_upper(t, row);

		now[row] = figures_of(t, row);
		r->sums.temporary += row_sum(u ? u->temporary : 0, t->infos[row].temporary);
	}
	add_slots(r, t, first);
	for (uint32_t row = ROW_OVERFLOW; row < end; row++) {
		struct watch_figures *f = &now[row];

		if (row_count(f->count) <= 0)
			f->count = 0;
		if (!f->count || (int64_t)f->size < 0)
			f->size = 0;
		r->sums.size += f->size;
		r->sums.count += f->count;
		r->sums.calls += f->calls;
	}
	find_joined(r, t, first, end);
	join(r);
	return true;
}

/* A figure that is no part of a look, from the table: of all rows of the backtrace. */
static uint64_t value_of(const struct watch_rates *r, const struct table *t, uint32_t row, enum sort_key key)
{
	bool sum = key == SORT_HEAP_PEAK || key == SORT_TOTAL_SIZE || key == SORT_TEMPORARY;
	const struct view view = { .now_ns = r->now_ns, .begun_precise_ns = t->head->begun_precise_ns };
	struct view_row figures;
	uint64_t value, all = 0;

	for (; row; row = r->joined_next ? r->joined_next[row] : ROW_NONE) {
		view_counters(t, row, &figures.counters);
		value = view_value(&view, &figures, key);
		all = sum ? all + value : value > all ? value : all;
	}
	return all;
}

bool watch_rates_mark(struct watch_rates *r)
{
	if (!malloc_room_make(&r->baseline, sizeof(*r->baseline), &r->baseline_room, r->end))
		return false;
	memcpy(r->baseline, r->now, r->end * sizeof(*r->now));
	r->baseline_end = r->end;
	r->sums_baseline = r->sums;
	return true;
}

void watch_rates_drop(struct watch_rates *r)
{
	r->sums_baseline.ns = 0;
}

/* ---- Items ---- */

/* What a row had at the moment that changes count from. */
static struct watch_figures earlier_of(const struct watch_rates *r, uint32_t row)
{
	static const struct watch_figures none;

	if (r->sums_baseline.ns)
		return row < r->baseline_end ? r->baseline[row] : none;
	if (!r->sums_before.ns)		/* this is the first look: nothing has changed */
		return r->now[row];
	return row < r->before_end ? r->before[row] : none;
}

static struct watch_item item_of(const struct watch_rates *r, const struct table *t, uint32_t row)
{
	struct watch_figures now = r->now[row], earlier = earlier_of(r, row);
	struct watch_item item = {
		.row = row, .rows = now.calls != 0, .most = now.size,
		.size = now.size, .count = now.count, .calls = now.calls,
		.size_change = (int64_t)(now.size - earlier.size), .count_change = (int64_t)now.count - earlier.count,
		.calls_change = (int64_t)(now.calls - earlier.calls),
	};

	switch (r->sort) {
	case SORT_SIZE:
		item.key = now.size;
		break;
	case SORT_COUNT:
		item.key = now.count;
		break;
	case SORT_TOTAL_COUNT:
		item.key = now.calls;
		break;
	case WATCH_BY_GROWTH:
		item.key = (uint64_t)item.size_change;
		break;
	case WATCH_BY_CALLS:
		item.key = item.calls_change > 0 ? (uint64_t)item.calls_change : 0;
		break;
	default:
		item.key = value_of(r, t, row, (enum sort_key)r->sort);
	}
	return item;
}

struct watch_item watch_rates_row(const struct watch_rates *r, const struct table *t, uint32_t row)
{
	return row < r->end ? item_of(r, t, row) : (struct watch_item){ .row = row };
}

/* Whether the item belongs into the list. */
static bool is_listed(unsigned sort, const struct watch_item *item)
{
	switch (sort) {
	case SORT_SIZE:
	case SORT_COUNT:
	case SORT_AGE:
		return item->count;
	case WATCH_BY_GROWTH:
		return item->count || item->key;
	default:
		return item->key;
	}
}

/* What orders items by growth: first those that have grown, by that, then those that have not changed, by their size,
 * then those that have shrunk, the least first. */
static uint64_t growth_order(const struct watch_item *item)
{
	const uint64_t same = (uint64_t)1 << 62, most = same - 1;
	uint64_t size = item->size < most ? item->size : most;

	if (item->size_change > 0)
		return 2 * same + (uint64_t)item->size_change;
	if (!item->size_change)
		return same + size;
	return item->size_change < -(int64_t)most ? 0 : (uint64_t)((int64_t)same + item->size_change);
}

static void add_entry(struct watch_rates *r, const struct watch_item *item, uint32_t index)
{
	uint64_t key = r->sort == WATCH_BY_GROWTH ? growth_order(item) : item->key;

	if (is_listed(r->sort, item))
		r->order[r->count++] = (struct sort_entry){ key, index };
}

static void add_to_group(struct watch_rates *r, const struct watch_item *item, uint32_t label)
{
	struct watch_item *g;

	if (!r->group_of[label]) {
		r->group_of[label] = ++r->group_count;
		r->groups[r->group_count - 1] = *item;
		r->groups[r->group_count - 1].label = label;
		return;
	}
	g = &r->groups[r->group_of[label] - 1];
	if (item->most > g->most) {
		g->most = item->most;
		g->row = item->row;
	}
	g->rows += item->rows;
	g->size += item->size;
	g->count += item->count;
	g->calls += item->calls;
	g->size_change += item->size_change;
	g->count_change += item->count_change;
	g->calls_change += item->calls_change;
	if (r->sort != SORT_AGE)
		g->key += item->key;
	else if (item->key > g->key)
		g->key = item->key;
}

/* Makes the item of a row, and adds it to what matches. False: the row has no call, or the filter leaves it out. */
static bool take_row(struct watch_rates *r, const struct table *t, const struct watch_names *n, uint32_t row,
		     struct watch_item *item)
{
	if (!r->now[row].calls || !watch_names_matches(n, row))
		return false;
	*item = item_of(r, t, row);
	r->matching_size += item->size;
	return true;
}

/* Adds all rows up to groups, and lists these. */
static bool list_groups(struct watch_rates *r, const struct table *t, const struct watch_names *n)
{
	uint32_t labels = watch_names_end(n);

	if (!malloc_room_make(&r->group_of, sizeof(*r->group_of), &r->label_room, labels) ||
	    !malloc_room_make(&r->groups, sizeof(*r->groups), &r->group_room, labels) ||
	    !malloc_room_make(&r->order, sizeof(*r->order), &r->order_room, labels))
		return false;
	memset(r->group_of, 0, labels * sizeof(*r->group_of));
	r->group_count = 0;
	for (uint32_t row = ROW_OVERFLOW; row < r->end; row++) {
		struct watch_item item;

		if (take_row(r, t, n, row, &item))
			add_to_group(r, &item, watch_names_group(n, row));
	}
	for (uint32_t i = 0; i < r->group_count; i++)
		add_entry(r, &r->groups[i], i);
	return true;
}

static bool list_rows(struct watch_rates *r, const struct table *t, const struct watch_names *n)
{
	if (!malloc_room_make(&r->order, sizeof(*r->order), &r->order_room, r->end))
		return false;
	for (uint32_t row = ROW_OVERFLOW; row < r->end; row++) {
		struct watch_item item;

		if (take_row(r, t, n, row, &item))
			add_entry(r, &item, row);
	}
	return true;
}

bool watch_rates_list(struct watch_rates *r, const struct table *t, const struct watch_names *n, uint32_t wanted)
{
	r->count = r->sorted = 0;
	r->matching_size = 0;
	if (!(n->group == GROUP_BACKTRACE ? list_rows(r, t, n) : list_groups(r, t, n)))
		return false;
	r->sorted = wanted < r->count ? wanted : r->count;
	sort_largest(r->order, r->count, r->sorted);
	return true;
}

struct watch_item watch_rates_item(const struct watch_rates *r, const struct table *t, const struct watch_names *n,
				   uint32_t i)
{
	uint32_t index = r->order[i].index;

	return n->group == GROUP_BACKTRACE ? item_of(r, t, index) : r->groups[index];
}

void watch_rates_close(struct watch_rates *r)
{
	free(r->now);
	free(r->before);
	free(r->baseline);
	free(r->group_of);
	free(r->groups);
	free(r->order);
	arena_release(&r->joined_arena);
	memset(r, 0, sizeof(*r));
}
