/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See watch_lines.h.
 *
 *	[heaptrace] live view of python3 (4711), every 1 s
 *	      time       live    growth/s    blocks   calls/s  temporary        RSS  largest
 *	   3.004 s  12.345 MB   +1.234 MB    123456     12345      3.4 %  23.456 MB  parse(char const*) at src/parse.cc:214
 */
#include "watch_lines.h"

#include "format/columns.h"
#include "table/table.h"
#include "watch_table.h"

#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES	8192u
#define LARGEST_BEGINS	77u	/* the column of the last field, which gets... */
#define MARKS		4u	/* the fields before it that are one column wider where they are estimates */
#define LARGEST_COLUMNS	60u	/* ...so many columns, or what a terminal has... */
#define LARGEST_LEAST	16u	/* ...or none */

static char buffer[BUFFER_BYTES];

static struct out begin(void)
{
	struct out out;

	out_init(&out, STDOUT_FILENO, buffer, sizeof(buffer));
	out_fit_terminal(&out);
	return out;
}

/* How many columns the field `largest` has. */
static unsigned largest_columns(const struct watch_view *v, const struct out *out)
{
	unsigned begins = LARGEST_BEGINS + (watch_view_is_estimated(v) ? MARKS : 0);
	unsigned room = out->columns > begins ? out->columns - begins : 0;

	if (!out->columns || room > LARGEST_COLUMNS)
		return LARGEST_COLUMNS;
	return room < LARGEST_LEAST ? 0 : room;
}

bool watch_lines_head(struct watch_view *v)
{
	struct out out = begin();

	out_text(&out, "[heaptrace] live view of ");
	watch_view_write_process(v, &out);
	out_text(&out, ", ");
	watch_view_write_recording(v, false, &out);
	out_text(&out, "every ");
	if (v->options->interval_ms % 1000)
		out_thousandths(&out, v->options->interval_ms);
	else
		out_u64(&out, v->options->interval_ms / 1000);
	out_text(&out, watch_view_is_estimated(v) ?
		 " s\n      time        live     growth/s     blocks    calls/s  temporary        RSS" :
		 " s\n      time       live    growth/s    blocks   calls/s  temporary        RSS");
	out_text(&out, largest_columns(v, &out) ? "  largest\n" : "\n");
	return out_flush(&out);
}

/* Writes a figure by out_size() or out_figure(), at the right end of so many columns. */
static void write_right(void (*write)(struct out *, uint64_t), uint64_t figure, unsigned columns, struct out *out)
{
	char text[40];
	struct out figures = out_memory(text, sizeof(text));

	figures.estimates = out->estimates;
	write(&figures, figure);
	columns_right(text, columns, out);
}

static void write_largest(struct watch_view *v, struct out *out)
{
	unsigned columns = largest_columns(v, out);
	struct watch_item item;

	if (!columns)
		return;
	out_text(out, "  ");
	watch_rates_list(&v->rates, &v->source.record.table, &v->names, 1);
	if (!v->rates.sorted)
		return;
	item = watch_rates_item(&v->rates, &v->source.record.table, &v->names, 0);
	watch_names_of(&v->names, &item.row, 1);
	if (v->names.group == GROUP_BACKTRACE)
		watch_names_write_row(&v->names, item.row, columns, out);
	else
		watch_names_write_group(&v->names, item.label, item.row, columns, out);
}

bool watch_lines_look(struct watch_view *v)
{
	const struct watch_sums *now = &v->rates.sums, *earlier = watch_rates_earlier(&v->rates);
	struct out out = begin();
	char text[40];
	struct out figure = out_memory(text, sizeof(text));
	int64_t calls = watch_table_rate(v, (int64_t)(now->calls - earlier->calls));
	unsigned mark = watch_view_is_estimated(v);

	out_thousandths(&figure, watch_view_runtime(v) / 1000000);
	out_text(&figure, " s");
	columns_right(text, 10, &out);
	out_char(&out, ' ');
	out.estimates = mark;
	write_right(out_size, now->size, 10 + mark, &out);
	out_char(&out, ' ');
	watch_table_write_change(watch_table_rate(v, (int64_t)(now->size - earlier->size)), true, 11 + mark, &out);
	out_char(&out, ' ');
	write_right(out_figure, now->count, 9 + mark, &out);
	write_right(out_figure, calls > 0 ? (uint64_t)calls : 0, 10 + mark, &out);
	out.estimates = false;
	out_text(&out, "    ");
	columns_share(now->temporary, now->calls, &out);
	out_char(&out, ' ');
	write_right(out_size, v->source.process.rss, 10, &out);
	write_largest(v, &out);
	out_char(&out, '\n');
	return out_flush(&out);
}

