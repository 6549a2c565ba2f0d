/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_table.h. */
#include "watch_table.h"

#include "format/columns.h"

#include <string.h>

#define SIZE_COLUMNS	10u	/* "999.999 MB" */
#define CHANGE_COLUMNS	11u
#define COUNT_COLUMNS	8u
#define SHARE_COLUMNS	8u
#define NAME_LEAST	20u

/* Columns from which on a table has them: */
#define WITH_ALL_CHANGES	100u
#define WITH_CALLS		110u
#define WITH_SHARE		124u
#define WITH_TOTAL		140u

static bool has_own_column(const struct watch_table *t, unsigned sort)
{
	return sort == SORT_SIZE || sort == SORT_COUNT || (sort == WATCH_BY_GROWTH && t->changes) ||
	       (sort == WATCH_BY_CALLS && t->calls) || (sort == SORT_TOTAL_COUNT && t->total);
}

struct watch_table watch_table_choose(const struct watch_view *v, unsigned columns, bool changes)
{
	unsigned wide = columns ? columns : WITH_TOTAL, used;
	struct watch_table t = {
		.changes = changes, .calls = changes && wide >= WITH_CALLS,
		.share = wide >= WITH_SHARE, .total = wide >= WITH_TOTAL, .estimates = watch_view_is_estimated(v),
	};

	t.key = !has_own_column(&t, v->rates.sort);
	t.count_change = changes && (!t.key || wide >= WITH_ALL_CHANGES);
	used = SIZE_COLUMNS + 1 + COUNT_COLUMNS + 2;
	used += changes ? CHANGE_COLUMNS + 1 : 0;
	used += t.key ? CHANGE_COLUMNS + 1 : 0;
	used += t.count_change ? COUNT_COLUMNS + 1 : 0;
	used += t.calls ? COUNT_COLUMNS + 1 : 0;
	used += t.share ? SHARE_COLUMNS + 1 : 0;
	used += t.total ? CHANGE_COLUMNS + 1 : 0;
	if (t.estimates)
		used += 2u + t.key + t.changes + t.count_change + t.calls + t.total;
	t.name = !columns ? 0 : columns > used + NAME_LEAST ? columns - used : NAME_LEAST;
	return t;
}

/* ---- Figures ---- */

/* A count in at most COUNT_COLUMNS columns: "9999999", "12.345M". */
static void write_count(uint64_t count, struct out *out)
{
	if (count < 10000000) {
		out_u64(out, count);
	} else if (count < 1000000000) {
		out_thousandths(out, count / 1000);
		out_char(out, 'M');
	} else {
		if (count < 1000000000000)
			out_thousandths(out, count / 1000000);
		else
			out_u64(out, count / 1000000000);
		out_char(out, 'G');
	}
}

static void write_right(uint64_t figure, bool is_size, const char *sign, unsigned columns, struct out *out)
{
	char text[40];
	struct out figures = out_memory(text, sizeof(text));

	figures.estimates = out->estimates;
	out_mark(&figures);
	figures.estimates = false;
	out_text(&figures, sign);
	if (is_size)
		out_size(&figures, figure);
	else
		write_count(figure, &figures);
	columns_right(text, columns, out);
}

void watch_table_write_change(int64_t change, bool is_size, unsigned columns, struct out *out)
{
	if (change)
		write_right(change < 0 ? -(uint64_t)change : (uint64_t)change, is_size, change < 0 ? "-" : "+", columns, out);
	else
		out_repeat(out, ' ', columns);
}

int64_t watch_table_rate(const struct watch_view *v, int64_t change)
{
	const struct watch_sums *earlier = watch_rates_earlier(&v->rates);
	double seconds = (double)(v->rates.sums.ns - earlier->ns) / 1e9;
	double rate;

	if (v->rates.sums_baseline.ns)
		return change;
	if (!earlier->ns || seconds <= 0)
		return 0;
	rate = (double)change / seconds;
	return (int64_t)(rate < 0 ? rate - 0.5 : rate + 0.5);
}

/* ---- Lines ---- */

