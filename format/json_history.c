/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline and the snapshots in a JSON report: see json.h. The points of the timeline are written figure by figure,
 * which takes half the space.
 */
#include "json_numbers.h"

#include "analysis/history.h"

/* A figure of all points: the uint64_t at this offset in each. */
static void add_points(struct out *out, const struct history *h, const char *name, size_t offset, uint64_t unknown)
{
	json_write_name(out, false, name);
	out_char(out, '[');
	for (uint32_t i = 0; i < h->point_count; i++) {
		if (i)
			out_char(out, ',');
		json_write_known(out, *(const uint64_t *)(const void *)((const char *)&h->points[i] + offset), unknown);
	}
	out_char(out, ']');
}

static void write_timeline(const struct history *h, struct out *out)
{
	json_begin(out, NULL, '{');
	json_write_name(out, true, "watched");
	out_text(out, h->watched ? "true" : "false");
	json_add_known(out, "peak-rss-bytes", h->rss_peak, 0);
	json_add_known(out, "peak-rss-at-ns", h->rss_peak ? h->rss_peak_ns : TIMELINE_UNKNOWN, TIMELINE_UNKNOWN);
	json_write_name(out, false, "dumps-ns");
	out_char(out, '[');
	for (uint32_t i = 0; i < h->dump_count; i++) {
		if (i)
			out_char(out, ',');
		out_u64(out, h->dumps_ns[i]);
	}
	out_char(out, ']');
	add_points(out, h, "ns", offsetof(struct timeline_point, ns), TIMELINE_UNKNOWN);
	add_points(out, h, "size", offsetof(struct timeline_point, live_size), TIMELINE_UNKNOWN);
	add_points(out, h, "count", offsetof(struct timeline_point, live_count), TIMELINE_UNKNOWN);
	add_points(out, h, "total-count", offsetof(struct timeline_point, total_count), TIMELINE_UNKNOWN);
	add_points(out, h, "rss-bytes", offsetof(struct timeline_point, rss), 0);
	add_points(out, h, "own-bytes", offsetof(struct timeline_point, own), 0);
	out_char(out, '}');
}

static void write_snapshot_rows(const struct history_snapshot *s, struct numbers_packing *packing, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);
	enum numbers_form steps = numbers_form(packing, NUMBERS_DIFFERENCES);

	json_write_name(out, false, "rows");
	out_char(out, '{');
	NUMBERS_WRITE(out, packing, true, "id", steps, s->row_count, v, v = s->rows[i].row);
	NUMBERS_WRITE(out, packing, false, "size", list, s->row_count, v, v = s->rows[i].size);
	NUMBERS_WRITE(out, packing, false, "count", list, s->row_count, v, v = s->rows[i].count);
	out_char(out, '}');
	json_add_number(out, "rest-rows", s->rest_rows);
	json_add_number(out, "rest-size", s->rest_size);
	json_add_number(out, "rest-count", s->rest_count);
}

static void write_snapshots(const struct history *h, struct numbers_packing *packing, struct out *out)
{
	out_char(out, '[');
	for (uint32_t i = 0; i < h->snapshot_count; i++) {
		const struct history_snapshot *s = &h->snapshots[i];

		out_text(out, i ? ",\n{" : "{");
		json_first_number(out, "ns", s->ns);
		json_add_known(out, "row-count", s->row_count + (uint64_t)s->rest_rows, TIMELINE_UNKNOWN);
		json_add_known(out, "size", s->live_size, TIMELINE_UNKNOWN);
		json_add_known(out, "count", s->live_count, TIMELINE_UNKNOWN);
		json_add_known(out, "total-count", s->total_count, TIMELINE_UNKNOWN);
		json_add_known(out, "rss-bytes", s->rss, 0);
		write_snapshot_rows(s, packing, out);
		out_char(out, '}');
	}
	out_char(out, ']');
}

void json_write_timeline(const struct model *m, struct out *out)
{
	json_write_name(out, true, "timeline");
	if (m->history)
		write_timeline(m->history, out);
	else
		out_text(out, "null");
	out_text(out, ",\n");
}

void json_write_snapshots(const struct model *m, struct numbers_packing *packing, struct out *out)
{
	const struct history *h = m->history;

	json_write_name(out, true, "snapshots");
	if (h && h->watched)
		write_snapshots(h, packing, out);
	else
		out_text(out, "null");
	out_text(out, ",\n");
}
