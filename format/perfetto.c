/* SPDX-License-Identifier: GPL-2.0-only */
/* See format.h. */
#include "format.h"

static void write_perfetto(const struct model *m, struct arena *arena, struct out *out)
{
	(void)arena;
	out_u64(out, m->totals.size);
	out_char(out, '\n');
}

const struct format perfetto_format = {
	.name = "perfetto", .replaces = true, .figures = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_perfetto,
};
