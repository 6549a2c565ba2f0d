/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flame graph as one SVG file: all backtraces merged by function, with the outermost functions on top. Where no script
 * runs it is a picture that fits its window. report/svg.js then draws it anew, for zooming and searching.
 *
 *	<svg ...>
 *	<title>, <style>		report/svg.css, and the colours of the modules
 *	<g id="head">			what this is, what is not shown, the largest modules
 *	<g id="frames">			the picture (svg_frames.c)
 *	<script id="data">		the tree (svg_data.c)
 *	<script>			report/names.js and report/svg.js
 *	</svg>
 */
#include "svg.h"

#include "analysis/windows.h"

#include "analysis/cut.h"
#include "analysis/diff.h"
#include "base/sort.h"
#include "embed.h"
#include "text.h"
#include "text_report.h"

#include <string.h>

EMBED(report_svg_css, "report/svg.css");
EMBED(report_svg_names_js, "report/names.js");
EMBED(report_svg_js, "report/svg.js");

#define HEAD_BYTES	32768u
#define TITLE_HEIGHT	24u
#define LINE_HEIGHT	16u
#define LEGEND_MODULES	8u
#define LEGEND_COLUMNS	4u
#define GONE_NAMED	3u
#define NAME_CHARACTERS	120u

/* ---- The tree ---- */

static uint8_t find_column(struct merged *t, uint8_t columns[MERGED_COLUMNS_MAX], enum sort_key key, bool older)
{
	uint8_t want = (uint8_t)(2 * key + older);
	unsigned c = 0;

	while (c < t->columns && columns[c] != want)
		c++;
	if (c == t->columns)
		columns[t->columns++] = want;
	return (uint8_t)c;
}

/* Finds the figures that the tree has: 2 * key, and 1 more for those of the older run. Column 0 is the weight of the
 * first view. */
static void find_columns(struct svg *s, uint8_t columns[MERGED_COLUMNS_MAX])
{
	for (unsigned i = 0; i < s->model->section_count; i++) {
		enum sort_key key = s->model->sections[i].key;
		struct svg_view *v = &s->views[s->view_count++];

		v->key = key;
		v->other = model_key_is_size(key) || key == SORT_AGE ? model_count_key(key) : model_size_key(key);
		v->weight = find_column(&s->tree, columns, key, false);
		v->second = find_column(&s->tree, columns, v->other, false);
		if (s->diff) {
			v->weight_was = find_column(&s->tree, columns, key, true);
			v->second_was = find_column(&s->tree, columns, v->other, true);
		}
	}
}

/* Fills a row of the tree from the figures of the newer and the older run. was: NULL without --diff. */
static void take_figures(const struct svg *s, const uint8_t *columns, const uint64_t *is, const uint64_t *was,
			 uint64_t figures[MERGED_COLUMNS_MAX])
{
	for (unsigned c = 0; c < s->tree.columns; c++)
		figures[c] = (columns[c] % 2 ? was : is)[columns[c] / 2];
}

static void add_rows(struct svg *s, const uint8_t *columns)
{
	const struct model *m = s->model;
	uint64_t figures[MERGED_COLUMNS_MAX];
	enum sort_key key = s->views[0].key;

	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);
		const uint64_t *v = row.values;

		if (!model_is_large(m->options, v[model_size_key(key)], v[model_count_key(key)], v[SORT_AGE]))
			continue;
		take_figures(s, columns, v, NULL, figures);
		merged_add(&s->tree, m, &row, figures);
	}
	if (m->totals.partial) {
		memset(figures, 0, sizeof(figures));
		figures[0] = m->totals.left_weight;
		merged_add_lost(&s->tree, figures);
	}
}

/* False: there is no memory. */
static bool add_differences(struct svg *s, const uint8_t *columns)
{
	uint64_t figures[MERGED_COLUMNS_MAX];
	struct diff d;

	if (!diff_make(&d, s->model->older, s->model, s->arena))
		return false;
	for (uint32_t i = 0; i < d.count; i++) {
		take_figures(s, columns, d.list[i].is, d.list[i].was, figures);
		merged_add(&s->tree, diff_model(&d, &d.list[i]), &d.list[i].row, figures);
	}
	return true;
}

/* False: there is no memory. */
static bool make_tree(struct svg *s)
{
	uint8_t columns[MERGED_COLUMNS_MAX];
	struct merged none = { .columns = 0 };

	s->tree = none;
	find_columns(s, columns);
	if (!merged_init(&s->tree, s->tree.columns, s->diff, s->arena))
		return false;
	if (!s->diff)
		add_rows(s, columns);
	else if (!add_differences(s, columns))
		return false;
	merged_sort(&s->tree, 0);
	s->total = merged_figures(&s->tree, MERGED_ROOT)[0];
	return svg_choose(s);
}

