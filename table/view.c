/* SPDX-License-Identifier: GPL-2.0-only */
/* See view.h. */
#include "view.h"

#include "base/reserve.h"
#include "base/search.h"
#include "deltas.h"
#include "joined.h"
#include "layout.h"
#include "thread_list.h"

#include <string.h>

#define COPIES_MAX	16	/* after so many copies a row that changes all the time is taken as it is */

/* A row as it is in the table. */
struct parts {
	struct row_upper upper;
	struct row row;
	struct row_info info;
};

typedef uint64_t __attribute__((may_alias)) word;

static void load_words(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(word); i++)
		((word *)to)[i] = load_relaxed(&((const word *)from)[i]);
}

/* The upper parts are loaded first: the quarters noted there may lag behind the sums, but must not be ahead of them. */
static void load_row(struct parts *to, const struct table *t, uint32_t row)
{
	static const struct row_upper none;
	const struct row_upper *upper = row_upper(t, row);

	load_words(&to->upper, upper ? upper : &none, sizeof(none));
	acquire_fence();
	load_words(&to->row, &t->rows[row], sizeof(to->row));
	load_words(&to->info, &t->infos[row], sizeof(to->info));
}

static void copy_row(struct parts *to, const struct table *t, uint32_t row)
{
	struct parts again;

	load_row(to, t, row);
	for (int i = 0; i < COPIES_MAX; i++) {
		acquire_fence();
		load_row(&again, t, row);
		if (!memcmp(to, &again, sizeof(again)))
			return;
		*to = again;
	}
}

static void put_together(struct counters *c, const struct parts *p, uint32_t epoch)
{
	/* In a damaged file the sizes can be anything. Unsigned numbers may overflow. */
	c->live_size = (uint64_t)p->row.live_size + (uint64_t)p->upper.live_size;
	c->peak_size = p->row.peak_size > p->upper.peak_size ? p->row.peak_size : p->upper.peak_size;
	c->heap_peak_size = (uint64_t)row_heap_peak(&p->row, epoch) +
			    (uint64_t)row_upper_heap_peak(&p->upper, epoch);
	c->total_size = row_sum(p->upper.total_size, p->row.total_size);
	c->total_count = row_sum(p->upper.total_count, p->row.total_count);
	c->temporary = row_sum(p->upper.temporary, p->info.temporary);
	c->live_count = p->row.live_count;
	c->peak_count = p->row.peak_count;
	c->since = p->info.since;
}

/* A row of the table, without what is pending in slots. */
static void read_row(struct view_row *r, const struct table *t, uint32_t row, uint32_t epoch)
{
	struct parts p;

	copy_row(&p, t, row);
	put_together(&r->counters, &p, epoch);
	r->row = row;
	r->threads = thread_list_of_row(t, row, r->counters.total_count != 0);
}

/* Adds the changes of a row that are pending in a thread's slot. */
static void add_delta(struct view_row *r, const struct deltas *from, unsigned slot, uint32_t epoch)
{
	struct counters *c = &r->counters;
	struct delta copy, *d = &copy;

	load_words(d, &from->slots[slot], sizeof(*d));
	if (d->total_count)
		r->threads = thread_set_add(r->threads, load_relaxed(&from->thread));
	c->live_count += (uint32_t)d->live_count;
	c->live_size += (uint64_t)d->live_size;
	c->heap_peak_size += (uint64_t)delta_heap_peak(d, epoch);
	c->total_count += d->total_count;
	c->total_size += d->total_size;
	c->temporary += d->temporary;
}

static uint32_t threads_with_deltas(const struct table *t)
{
	return layout_count(t->head, TABLE_DELTAS);
}

/* Marks the rows that have pending changes. */
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

/* The view's row of this number, or NULL. The rows are sorted by number. */
static struct view_row *find_row(const struct view *v, uint32_t row)
{
	uint32_t at = (uint32_t)search_first(v->count, i, v->rows[i].row < row);

	return at < v->count && v->rows[at].row == row ? &v->rows[at] : NULL;
}

static void add_deltas(struct view *v, const struct table *t)
{
	for (uint32_t i = 0; i < threads_with_deltas(t); i++) {
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			uint32_t row = load_relaxed(&t->deltas[i].slots[s].row);
			struct view_row *r = row ? find_row(v, row) : NULL;

			if (r)
				add_delta(r, &t->deltas[i], s, v->epoch);
		}
	}
}

