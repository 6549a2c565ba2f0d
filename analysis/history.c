/* SPDX-License-Identifier: GPL-2.0-only */
/* See history.h. It runs in the wrapper and the watcher only. */
#include "history.h"

#include "base/read_at.h"
#include "base/reader.h"
#include "base/search.h"
#include "table/joined.h"
#include "table/layout.h"
#include "table/view.h"

#include <string.h>

/* ---- Points ---- */

/* Leaves out the points that are not later than the one before them, or later than the end. Returns how many are
 * left. */
static uint32_t drop_disorder(struct timeline_point *points, uint32_t count, uint64_t end_ns)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (points[i].ns <= end_ns && (!kept || points[i].ns > points[kept - 1].ns))
			points[kept++] = points[i];
	}
	return kept;
}

/* Merges two lists that are in order. Where both have the same moment, the one of b is taken. */
static uint32_t merge(struct timeline_point *to, const struct timeline_point *a, uint32_t a_count,
		      const struct timeline_point *b, uint32_t b_count)
{
	uint32_t n = 0, i = 0, k = 0;

	while (i < a_count || k < b_count) {
		if (i < a_count && k < b_count && a[i].ns == b[k].ns)
			i++;
		else if (k == b_count || (i < a_count && a[i].ns < b[k].ns))
			to[n++] = a[i++];
		else
			to[n++] = b[k++];
	}
	return n;
}

static void load_points(struct history *h, const struct table *t, int fd, uint32_t watched_count, uint64_t end_ns,
			struct arena *arena)
{
	uint32_t own_count = layout_count(t->head, TABLE_TIMELINE);
	struct timeline_point *own = arena_alloc(arena, TIMELINE_POINTS * sizeof(*own));
	struct timeline_point *watched = arena_alloc(arena, TIMELINE_POINTS * sizeof(*watched));
	struct timeline_point *all = arena_alloc(arena, (2 * TIMELINE_POINTS + 1) * sizeof(*all));
	struct timeline_point last = { .ns = end_ns };
	ssize_t bytes = 0;

	if (!own || !watched || !all)
		return;
	memcpy(own, t->timeline, own_count * sizeof(*own));
	own_count = drop_disorder(own, own_count, end_ns);
	if (watched_count > TIMELINE_POINTS)
		watched_count = 0;
	if (watched_count)
		bytes = read_at(fd, watched, watched_count * sizeof(*watched), t->head->size_bytes + HISTORY_POINTS_OFFSET);
	watched_count = bytes > 0 ? (uint32_t)((size_t)bytes / sizeof(*watched)) : 0;
	watched_count = drop_disorder(watched, watched_count, end_ns);
	h->points = all;
	h->point_count = merge(all, own, own_count, watched, watched_count);
	if (h->point_count > TIMELINE_POINTS)
		h->point_count = timeline_thin(all, h->point_count);
	timeline_sum(t, &last);
	if (h->point_count && all[h->point_count - 1].ns == end_ns)
		h->point_count--;
	all[h->point_count++] = last;
}

/* ---- Snapshots ---- */

/* Reads the rows of a snapshot. row_end: all rows of the table have lower numbers. */
static bool read_rows(struct history_snapshot *s, struct history_row *rows, struct reader r, uint32_t row_end)
{
	uint64_t row = 0;

	for (uint32_t i = 0; i < s->row_count; i++) {
		uint64_t step = reader_uleb(&r), size = reader_uleb(&r), count = reader_uleb(&r);

		if (r.bad || !step || step >= row_end || row + step >= row_end || count > UINT32_MAX)
			return false;
		row += step;
		rows[i] = (struct history_row){ .row = (uint32_t)row, .count = (uint32_t)count, .size = size };
	}
	s->rows = s->each = rows;
	s->each_count = s->row_count;
	return true;
}

/* Reads the snapshot of an entry. work: HISTORY_PLACE_BYTES. */
static bool load_snapshot(struct history_snapshot *s, const struct history_entry *e, const struct table *t, int fd,
			  uint8_t *work, struct arena *arena)
{
	uint64_t offset = t->head->size_bytes + HISTORY_PLACES_OFFSET + e->place * HISTORY_PLACE_STEP;
	size_t bytes = sizeof(uint64_t) + e->bytes;
	struct history_row *rows;
	uint64_t ns;

	if (e->place >= HISTORY_SNAPSHOTS || e->rows > HISTORY_ROWS || e->bytes > HISTORY_ROWS * HISTORY_ROW_BYTES ||
	    !read_whole(fd, work, bytes, offset))
		return false;
	memcpy(&ns, work, sizeof(ns));
	rows = arena_alloc(arena, (e->rows + 1) * sizeof(*rows));
	if (ns != e->ns || !rows)
		return false;
	*s = (struct history_snapshot){
		.ns = e->ns, .live_size = e->live_size, .live_count = e->live_count, .total_count = e->total_count,
		.rss = e->rss, .rest_size = e->rest_size, .rest_count = e->rest_count, .rest_rows = e->rest_rows,
		.row_count = e->rows,
	};
	return read_rows(s, rows, reader_over(work + sizeof(ns), e->bytes), table_row_end(t));
}

static void load_snapshots(struct history *h, const struct history_head *head, const struct table *t, int fd,
			   uint64_t end_ns, struct arena *arena)
{
	uint8_t *work = arena_alloc(arena, HISTORY_PLACE_BYTES);
	uint32_t count = head->snapshot_count <= HISTORY_SNAPSHOTS ? head->snapshot_count : 0;

	for (uint32_t i = 0; i < count && work; i++) {
		struct history_snapshot *s = &h->snapshots[h->snapshot_count];

		if (load_snapshot(s, &head->snapshots[i], t, fd, work, arena) && s->ns <= end_ns &&
		    (!h->snapshot_count || s->ns > s[-1].ns))
			h->snapshot_count++;
	}
}

