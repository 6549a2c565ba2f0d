/* SPDX-License-Identifier: GPL-2.0-only */
/* The pools that the program reports, in a JSON report: see json.h. */
#include "json.h"

#include "json_text.h"

void json_write_pools(const struct model *m, struct arena *arena, struct out *out)
{
	struct model_pool *pools;
	uint32_t count = model_pools(m, &pools, arena);

	json_begin(out, "pools", '[');
	for (uint32_t i = 0; i < count; i++) {
		out_text(out, i ? "," : "");
		json_begin(out, NULL, '{');
		json_write_name(out, true, "name");
		json_text_write(pools[i].name, out);
		json_add_number(out, "live-bytes", pools[i].size);
		json_add_number(out, "live-blocks", pools[i].count);
		json_add_number(out, "backing-bytes", pools[i].backing_size);
		json_add_number(out, "backing-blocks", pools[i].backing_count);
		out_char(out, '}');
	}
	out_text(out, "],\n");
}