/* While other threads allocate, the parts of a sum can be of different moments: keeps figures from being impossible. */
static void settle(struct counters *c)
{
	if (row_count(c->live_count) < 0)
		c->live_count = 0;
	if ((int64_t)c->live_size < 0 || !c->live_count)
		c->live_size = 0;
	if ((int64_t)c->heap_peak_size < 0)
		c->heap_peak_size = 0;
	if (c->peak_count < c->live_count)
		c->peak_count = c->live_count;
	if (c->peak_size < c->live_size)
		c->peak_size = c->live_size;
	if (c->peak_size < c->heap_peak_size)
		c->peak_size = c->heap_peak_size;
}

void view_counters(const struct table *t, uint32_t row, struct counters *c)
{
	struct parts p;

	load_row(&p, t, row);
	put_together(c, &p, load_relaxed(&t->head->totals.epoch));
	settle(c);
}

/* The maximum of the heap is noted without the changes that were pending in threads then. The rows' sizes at that
 * moment have these, so their sum is nearer the truth. If the heap has grown past both by changes that are pending
 * now, its maximum is now. */
static void settle_heap_peak(struct view *v, uint64_t known_peak)
{
	uint64_t live = 0, at_peak = v->rest.heap_peak_size;

	for (uint32_t i = 0; i < v->count; i++) {
		live += v->rows[i].counters.live_size;
		at_peak += v->rows[i].counters.heap_peak_size;
	}
	v->peak_size = at_peak > known_peak ? at_peak : known_peak;
	if (live <= v->peak_size)
		return;
	v->peak_size = live;
	for (uint32_t i = 0; i < v->count; i++)
		v->rows[i].counters.heap_peak_size = v->rows[i].counters.live_size;
	v->rest.heap_peak_size = 0;
}

static void take_row(struct view *v, const struct table *t, uint32_t row)
{
	read_row(&v->rows[v->count++], t, row, v->epoch);
}

/* Adds a row without live blocks, and without pending changes, to the sums of what is not in the view. */
static void add_to_rest(struct view *v, const struct table *t, uint32_t row)
{
	struct counters c;
	struct parts p;

	copy_row(&p, t, row);
	put_together(&c, &p, v->epoch);
	settle(&c);
	v->rest.heap_peak_size += c.heap_peak_size;
	v->rest.total_size += c.total_size;
	v->rest.total_count += c.total_count;
	v->rest.temporary += c.temporary;
}

uint64_t view_value(const struct view *v, const struct view_row *r, enum sort_key key)
{
	const struct counters *c = &r->counters;

	switch (key) {
	case SORT_SIZE:		return c->live_size;
	case SORT_COUNT:	return c->live_count;
	case SORT_PEAK_SIZE:	return c->peak_size;
	case SORT_PEAK_COUNT:	return c->peak_count;
	case SORT_HEAP_PEAK:	return c->heap_peak_size;
	case SORT_TOTAL_SIZE:	return c->total_size;
	case SORT_TOTAL_COUNT:	return c->total_count;
	case SORT_TEMPORARY:	return c->temporary;
	case SORT_AGE:		return c->live_count ? age_of_ticks(c->since, v->now_ns, v->begun_precise_ns) : 0;
	case SORT_KEYS:
		break;
	}
	return 0;
}

/* ---- Taking all rows ---- */

static bool is_wanted(const struct table *t, uint32_t row, bool all, const uint8_t *marked)
{
	return load_relaxed(&t->rows[row].live_count) || (marked && marked[row / 8] >> row % 8 & 1) ||
	       (all && table_was_called(t, row));
}

static bool is_inside(const struct view *v, uint32_t row)
{
	return row >= v->range.first && row < v->range.end;
}

static void add_outside(struct view *v, const struct counters *c)
{
	v->outside.rows += c->live_count != 0;
	v->outside.size += c->live_size;
	v->outside.count += c->live_count;
}

