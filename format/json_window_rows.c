/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rows of a catalog have of each window (analysis/window_rows.h) in a JSON report: see json.h. A row that has
 * nothing of a window is not in the window's lists, so that many windows take little more space than one.
 *
 *	"windows":[{"number":1,"row":[0,1],"thread-set":[0,0],"size":[2000,3000],...,
 *	"snapshots":[{"row":[0],"size":[500],"count":[5]},...]},
 */
#include "json_numbers.h"

#include "analysis/window_rows.h"

/* The rows of one snapshot. rows: work space for so many of them. */
static void write_snapshot(const struct window_rows *w, const struct window_part *p, const struct history_snapshot *s,
			   struct history_row *rows, struct numbers_packing *packing, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);
	enum numbers_form steps = numbers_form(packing, NUMBERS_DIFFERENCES);
	uint32_t count = window_rows_snapshot(w, p, s, rows);

	json_begin(out, NULL, '{');
	NUMBERS_WRITE(out, packing, true, "row", steps, count, v, v = rows[i].row);
	NUMBERS_WRITE(out, packing, false, "size", list, count, v, v = rows[i].size);
	NUMBERS_WRITE(out, packing, false, "count", list, count, v, v = rows[i].count);
	out_char(out, '}');
}

static void write_snapshots(const struct window_rows *w, const struct window_part *p, struct history_row *rows,
			    struct numbers_packing *packing, struct out *out)
{
	const struct history *h = w->model->history;

	json_write_name(out, false, "snapshots");
	if (!h || !h->watched || !rows) {
		out_text(out, "null");
		return;
	}
	out_char(out, '[');
	for (uint32_t i = 0; i < h->snapshot_count; i++) {
		out_text(out, i ? "," : "");
		write_snapshot(w, p, &h->snapshots[i], rows, packing, out);
	}
	out_char(out, ']');
}

static void write_part(const struct window_rows *w, const struct window_part *p, const uint32_t *sets,
		       struct numbers_packing *packing, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);
	enum numbers_form steps = numbers_form(packing, NUMBERS_DIFFERENCES);
	const struct window_row *rows = &w->rows[p->from];

	json_first_number(out, "number", p->number);
	NUMBERS_WRITE(out, packing, false, "row", steps, p->count, v, v = rows[i].place);
	NUMBERS_WRITE(out, packing, false, "thread-set", list, p->count, v, v = sets[p->from + i]);
	for (unsigned key = 0; key < SORT_KEYS; key++)
		NUMBERS_WRITE(out, packing, false, options_sort_name((enum sort_key)key), list, p->count, v,
			      v = rows[i].values[key]);
}

void json_write_window_rows(const struct window_rows *w, const uint32_t *sets, struct numbers_packing *packing,
			    struct arena *arena, struct out *out)
{
	const struct history *h = w->model->history;
	struct history_row *rows;
	uint32_t most = 0;

	json_write_name(out, false, "windows");
	if (!w->part_count) {
		out_text(out, "null");
		return;
	}
	for (uint32_t i = 0; h && i < h->snapshot_count; i++)
		most = h->snapshots[i].each_count > most ? h->snapshots[i].each_count : most;
	rows = arena_alloc(arena, (most + (size_t)1) * sizeof(*rows));
	for (uint32_t i = 0; i < w->part_count; i++) {
		out_text(out, i ? ",\n{" : "[\n{");
		write_part(w, &w->parts[i], sets, packing, out);
		write_snapshots(w, &w->parts[i], rows, packing, out);
		out_char(out, '}');
	}
	out_char(out, ']');
}
