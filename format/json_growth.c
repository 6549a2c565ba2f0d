/* SPDX-License-Identifier: GPL-2.0-only */
/* What has grown, by --growth, in a JSON report: see json.h. */
#include "json.h"

#include "analysis/growth.h"
#include "json_text.h"

static void write_list(const char *name, const uint64_t *values, unsigned count, struct out *out)
{
	json_write_name(out, false, name);
	out_char(out, '[');
	for (unsigned i = 0; i < count; i++) {
		if (i)
			out_char(out, ',');
		out_u64(out, values[i]);
	}
	out_char(out, ']');
}

static void write_entry(const struct growth *g, const struct growth_entry *e, struct out *out)
{
	double per_hour = e->trend.rate * 3600;
	bool size = g->key == SORT_SIZE;

	json_begin(out, NULL, '{');
	json_first_number(out, "id", e->row.id);
	json_add_text(out, "kind", trend_name(e->trend.kind));
	json_write_name(out, false, size ? "bytes-per-hour" : "blocks-per-hour");
	if (per_hour < 0)
		out_char(out, '-');
	out_u64(out, (uint64_t)(per_hour < 0 ? -per_hour : per_hour));
	json_add_bool(out, "until-idle", e->trend.until_idle);
	json_add_bool(out, "freed-at-end", e->moments < g->moments);
	write_list("size", size ? e->figures : e->others, g->moments, out);
	write_list("count", size ? e->others : e->figures, g->moments, out);
	out_char(out, '}');
}

void json_write_growth(const struct model *m, struct arena *arena, struct out *out)
{
	enum sort_key key = model_count_key(m->sections[0].key) == m->sections[0].key ? SORT_COUNT : SORT_SIZE;
	struct growth g;

	if (!m->options->growth_ms || !growth_make(&g, m, key, m->options->growth_ms, GROUP_NONE, arena) ||
	    g.moments < 2) {
		out_text(out, "\"growth\":null,\n");
		return;
	}
	json_begin(out, "growth", '{');
	json_write_name(out, true, "key");
	json_text_write(options_sort_name(key), out);
	write_list("ns", g.ns, g.moments, out);
	write_list("total-count", g.calls, g.moments, out);
	write_list(key == SORT_SIZE ? "total-bytes" : "total-blocks", g.totals, g.moments, out);
	json_write_name(out, false, "list");
	out_char(out, '[');
	for (uint32_t i = 0; i < g.count; i++) {
		out_text(out, i ? ",\n" : "\n");
		write_entry(&g, &g.list[i], out);
	}
	out_text(out, "]},\n");
}