/* ---- The head ---- */

/* The head while it is being written: its lines are as many as there is something to say. */
struct head {
	struct svg *svg;
	struct out out;
	unsigned height;	/* pixels so far */
};

static void begin_line(struct head *h, const char *class)
{
	h->height += *class ? TITLE_HEIGHT : LINE_HEIGHT;
	out_text(&h->out, "<text x=\"8\" y=\"");
	out_u64(&h->out, h->height);
	out_text(&h->out, *class ? "\" class=\"" : "\">");
	if (*class) {
		out_text(&h->out, class);
		out_text(&h->out, "\">");
	}
}

static void end_line(struct head *h)
{
	out_text(&h->out, "</text>\n");
}

static const char *title_of(enum sort_key key)
{
	switch (key) {
	case SORT_SIZE:		return "Bytes alive";
	case SORT_COUNT:	return "Blocks alive";
	case SORT_PEAK_SIZE:	return "Each backtrace's most bytes";
	case SORT_PEAK_COUNT:	return "Each backtrace's most blocks";
	case SORT_HEAP_PEAK:	return "Bytes at the heap's peak";
	case SORT_TOTAL_SIZE:	return "Bytes of all calls";
	case SORT_TOTAL_COUNT:	return "Calls of allocation functions";
	case SORT_TEMPORARY:	return "Temporary allocations";
	default:		return "Ages of backtraces, added up";
	}
}

/* Writes "Bytes alive: python3 (pid 4711)". */
static void write_title(const struct model *m, struct out *out)
{
	out_text(out, title_of(m->sections[0].key));
	out_text(out, ": ");
	svg_write_text(out, m->process.command, NAME_CHARACTERS);
	out_text(out, " (pid ");
	out_u64(out, m->process.pid);
	out_char(out, ')');
}

static void write_totals(struct head *h)
{
	const struct svg_view *v = h->svg->views;
	const uint64_t *all = merged_figures(&h->svg->tree, MERGED_ROOT);

	begin_line(h, "");
	out_text(&h->out, "width: ");
	out_text(&h->out, options_sort_name(v->key));
	out_text(&h->out, ", ");
	if (h->svg->diff) {
		text_write_change(v->key, all[v->weight_was], all[v->weight], &h->out);
	} else {
		svg_write_value(&h->out, v->key, all[v->weight]);
		out_text(&h->out, " in all, ");
		svg_write_value(&h->out, v->other, all[v->second]);
	}
	out_text(&h->out, "; below a frame stands what it has called");
	end_line(h);
}

static void write_left_out(struct head *h)
{
	const struct model *m = h->svg->model;
	const struct svg *s = h->svg;
	unsigned frames = cut_at(model_table(m));

	if (m->sample_bytes) {
		begin_line(h, "");
		out_set_estimates(&h->out, false);
		out_text(&h->out, "sampled: one block in about ");
		out_size(&h->out, m->sample_bytes);
		out_text(&h->out, ", so figures with ~ are estimates");
		out_set_estimates(&h->out, true);
		end_line(h);
	}
	if (frames) {
		begin_line(h, "");
		cut_write(&h->out, frames);
		end_line(h);
	}
	if (s->left_out) {
		begin_line(h, "");
		out_text(&h->out, "not shown: ");
		out_count(&h->out, s->left_out, " frame that is", " frames that are");
		out_text(&h->out, " too narrow, ");
		svg_write_value(&h->out, s->views[0].key, s->left_weight);
		out_text(&h->out, " (");
		out_share(&h->out, s->left_weight, s->total);
		out_text(&h->out, ") together");
		end_line(h);
	}
	if (s->tree.cut) {
		begin_line(h, "");
		out_count(&h->out, s->tree.cut, " backtrace ends", " backtraces end");
		out_text(&h->out, " at an outer function, because there was no memory for more");
		end_line(h);
	}
	if (!s->diff && m->sections[0].filtered) {
		begin_line(h, "");
		out_text(&h->out, "left out by --min-size, --min-count or --older-than: ");
		out_count(&h->out, m->sections[0].filtered, " backtrace, ", " backtraces, ");
		out_size(&h->out, m->sections[0].filtered_size);
		end_line(h);
	}
	if (m->totals.ignored_rows || m->totals.unfocused_rows) {
		begin_line(h, "");
		out_text(&h->out, "left out by --ignore or --focus: ");
		out_count(&h->out, m->totals.ignored_rows + m->totals.unfocused_rows, " live backtrace, ",
			  " live backtraces, ");
		out_size(&h->out, m->totals.ignored_size + m->totals.unfocused_size);
		end_line(h);
	}
	if (!s->total) {
		begin_line(h, "");
		out_text(&h->out, "Nothing has this weight. --sort=heap-peak shows what was alive when the heap was largest, "
				  "--sort=total-size all calls.");
		end_line(h);
	}
}