/* ---- The summary ---- */

static void write_per_second(const struct watch_view *v, uint64_t count, struct out *out)
{
	double seconds = (double)watch_view_runtime(v) / 1e9;

	out_figure(out, seconds > 0 ? (uint64_t)((double)count / seconds) : 0);
	out_text(out, "/s)\n");
}

static void write_sums(const struct watch_view *v, struct out *out)
{
	const struct watch_sums *sums = &v->rates.sums;
	uint32_t rows = 0;

	for (uint32_t row = ROW_OVERFLOW; row < v->rates.end; row++)
		rows += v->rates.now[row].count != 0;
	out_text(out, "[heaptrace] ");
	watch_view_write_process(v, out);
	out_text(out, watch_source_is_past(&v->source) ? " ran when its record was packed\n" :
		 v->source.replaced ? " has become a program that heaptrace does not trace\n" : " has ended\n");
	out_text(out, "[heaptrace] total runtime: ");
	out_time(out, watch_view_runtime(v));
	out->estimates = watch_view_is_estimated(v);
	out_text(out, "\n[heaptrace] calls to allocation functions: ");
	out_figure(out, sums->calls);
	out_text(out, " (");
	write_per_second(v, sums->calls, out);
	out_text(out, "[heaptrace] temporary allocations: ");
	out_figure(out, sums->temporary);
	out_text(out, " (");
	out_share(out, sums->temporary, sums->calls);
	out_text(out, ", ");
	write_per_second(v, sums->temporary, out);
	out_text(out, "[heaptrace] peak heap memory consumption: ");
	out_size(out, watch_view_peak(v));
	if (v->source.process.peak_rss) {
		out_text(out, "\n[heaptrace] peak RSS (including heaptrace overhead): ");
		out->estimates = false;
		out_size(out, v->source.process.peak_rss);
		out->estimates = watch_view_is_estimated(v);
	}
	out_text(out, watch_source_is_past(&v->source) ? "\n[heaptrace] memory in use then: " :
		 "\n[heaptrace] total memory leaked: ");
	out_size(out, sums->size);
	out_text(out, " in ");
	out_mark(out);
	out_count(out, sums->count, " block of ", " blocks of ");
	out->estimates = false;
	out_count(out, rows, " backtrace", " backtraces");
	out_char(out, '\n');
}

bool watch_lines_summary(struct watch_view *v)
{
	uint32_t rows[64], wanted = v->options->top && v->options->top < 64 ? v->options->top : 64;
	struct watch_table table;
	struct out out = begin();
	char text[4096];
	struct out line;

	v->names.due_ns = 0;		/* for the last time names are looked up whatever that takes */
	watch_names_work(&v->names, UINT64_MAX);
	write_sums(v, &out);
	if (v->rates.sort >= SORT_KEYS)		/* nothing changes any more */
		v->rates.sort = SORT_SIZE;
	watch_rates_list(&v->rates, &v->source.record.table, &v->names, wanted);
	wanted = v->rates.sorted < wanted ? v->rates.sorted : wanted;
	for (uint32_t i = 0; i < wanted; i++)
		rows[i] = watch_rates_item(&v->rates, &v->source.record.table, &v->names, i).row;
	watch_names_of(&v->names, rows, wanted);
	table = watch_table_choose(v, (unsigned)columns_of_table(&out), false);
	for (uint32_t i = 0; i <= wanted && wanted; i++) {
		line = out_memory(text, sizeof(text));
		if (i) {
			struct watch_item item = watch_rates_item(&v->rates, &v->source.record.table, &v->names, i - 1);

			watch_table_write_item(&table, v, &item, &line);
		} else {
			watch_table_write_head(&table, v, &line);
		}
		out_text(&out, text);
		out_char(&out, '\n');
	}
	return out_flush(&out);
}
