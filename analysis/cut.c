/* SPDX-License-Identifier: GPL-2.0-only */
/* See cut.h. */
#include "cut.h"

#include "options/options.h"
#include "table/layout.h"
#include "table/table.h"

unsigned cut_at(const struct table *t)
{
	uint32_t codes[TABLE_FRAMES_MAX];
	uint32_t end = layout_count(t->head, TABLE_ROWS);

	for (uint32_t row = ROW_OVERFLOW + 1; row < end; row++) {
		if (table_frames(t, row, codes) >= t->head->depth)
			return t->head->depth;
	}
	return 0;
}

unsigned cut_better_depth(unsigned frames)
{
	if (frames < OPTIONS_DEPTH_GRAPH)
		return OPTIONS_DEPTH_GRAPH;
	return frames < OPTIONS_DEPTH_MAX ? OPTIONS_DEPTH_MAX : 0;
}

void cut_write(struct out *out, unsigned frames)
{
	unsigned better = cut_better_depth(frames);

	out_text(out, "stacks were cut at ");
	out_count(out, frames, " frame", " frames");
	if (!better)
		return;
	out_text(out, ": record with --depth=");
	out_u64(out, better);
	out_text(out, " for longer ones");
}