/* Writes the largest subtrees of which the newer run has nothing. */
static void write_gone(struct head *h)
{
	const struct svg *s = h->svg;
	const struct merged *t = &s->tree;
	const struct svg_view *v = s->views;
	struct sort_entry *gone = arena_alloc_plenty(s->arena, t->node_count * sizeof(*gone));
	uint32_t count = 0;
	uint64_t sum = 0;

	for (uint32_t n = 1; gone && n < t->node_count; n++) {
		const uint64_t *figures = merged_figures(t, n), *outer = merged_figures(t, t->nodes[n].outer);

		if (figures[v->weight] || !figures[v->weight_was] || (!outer[v->weight] && t->nodes[n].outer != MERGED_ROOT))
			continue;
		gone[count++] = (struct sort_entry){ figures[v->weight_was], n };
		sum += figures[v->weight_was];
	}
	if (!count)
		return;
	sort_largest(gone, count, GONE_NAMED);
	begin_line(h, "");
	out_text(&h->out, "gone: ");
	svg_write_value(&h->out, v->key, sum);
	for (uint32_t i = 0; i < count && i < GONE_NAMED; i++) {
		out_text(&h->out, i ? ", " : " in ");
		svg_write_name(&h->out, &t->functions[t->nodes[gone[i].index].function], 40);
	}
	if (count > GONE_NAMED) {
		out_text(&h->out, " and ");
		out_count(&h->out, count - GONE_NAMED, " more", " more");
	}
	end_line(h);
}

/* Begins an entry of the legend: a cell of four in a line. */
static void begin_entry(struct head *h, unsigned number, const char *class)
{
	if (number % LEGEND_COLUMNS == 0)
		h->height += LINE_HEIGHT;
	out_text(&h->out, "<svg class=\"");
	out_text(&h->out, h->svg->diff ? "change" : "module");
	out_text(&h->out, "\" x=\"");
	out_u64(&h->out, number % LEGEND_COLUMNS * (100 / LEGEND_COLUMNS));
	out_text(&h->out, "%\" y=\"");
	out_u64(&h->out, h->height - 8);
	out_text(&h->out, "\" width=\"25%\" height=\"16\"><rect x=\"8\" y=\"2\" width=\"12\" height=\"12\" class=\"");
	out_text(&h->out, class);
	out_text(&h->out, "\"/><text x=\"26\" y=\"12\">");
}

static void write_changes(struct head *h)
{
	static const char *const entries[][2] = {
		{ "s4", "shrunk by over 60 %" }, { "s2", "shrunk" }, { "g2", "grown" }, { "g4", "grown by over 150 %, or new" },
	};
	const struct model *old = h->svg->model->older;

	begin_line(h, "");
	out_text(&h->out, "compared with ");
	svg_write_text(&h->out, h->svg->model->options->diff ? h->svg->model->options->diff : "", NAME_CHARACTERS);
	out_text(&h->out, ": ");
	svg_write_text(&h->out, old->process.command, NAME_CHARACTERS);
	out_text(&h->out, " (pid ");
	out_u64(&h->out, old->process.pid);
	out_char(&h->out, ')');
	end_line(h);
	write_gone(h);
	for (unsigned i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		begin_entry(h, i, entries[i][0]);
		out_text(&h->out, entries[i][1]);
		out_text(&h->out, "</text></svg>\n");
	}
}

/* Writes the modules with the largest area of the picture. */
static void write_modules(struct head *h)
{
	const struct svg *s = h->svg;
	const struct merged *t = &s->tree;
	const char **modules = arena_alloc_plenty(s->arena, t->function_count * sizeof(*modules));
	uint32_t *module_of = arena_alloc_plenty(s->arena, t->function_count * sizeof(*module_of));
	struct sort_entry *areas = arena_alloc_plenty(s->arena, t->function_count * sizeof(*areas));
	uint32_t count = 0;
	char class[8];
	struct out text;

	if (!modules || !module_of || !areas)
		return;
	for (uint32_t i = 0; i < t->function_count; i++) {
		const char *module = t->functions[i].module;

		module_of[i] = module ? svg_find_module(modules, count, module) : UINT32_MAX;
		if (module_of[i] == count) {
			modules[count] = module;
			areas[count] = (struct sort_entry){ 0, count };
			count++;
		}
	}
	for (uint32_t n = 0; n < t->node_count; n++) {
		uint32_t module = module_of[t->nodes[n].function];

		/* The sum is less than 2^64: it has at most 2,048 levels of less than 2^53 each. */
		if (module != UINT32_MAX && t->nodes[n].mark)
			areas[module].key += merged_figures(t, n)[0];
	}
	sort_largest(areas, count, LEGEND_MODULES);
	for (unsigned i = 0; i < count && i < LEGEND_MODULES && areas[i].key; i++) {
		const char *module = modules[areas[i].index];

		text = out_memory(class, sizeof(class));
		out_char(&text, 'c');
		out_u64(&text, svg_colour(module));
		begin_entry(h, i, out_string(&text));
		svg_write_text(&h->out, module, NAME_CHARACTERS);
		if (!strcmp(module, SVG_TRACER))
			out_text(&h->out, "<tspan> (" SVG_TRACER_IS ")</tspan>");
		out_text(&h->out, "</text></svg>\n");
	}
}

