/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text dump with what options of the purpose REPORTER ask for (options/table.def). It is made by the process that
 * holds the table, which has the time and the memory to name all rows. Its head, rows and figures are those of text.c.
 */
#include "text_histogram.h"
#include "text_report.h"
#include "text_timeline.h"

/* Writes groups and trees instead of rows. */
static void write_sums(struct text *t, const struct model_section *s)
{
	struct labels labels;

	if (!labels_init(&labels, t->model, t->arena)) {
		out_text(t->out, "[heaptrace] no memory to add up the backtraces\n");
		return;
	}
	if (t->model->options->group)
		text_write_groups(t, s, &labels);
	text_write_trees(t, s, &labels);
}

/* Of --short only what is about the whole process is written. */
static void write_section(struct text *t, const struct model_section *s)
{
	bool brief = t->model->options->brief, estimates = t->out->estimates;

	if (t->model->options->diff && t->model->older) {
		if (s == t->model->sections)
			text_write_diff_totals(t);
		if (!brief)
			text_write_diff(t, s);
	} else if (brief) {
		;
	} else if (t->model->options->growth_ms) {
		text_write_growth(t, s);
	} else if (options_adds_up(t->model->options)) {
		write_sums(t, s);
	} else {
		text_write_rows(t, s);
	}
	if (!brief && s != &t->model->sections[t->model->section_count - 1])
		return;
	out_set_estimates(t->out, false);	/* what was mapped is not sampled */
	text_write_pages(t);
	out_set_estimates(t->out, estimates);
	if (t->model->options->histogram)
		text_write_histogram(t);
	if (t->model->options->timeline)
		text_write_timeline(t);
}

static void write_report(const struct model *m, struct arena *arena, struct out *out)
{
	struct text t;

	text_begin(&t, m, arena, out);
	if (m->options->histogram)
		t.write_more = text_write_row_histogram;
	text_write_dump(&t, write_section);
}

const struct format text_report_format = {
	.name = "text", .figures = true, .by_reporter = true, .runtime_apart = true, .all_rows = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_report,
};
