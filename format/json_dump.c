/* SPDX-License-Identifier: GPL-2.0-only */
/* The text dump in a JSON report: see json.h. */
#include "json.h"

#include "json_text.h"

/* A longer text is cut. With --top=0 a dump can have as many megabytes as all the rest of the document, which says the
 * same. */
#define TEXT_MOST	((size_t)1 << 20)

void json_write_dump(const struct model *m, struct arena *arena, struct out *out)
{
	char *buf = arena_alloc(arena, TEXT_MOST + 1);
	struct out text = out_memory(buf, buf ? TEXT_MOST + 1 : 0);

	json_write_name(out, true, "text");
	if (buf)
		text_report_format.write(m, arena, &text);
	json_text_write(buf ? out_string(&text) : NULL, out);
	out_text(out, ",\n");
}