/* Writes which windows of the recording the picture is of, if it is not the whole run. */
static void write_windows(struct head *h)
{
	struct windows ws = windows_of(h->svg->model);

	if (!ws.chosen && !ws.cleared_ns)
		return;
	begin_line(h, "");
	out_text(&h->out, "of what was allocated from ");
	out_time(&h->out, ws.begun_ns);
	out_text(&h->out, " to ");
	out_time(&h->out, ws.ended_ns);
	out_text(&h->out, " (windows ");
	out_u64(&h->out, ws.from);
	out_text(&h->out, " to ");
	out_u64(&h->out, ws.to);
	out_text(&h->out, " of the recording)");
	end_line(h);
}

static void write_head(struct head *h)
{
	begin_line(h, "title");
	write_title(h->svg->model, &h->out);
	end_line(h);
	write_totals(h);
	begin_line(h, "");
	text_write_moment(&h->svg->model->moment, &h->out);
	end_line(h);
	write_windows(h);
	write_left_out(h);
	h->height += 4;
	if (h->svg->diff)
		write_changes(h);
	else
		write_modules(h);
	h->height += LINE_HEIGHT;
}

/* ---- The document ---- */

static void write_style(const struct svg *s, struct out *out)
{
	bool used[SVG_COLOURS + 1] = { false };

	out_text(out, "<style><![CDATA[\n");
	out_bytes(out, report_svg_css, (size_t)(report_svg_css_end - report_svg_css));
	for (uint32_t i = 0; i < s->tree.function_count; i++) {
		if (s->numbers && s->numbers[i])
			used[svg_colour(s->tree.functions[i].module)] = true;
	}
	svg_write_colours(out, used);
	out_text(out, "]]></style>\n");
}

static void begin_document(const struct model *m, unsigned height, struct out *out)
{
	out_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"heaptrace\" width=\"100%\" height=\"");
	out_u64(out, height);
	out_text(out, "\">\n<title>");
	write_title(m, out);
	out_text(out, "</title>\n");
}

/* Writes the document of a model for which there is no memory. */
static void write_no_memory(const struct model *m, struct out *out)
{
	begin_document(m, 2 * TITLE_HEIGHT, out);
	out_text(out, "<text x=\"8\" y=\"24\">There was no memory for a flame graph; heaptrace --report=FILE makes one later, "
		      "of a file of --record.</text>\n</svg>\n");
}

static void write_svg(const struct model *m, struct arena *arena, struct out *out)
{
	struct svg *s = arena_alloc(arena, sizeof(*s));
	struct head head = { .svg = s };
	char *buf = arena_alloc(arena, HEAD_BYTES);

	if (!s || !buf) {
		write_no_memory(m, out);
		return;
	}
	*s = (struct svg){ .model = m, .arena = arena, .out = out, .diff = m->older };
	if (!make_tree(s)) {
		write_no_memory(m, out);
		return;
	}
	head.out = out_memory(buf, HEAD_BYTES);
	out->estimates = head.out.estimates = m->sample_bytes || (m->older && m->older->sample_bytes);
	write_head(&head);
	begin_document(m, head.height + s->level_count * SVG_LEVEL + 8, out);
	write_style(s, out);
	out_text(out, "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n<g id=\"head\">\n");
	out_text(out, out_string(&head.out));
	out_text(out, "</g>\n<svg id=\"frames\" y=\"");
	out_u64(out, head.height);
	out_text(out, "\">\n");
	svg_write_frames(s);
	out_text(out, "</svg>\n<script type=\"application/json\" id=\"data\">");
	svg_write_data(s);
	out_text(out, "</script>\n<script><![CDATA[\n");
	out_bytes(out, report_svg_names_js, (size_t)(report_svg_names_js_end - report_svg_names_js));
	out_bytes(out, report_svg_js, (size_t)(report_svg_js_end - report_svg_js));
	out_text(out, "]]></script>\n</svg>\n");
}

const struct format svg_format = {
	.name = "svg", .replaces = true, .figures = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_WEIGHTS, .sections_max = SORT_KEYS, .write = write_svg,
};