static void write_heading(const char *text, bool sorted, unsigned columns, struct out *out)
{
	char word[40];
	struct out heading = out_memory(word, sizeof(word));

	out_text(&heading, text);
	if (sorted)
		out_text(&heading, " v");
	columns_right(word, columns, out);
	out_char(out, ' ');
}

void watch_table_write_head(const struct watch_table *t, const struct watch_view *v, struct out *out)
{
	unsigned sort = v->rates.sort;
	bool marked = v->rates.sums_baseline.ns;
	const char *calls = marked ? "calls" : "calls/s";
	unsigned mark = t->estimates;

	if (t->key)
		write_heading(sort == WATCH_BY_CALLS ? calls : watch_sort_name(sort), true, CHANGE_COLUMNS + mark, out);
	write_heading("size", sort == SORT_SIZE, SIZE_COLUMNS + mark, out);
	if (t->changes)
		write_heading(marked ? "growth" : "growth/s", sort == WATCH_BY_GROWTH, CHANGE_COLUMNS + mark, out);
	write_heading("count", sort == SORT_COUNT, COUNT_COLUMNS + mark, out);
	if (t->count_change)
		write_heading(marked ? "more" : "more/s", false, COUNT_COLUMNS + mark, out);
	if (t->calls)
		write_heading(calls, sort == WATCH_BY_CALLS, COUNT_COLUMNS + mark, out);
	if (t->share)
		write_heading("share", false, SHARE_COLUMNS, out);
	if (t->total)
		write_heading("total calls", sort == SORT_TOTAL_COUNT, CHANGE_COLUMNS + mark, out);
	out_char(out, ' ');
	out_text(out, options_group_names[v->names.group]);
	if (v->names.filter[0]) {
		out_text(out, " with \"");
		out_name(out, v->names.filter);
		out_char(out, '"');
	}
}

static void write_key(const struct watch_view *v, const struct watch_item *item, struct out *out)
{
	unsigned columns = CHANGE_COLUMNS + out->estimates;
	char text[40];
	struct out age = out_memory(text, sizeof(text));

	if (v->rates.sort == SORT_AGE) {
		out_time(&age, item->key);
		columns_right(text, columns, out);
	} else if (v->rates.sort == WATCH_BY_CALLS) {
		watch_table_write_change(watch_table_rate(v, (int64_t)item->key), false, columns, out);
	} else {
		write_right(item->key, watch_sort_is_size(v->rates.sort), "", columns, out);
	}
	out_char(out, ' ');
}

void watch_table_write_item(const struct watch_table *t, struct watch_view *v, const struct watch_item *item,
			    struct out *out)
{
	unsigned mark = t->estimates;
	bool estimates = out_set_estimates(out, mark);

	if (t->key)
		write_key(v, item, out);
	write_right(item->size, true, "", SIZE_COLUMNS + mark, out);
	out_char(out, ' ');
	if (t->changes) {
		watch_table_write_change(watch_table_rate(v, item->size_change), true, CHANGE_COLUMNS + mark, out);
		out_char(out, ' ');
	}
	write_right(item->count, false, "", COUNT_COLUMNS + mark, out);
	out_char(out, ' ');
	if (t->count_change) {
		watch_table_write_change(watch_table_rate(v, item->count_change), false, COUNT_COLUMNS + mark, out);
		out_char(out, ' ');
	}
	if (t->calls) {
		watch_table_write_change(watch_table_rate(v, item->calls_change), false, COUNT_COLUMNS + mark, out);
		out_char(out, ' ');
	}
	if (t->share) {
		out_char(out, ' ');
		columns_share(item->size, v->rates.sums.size, out);
		out_char(out, ' ');
	}
	if (t->total) {
		write_right(item->calls, false, "", CHANGE_COLUMNS + mark, out);
		out_char(out, ' ');
	}
	out_set_estimates(out, estimates);
	out_char(out, ' ');
	if (v->names.group == GROUP_BACKTRACE)
		watch_names_write_row(&v->names, item->row, t->name, out);
	else
		watch_names_write_group(&v->names, item->label, item->row, t->name, out);
}
