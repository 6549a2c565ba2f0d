/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program has mapped itself, in a JSON report: see json.h. */
#include "json.h"

#include "json_text.h"

#include "analysis/pages.h"

static void write_row(const struct model *m, const struct pages *p, const struct pages_row *r, struct out *out)
{
	static const uint8_t keys[] = {
		SORT_SIZE, SORT_COUNT, SORT_PEAK_SIZE, SORT_PEAK_COUNT, SORT_TOTAL_SIZE, SORT_TOTAL_COUNT, SORT_AGE,
	};
	struct model_threads threads;

	json_begin(out, NULL, '{');
	json_first_number(out, "id", r->row.id);
	for (unsigned i = 0; i < sizeof(keys); i++)
		json_add_number(out, options_sort_name((enum sort_key)keys[i]), r->row.values[keys[i]]);
	json_add_known(out, "resident", p->looked ? r->resident : UINT64_MAX, UINT64_MAX);
	model_threads(m, r->row.threads, &threads);
	out_char(out, ',');
	json_write_threads(&threads, "threads-many", out);
	json_write_frames(m, &r->row, out);
	out_char(out, '}');
}

static void write_others(const struct pages *p, struct out *out)
{
	json_write_name(out, false, "others");
	if (!p->looked) {
		out_text(out, "null");
		return;
	}
	out_char(out, '[');
	for (unsigned i = 0; i < PAGES_OTHERS; i++) {
		json_begin(out, NULL, '{');
		json_write_name(out, true, "of");
		json_text_write(pages_other_name((enum pages_other)i), out);
		json_add_number(out, "size", p->others[i].size);
		json_add_number(out, "resident", p->others[i].resident);
		json_add_number(out, "pieces", p->others[i].count);
		out_text(out, i + 1 < PAGES_OTHERS ? "}," : "}");
	}
	out_char(out, ']');
}

void json_write_pages(const struct model *m, struct arena *arena, struct out *out)
{
	const struct pages *p = pages_find(m, arena);

	json_write_name(out, true, "pages");
	if (!p) {
		out_text(out, "null,\n");
		return;
	}
	json_begin(out, NULL, '{');
	json_first_number(out, "size", p->size);
	json_add_number(out, "count", p->count);
	json_add_number(out, "peak-size", p->peak_size);
	json_add_known(out, "resident", p->looked ? p->resident : UINT64_MAX, UINT64_MAX);
	json_add_number(out, "missed-bytes", p->missed);
	json_add_known(out, "unmapped-unseen-bytes", p->looked ? p->stale : UINT64_MAX, UINT64_MAX);
	write_others(p, out);
	json_write_name(out, false, "rows");
	out_char(out, '[');
	for (uint32_t i = 0; i < p->row_count; i++) {
		out_text(out, i ? ",\n" : "\n");
		write_row(m, p, &p->rows[i], out);
	}
	out_text(out, "]},\n");
}