static void take_all(struct view *v, const struct table *t, uint32_t end, bool all, const uint8_t *marked)
{
	uint32_t kept = 0;

	for (uint32_t i = ROW_OVERFLOW; i < end; i++) {
		if (is_wanted(t, i, all && is_inside(v, i), marked))
			take_row(v, t, i);
		else if (is_inside(v, i) && table_was_called(t, i))
			add_to_rest(v, t, i);
	}
	add_deltas(v, t);
	for (uint32_t i = 0; i < v->count; i++) {
		if (!v->rows[i].counters.total_count)
			continue;
		settle(&v->rows[i].counters);
		if (is_inside(v, v->rows[i].row))
			v->rows[kept++] = v->rows[i];
		else
			add_outside(v, &v->rows[i].counters);
	}
	v->count = kept;
	v->peak_size = load_relaxed(&t->head->totals.peak_size);
	/* The heap's maximum is that of all rows since the last clear. */
	if (v->range.first == load_relaxed(&t->head->figures_row) && v->range.end == UINT32_MAX)
		settle_heap_peak(v, v->peak_size);
}

/* Adds the figures of a later row of the same backtrace. The maximum of the two together is not known: it is at least what
 * they have now, or had at the heap's maximum. */
static void join_row(struct view_row *to, const struct view_row *from)
{
	struct counters *c = &to->counters;
	const struct counters *d = &from->counters;

	if (!c->live_count || (d->live_count && (int32_t)(d->since - c->since) < 0))
		c->since = d->since;
	c->live_size += d->live_size;
	c->live_count += d->live_count;
	c->heap_peak_size += d->heap_peak_size;
	c->total_size += d->total_size;
	c->total_count += d->total_count;
	c->temporary += d->temporary;
	if (c->peak_size < d->peak_size)
		c->peak_size = d->peak_size;
	if (c->peak_count < d->peak_count)
		c->peak_count = d->peak_count;
	settle(c);
	to->threads = thread_set_join(to->threads, from->threads);
}

/* Makes one row of those that have the same backtrace. In a table that was loaded the row that stands for them is the first
 * one that the table has, which may have no live block; all readers of that table then agree. */
static void join_rows(struct view *v, const struct table *t, struct arena *arena)
{
	uint32_t *places = arena_alloc_plenty(arena, table_row_end(t) * sizeof(*places)), kept = 0;
	struct joiner j;

	if (!t->local)
		v->joined = joined_rows(t, v->range, arena);
	if (!places || (t->local ? !joiner_init(&j, t, v->count, arena) : !v->joined))
		return;
	for (uint32_t i = 0; i < v->count; i++) {
		struct view_row *r = &v->rows[i];
		uint32_t row = v->joined ? v->joined[r->row] : joiner_first(&j, r->row);

		if (places[row]) {
			join_row(&v->rows[places[row] - 1], r);
			continue;
		}
		r->row = row;
		v->rows[kept++] = *r;
		places[row] = kept;
	}
	v->count = kept;
}

/* ---- Taking the largest rows, where memory is short ---- */

/* The rows with the largest figures so far, as a binary heap: the first row has the smallest of these figures. */
struct largest {
	struct view_row *rows;
	uint32_t count, room;
	enum sort_key key;
};

static void sift_down(const struct view *v, struct largest *l, uint32_t at)
{
	struct view_row row = l->rows[at];
	uint64_t value = view_value(v, &row, l->key);

	for (uint32_t child; (child = 2 * at + 1) < l->count; at = child) {
		if (child + 1 < l->count &&
		    view_value(v, &l->rows[child + 1], l->key) < view_value(v, &l->rows[child], l->key))
			child++;
		if (view_value(v, &l->rows[child], l->key) >= value)
			break;
		l->rows[at] = l->rows[child];
	}
	l->rows[at] = row;
}

static void offer(const struct view *v, struct largest *l, const struct view_row *row)
{
	if (l->count < l->room) {
		l->rows[l->count++] = *row;
		for (uint32_t i = l->count / 2; l->count == l->room && i-- > 0; )
			sift_down(v, l, i);
	} else if (view_value(v, row, l->key) > view_value(v, &l->rows[0], l->key)) {
		l->rows[0] = *row;
		sift_down(v, l, 0);
	}
}

/* One row, with the changes that are pending in all threads. False when the row has counted no call. */
static bool take_one(const struct view *v, const struct table *t, uint32_t row, bool has_deltas,
		     struct view_row *r)
{
	read_row(r, t, row, v->epoch);
	for (uint32_t i = 0; has_deltas && i < threads_with_deltas(t); i++) {
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			if (load_relaxed(&t->deltas[i].slots[s].row) == row)
				add_delta(r, &t->deltas[i], s, v->epoch);
		}
	}
	if (!r->counters.total_count)
		return false;
	settle(&r->counters);
	return true;
}

