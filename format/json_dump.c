/* SPDX-License-Identifier: GPL-2.0-only */
/* The text dump in a JSON report: see json.h. */
#include "json.h"

#include "json_text.h"

/* A longer text is cut. With --top=0 a dump can have as many megabytes as all the rest of the document, which says the
 * same. */
#define TEXT_MOST	((size_t)1 << 20)
#define NOTICE_BYTES	100u		/* of a line that says so */

/* Cuts the text behind its last whole line, and says what is missing. There is room for that. */
static void cut(struct out *text)
{
	size_t kept = text->len, lost;

	while (kept && text->buf[kept - 1] != '\n')
		kept--;
	lost = out_length(text) - kept;
	text->len = kept;
	text->size += NOTICE_BYTES;
	text->lost = 0;
	out_text(text, "[heaptrace] ");
	out_u64(text, lost);
	out_text(text, " bytes more: --format=text prints them\n");
}

void json_write_dump(const struct model *m, struct arena *arena, struct out *out)
{
	char *buf = arena_alloc(arena, TEXT_MOST + NOTICE_BYTES + 1);
	struct out text = out_memory(buf, buf ? TEXT_MOST : 0);

	json_write_name(out, true, "text");
	if (buf)
		text_report_format.write(m, arena, &text);
	if (text.lost)
		cut(&text);
	json_text_write(buf ? out_string(&text) : NULL, out);
	out_text(out, ",\n");
}