/* ---- The whole ---- */

/* Lists the moments of the newest dumps. The list in the table begins anew after each TIMELINE_DUMPS of them. */
static void load_dumps(struct history *h, const struct table *t, uint64_t end_ns)
{
	const struct table_header *head = t->head;

	for (uint32_t i = 1; i <= TIMELINE_DUMPS; i++) {
		uint64_t ns = head->timeline.dumps_ns[(head->dumps + i) % TIMELINE_DUMPS];

		if (ns && ns <= end_ns && (!h->dump_count || ns >= h->dumps_ns[h->dump_count - 1]))
			h->dumps_ns[h->dump_count++] = ns;
	}
}

static bool load_head(struct history_head *head, const struct table *t, int fd)
{
	return fd >= 0 && read_whole(fd, head, sizeof(*head), t->head->size_bytes) &&
	       !memcmp(head->magic, HISTORY_MAGIC, sizeof(head->magic)) && head->version == HISTORY_VERSION;
}

void history_load(struct history *h, const struct table *t, int fd, uint64_t now_ns, struct arena *arena)
{
	struct history_head head = { .version = 0 };
	uint64_t end_ns = now_ns > t->head->begun_ns ? now_ns - t->head->begun_ns : 0;

	*h = (struct history){ .watched = load_head(&head, t, fd), .had_watcher = t->head->watched };
	load_points(h, t, fd, h->watched ? head.point_count : 0, end_ns, arena);
	load_dumps(h, t, end_ns);
	if (!h->watched)
		return;
	h->peak_size = head.peak_size;
	h->peak_ns = head.peak_ns;
	h->rss_peak = head.rss_peak;
	h->rss_peak_ns = head.rss_peak_ns;
	load_snapshots(h, &head, t, fd, end_ns, arena);
}

/* Writes the rows of a snapshot that are in the range to `kept`, in their order. sums: zeroed, one for each row of the table;
 * they are zeroed again. */
static uint32_t select_rows(const struct history_snapshot *s, struct row_range range, const uint32_t *joined, uint32_t end,
			    struct history_row *sums, struct history_row *kept)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->row_count; i++) {
		const struct history_row *r = &s->rows[i];
		uint32_t row = joined ? joined[r->row] : r->row;

		if (r->row < range.first || r->row >= range.end)
			continue;
		sums[row].row = row;
		sums[row].count += r->count;
		sums[row].size += r->size;
	}
	for (uint32_t row = 0; row < end; row++) {
		if (!sums[row].row)
			continue;
		kept[count++] = sums[row];
		sums[row] = (struct history_row){ .row = 0 };
	}
	return count;
}

void history_select(struct history *h, const struct table *t, struct row_range range, struct arena *arena)
{
	uint32_t end = table_row_end(t);
	uint32_t *joined = joined_rows(t, range, arena);
	struct history_row *sums = arena_alloc(arena, end * sizeof(*sums));

	if (!sums || (range.first <= ROW_OVERFLOW && range.end >= end && !joined))
		return;
	for (uint32_t i = 0; i < h->snapshot_count; i++) {
		struct history_snapshot *s = &h->snapshots[i];
		struct history_row *kept = arena_alloc(arena, (s->row_count + 1) * sizeof(*kept));

		if (!kept)
			return;
		s->row_count = select_rows(s, range, joined, end, sums, kept);
		s->rows = kept;
	}
}

bool history_look(struct history *h, struct table *t, uint64_t now_ns, struct arena *arena)
{
	static const uint8_t key = SORT_SIZE;
	struct history_snapshot *s = &h->snapshots[h->snapshot_count];
	struct history_row *rows;
	struct view v;

	if (h->snapshot_count == HISTORY_SNAPSHOTS || now_ns <= t->head->begun_ns ||
	    !view_collect(&v, t, false, &key, 1, arena) || v.cut)
		return false;
	rows = arena_alloc(arena, (v.count + 1) * sizeof(*rows));
	if (!rows)
		return false;
	*s = (struct history_snapshot){ .ns = now_ns - t->head->begun_ns, .total_count = v.rest.total_count, .rows = rows };
	for (uint32_t i = 0; i < v.count; i++) {
		const struct counters *c = &v.rows[i].counters;

		s->total_count += c->total_count;
		s->live_size += c->live_size;
		s->live_count += c->live_count;
		if (c->live_count && (!s->row_count || v.rows[i].row > rows[s->row_count - 1].row))
			rows[s->row_count++] = (struct history_row){ v.rows[i].row, c->live_count, c->live_size };
	}
	s->each = rows;
	s->each_count = s->row_count;
	h->snapshot_count++;
	return true;
}

bool history_find(const struct history_snapshot *s, uint32_t row, uint64_t *size, uint32_t *count)
{
	uint32_t at = (uint32_t)search_first(s->row_count, i, s->rows[i].row < row);

	*size = 0;
	*count = 0;
	if (at == s->row_count || s->rows[at].row != row)
		return !s->rest_rows;
	*size = s->rows[at].size;
	*count = s->rows[at].count;
	return true;
}

uint32_t history_series(const struct history *h, uint32_t row, uint64_t bytes[HISTORY_SNAPSHOTS],
			uint32_t blocks[HISTORY_SNAPSHOTS])
{
	uint32_t known = 0;

	for (uint32_t i = 0; i < h->snapshot_count; i++)
		known += history_find(&h->snapshots[i], row, &bytes[i], &blocks[i]);
	return known;
}
