/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The report as one page for a browser, which fetches nothing. The page is report/page.html. In place of these comments
 * it gets
 *
 *	<!-- style -->		the style sheets of report/
 *	<!-- report -->		the document that --format=json prints, with packed lists (json_numbers.h), and without
 *				the rows with their frames, which the page reads from the catalog
 *	<!-- scripts -->	the scripts of report/
 *
 * json_text_write() escapes `<`, so that no name in the document can close the element that it stands in.
 */
#include "embed.h"
#include "json.h"

#include <string.h>

EMBED(report_page, "report/page.html");
#define STYLE(name, path)	EMBED(report_##name, path);
#define SCRIPT(name, path)	EMBED(report_##name, path);
#include "html_files.def"
#undef STYLE
#undef SCRIPT

struct part {
	const char *start, *end;
};

static const struct part styles[] = {
#define STYLE(name, path)	{ report_##name, report_##name##_end },
#define SCRIPT(name, path)
#include "html_files.def"
#undef STYLE
#undef SCRIPT
};

static const struct part scripts[] = {
#define STYLE(name, path)
#define SCRIPT(name, path)	{ report_##name, report_##name##_end },
#include "html_files.def"
#undef STYLE
#undef SCRIPT
};

/* Writes each part in an element of its own. */
static void write_parts(const struct part *parts, unsigned count, const char *element, struct out *out)
{
	for (unsigned i = 0; i < count; i++) {
		out_char(out, '<');
		out_text(out, element);
		out_text(out, ">\n");
		out_bytes(out, parts[i].start, (size_t)(parts[i].end - parts[i].start));
		out_text(out, "</");
		out_text(out, element);
		out_text(out, ">\n");
	}
}

/* Writes what stands in place of a comment of the page. The comment starts behind its "<!-- ". */
static void write_place(const char *comment, const struct model *m, struct arena *arena, struct out *out)
{
	if (!strncmp(comment, "style ", 6)) {
		write_parts(styles, sizeof(styles) / sizeof(*styles), "style", out);
	} else if (!strncmp(comment, "scripts ", 8)) {
		write_parts(scripts, sizeof(scripts) / sizeof(*scripts), "script", out);
	} else if (!strncmp(comment, "report ", 7)) {
		out_text(out, "<script type=\"application/json\" id=\"report\">\n");
		json_write_document(m, arena, true, out);
		out_text(out, "</script>\n");
	}
}

static void write_html(const struct model *m, struct arena *arena, struct out *out)
{
	static const char open[] = "<!-- ", close[] = "-->";
	const char *from = report_page, *at, *end;

	while ((at = strstr(from, open)) && (end = strstr(at, close))) {
		out_bytes(out, from, (size_t)(at - from));
		write_place(at + sizeof(open) - 1, m, arena, out);
		from = end + sizeof(close) - 1;
	}
	out_text(out, from);
}

const struct format html_format = {
	.name = "html", .replaces = true, .figures = true, .by_reporter = true, .runtime_apart = true, .all_rows = true,
	.all_names = true, .rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_html,
};