static void take_largest(struct view *v, const struct table *t, uint32_t end, bool all,
			 const uint8_t *marked, struct largest *l, unsigned key_count)
{
	for (uint32_t i = ROW_OVERFLOW; i < end; i++) {
		struct view_row r;

		if (!is_wanted(t, i, all && is_inside(v, i), marked) || !take_one(v, t, i, marked && marked[i / 8] >> i % 8 & 1, &r))
			continue;
		if (!is_inside(v, i)) {
			add_outside(v, &r.counters);
			continue;
		}
		v->called_rows++;
		v->live_rows += r.counters.live_count != 0;
		v->live_size += r.counters.live_size;
		v->left_value += view_value(v, &r, l[0].key);
		for (unsigned k = 0; k < key_count; k++) {
			/* A report lists rows with live blocks only, unless it has asked for all rows. */
			if (all || r.counters.live_count)
				offer(v, &l[k], &r);
		}
	}
	for (unsigned k = 0; k < key_count; k++) {
		memmove(&v->rows[v->count], l[k].rows, l[k].count * sizeof(*l[k].rows));
		v->count += l[k].count;
		v->ends[k] = v->count;
	}
	for (uint32_t i = 0; i < v->ends[0]; i++)
		v->left_value -= view_value(v, &v->rows[i], l[0].key);
}

/* Takes as many rows as fit into an eighth of the reserve, because the names need the rest. */
static bool take_cut(struct view *v, const struct table *t, uint32_t end, bool all, const uint8_t *keys,
		     unsigned key_count, struct arena *arena)
{
	uint32_t room = (uint32_t)(reserve_left() / 8 / sizeof(*v->rows)) / key_count;
	uint8_t *marked = arena_alloc(arena, end / 8 + 1);
	struct largest l[SORT_KEYS];

	v->rows = room ? arena_alloc(arena, (size_t)room * key_count * sizeof(*v->rows)) : NULL;
	if (!v->rows)
		return false;
	if (marked)
		mark_deltas(marked, t, end);
	for (unsigned k = 0; k < key_count; k++)
		l[k] = (struct largest){ v->rows + (size_t)k * room, 0, room, keys[k] };
	v->cut = true;
	take_largest(v, t, end, all, marked, l, key_count);
	v->peak_size = load_relaxed(&t->head->totals.peak_size);
	if (v->peak_size < v->live_size)
		v->peak_size = v->live_size;
	return true;
}

bool view_collect_range(struct view *v, struct table *t, struct row_range range, bool join, bool all, const uint8_t *keys,
			unsigned key_count, struct arena *arena)
{
	uint32_t end = table_row_end(t);
	uint8_t *marked;

	*v = (struct view){ .now_ns = now_ns(), .begun_precise_ns = t->head->begun_precise_ns,
			    .epoch = load_relaxed(&t->head->totals.epoch), .range = range };
	/* There is room for all rows; memory that is not needed is not touched. */
	marked = arena_alloc_plenty(arena, end / 8 + 1);
	v->rows = arena_alloc_plenty(arena, end * sizeof(*v->rows));
	if (!v->rows || !marked)
		return take_cut(v, t, end, all, keys, key_count, arena);
	mark_deltas(marked, t, end);
	take_all(v, t, end, all, marked);
	if (join && events_several(t, range))
		join_rows(v, t, arena);
	return true;
}

bool view_collect(struct view *v, struct table *t, bool all, const uint8_t *keys, unsigned key_count,
		  struct arena *arena)
{
	return view_collect_range(v, t, events_rows(t, 0), false, all, keys, key_count, arena);
}

bool view_take_range(struct view *v, struct table *t, struct row_range range, bool join, bool all, const uint8_t *keys,
		     unsigned key_count, struct arena *arena)
{
	bool taken;

	deltas_freeze(t);
	taken = view_collect_range(v, t, range, join, all, keys, key_count, arena);
	deltas_thaw(t);
	return taken;
}

bool view_take(struct view *v, struct table *t, bool all, const uint8_t *keys, unsigned key_count,
	       struct arena *arena)
{
	return view_take_range(v, t, events_rows(t, 0), false, all, keys, key_count, arena);
}
