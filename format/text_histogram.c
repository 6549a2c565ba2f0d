/* SPDX-License-Identifier: GPL-2.0-only */
/* See text_histogram.h. */
#include "text_histogram.h"

#include "analysis/histogram.h"
#include "base/share.h"
#include "base/sort.h"
#include "columns.h"

#include <string.h>

#define CLASSES_SHOWN	16u
#define BAR_COLUMNS	13u
#define ROW_COLUMNS	48u	/* for the sizes of a row; behind them there is room for the rest of the line */
#define BINS_OF_ROW	3u

/* ---- Numbers of a table ---- */

/* One unit for the bytes of a table: with the exact one, a number can be too wide for its column. */
struct unit {
	const char *name;
	uint64_t bytes;
};

static struct unit unit_for(uint64_t most_bytes)
{
	if (most_bytes < 1000000000)
		return (struct unit){ "KB", 1000 };
	if (most_bytes < 1000000000000)
		return (struct unit){ "MB", 1000000 };
	return (struct unit){ "GB", 1000000000 };
}

/* "1234.567", right-aligned: thousandths of a unit. */
static void write_decimal(struct out *out, uint64_t thousandths, unsigned width)
{
	char buf[32];
	struct out text = out_memory(buf, sizeof(buf));

	text.estimates = out->estimates;
	out_mark(&text);
	out_thousandths(&text, thousandths);
	columns_right(buf, width, out);
}

static void write_number(struct out *out, uint64_t v, unsigned width)
{
	char buf[32];
	struct out text = out_memory(buf, sizeof(buf));

	text.estimates = out->estimates;
	out_figure(&text, v);
	columns_right(buf, width, out);
}

/* share_of(), where in a damaged table a part can be larger than the whole. */
static uint64_t share(uint64_t part, uint64_t whole, unsigned of)
{
	return share_of(part < whole ? part : whole, whole, of);
}

/* Writes the share in percent, with one decimal, right-aligned. */
static void write_percent(struct out *out, uint64_t part, uint64_t whole, unsigned width)
{
	out_tenths(out, share(part, whole, 1000), width);
}

static void write_share(struct out *out, uint64_t part, uint64_t whole)
{
	write_percent(out, part, whole, 0);
	out_text(out, " %");
}

static uint64_t waste_of(const struct histogram_figures *f)
{
	return f->waste > 0 ? (uint64_t)f->waste : 0;
}

static uint64_t memory_of(const struct histogram_figures *f)
{
	return f->size + waste_of(f);
}

/* ---- The tables of the process ---- */

struct table_form {
	const struct histogram *h;
	struct unit unit;
	const char *label;		/* of the first column */
	bool by_memory;			/* the bars show memory, not calls */
	uint64_t most;			/* of what the bars show */
	struct out *out;
};

static uint64_t bar_of(const struct table_form *f, const struct histogram_figures *figures)
{
	return f->by_memory ? memory_of(figures) : figures->calls;
}

static void write_columns_head(const struct table_form *f)
{
	struct out *out = f->out;

	columns_right(f->label, 12, out);
	columns_right("calls", 12, out);
	columns_right("%", 7, out);
	columns_right("live blocks", 12, out);
	columns_right("live ", 9, out);
	out_text(out, f->unit.name);
	if (f->h->waste_known) {
		columns_right("waste ", 9, out);
		out_text(out, f->unit.name);
	}
	out_text(out, f->by_memory ? "  memory\n" : "  calls\n");
}

/* Writes a line behind its first column. bar: whether it has one. */
static void write_figures(const struct table_form *f, const struct histogram_figures *figures, bool bar)
{
	struct out *out = f->out;

	write_number(out, figures->calls, 12);
	write_percent(out, figures->calls, f->h->total.calls, 7);
	write_number(out, figures->count, 12);
	write_decimal(out, figures->size / (f->unit.bytes / 1000), 11);
	if (f->h->waste_known)
		write_decimal(out, waste_of(figures) / (f->unit.bytes / 1000), 11);
	if (bar && bar_of(f, figures)) {
		uint64_t columns = share(bar_of(f, figures), f->most, BAR_COLUMNS);

		out_text(out, "  ");
		out_repeat(out, columns ? '#' : '.', columns ? columns : 1);
	}
	out_char(out, '\n');
}

static void find_most(struct table_form *f, const struct histogram_bin *bins, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t v = bar_of(f, &bins[i].figures);

		f->most = v > f->most ? v : f->most;
	}
}

static void write_sum(const struct table_form *f)
{
	columns_right("all", 12, f->out);
	write_figures(f, &f->h->total, false);
}

static void write_powers(struct table_form *f, struct histogram_bin *bins)
{
	unsigned count = histogram_by_power(f->h, bins);

	f->label = "bytes up to";
	f->by_memory = false;
	find_most(f, bins, count);
	out_text(f->out, "[heaptrace] requested sizes by power of two, of all backtraces\n");
	write_columns_head(f);
	for (unsigned i = 0; i < count; i++) {
		out_u64_wide(f->out, bins[i].to, 12);
		write_figures(f, &bins[i].figures, true);
	}
	write_sum(f);
}

/* What a bin is worth to be shown: those without a bar come last, the ones with the most calls first. */
static uint64_t rank_of(const struct table_form *f, const struct histogram_figures *figures)
{
	uint64_t bar = bar_of(f, figures);

	return bar ? UINT64_MAX / 2 + bar / 2 : figures->calls / 2;
}

/* Keeps the CLASSES_SHOWN bins that rank highest, in their order. Returns how many are kept; *others gets the sum of
 * the others. */
static unsigned keep_largest(const struct table_form *f, struct histogram_bin *bins, unsigned count,
			     struct histogram_figures *others)
{
	struct sort_entry order[SIZES_BUCKETS];
	bool kept[SIZES_BUCKETS] = { false };
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		order[i] = (struct sort_entry){ rank_of(f, &bins[i].figures), i };
	sort_largest(order, count, count < CLASSES_SHOWN ? count : CLASSES_SHOWN);
	for (unsigned i = 0; i < count && i < CLASSES_SHOWN; i++)
		kept[order[i].index] = true;
	for (unsigned i = 0; i < count; i++) {
		if (kept[i]) {
			bins[n++] = bins[i];
			continue;
		}
		histogram_add(others, &bins[i].figures);
	}
	return n;
}

static void write_classes(struct table_form *f, struct histogram_bin *bins)
{
	unsigned count = histogram_by_class(f->h, bins), kept;
	struct histogram_figures others = { .calls = 0 };

	f->label = "block up to";
	f->by_memory = f->h->total.count;
	f->most = 0;
	find_most(f, bins, count);
	kept = keep_largest(f, bins, count, &others);
	out_text(f->out, "[heaptrace] size classes of the allocator");
	if (kept < count) {
		out_text(f->out, ", the ");
		out_u64(f->out, kept);
		out_text(f->out, " largest of ");
		out_u64(f->out, count);
	}
	out_char(f->out, '\n');
	write_columns_head(f);
	for (unsigned i = 0; i < kept; i++) {
		out_u64_wide(f->out, bins[i].block_to, 12);
		write_figures(f, &bins[i].figures, true);
	}
	if (kept < count) {
		columns_right("others", 12, f->out);
		write_figures(f, &others, false);
	}
	write_sum(f);
}

/* Says what the columns of waste count. */
static void write_meaning(const struct histogram *h, struct out *out)
{
	if (!h->waste_known) {
		out_text(out, "[heaptrace] size classes and waste: this allocator does not tell them\n");
		return;
	}
	out_text(out, "[heaptrace] waste: ");
	write_share(out, waste_of(&h->total), memory_of(&h->total));
	if (h->glibc) {
		out_text(out, " of all: rounding, and ");
		out_u64(out, h->header_bytes);
		out_text(out, " bytes of malloc's in each block\n");
	} else {
		out_text(out, " of all: rounding, not what the allocator keeps elsewhere\n");
	}
}

static struct histograms *find(struct text *t)
{
	if (!t->histograms && histogram_is_kept(t->model))
		t->histograms = histograms_find(t->model, t->arena);
	return t->histograms;
}

void text_write_histogram(struct text *t)
{
	const struct histogram *h = histogram_read(find(t), 0);
	struct histogram_bin *bins = h ? histogram_bins(t->histograms) : NULL;
	struct table_form f = { .h = h, .out = t->out };

	if (!bins) {
		out_text(t->out, histogram_is_kept(t->model) ? "[heaptrace] no memory for the histogram of sizes\n" :
			 "[heaptrace] sizes were not counted: start the program with --histogram\n");
		return;
	}
	f.unit = unit_for(memory_of(&h->total));
	write_powers(&f, bins);
	if (h->waste_known) {
		out_char(t->out, '\n');
		write_classes(&f, bins);
	}
	write_meaning(h, t->out);
	out_char(t->out, '\n');
}

/* ---- The lines of a row ---- */

/* Writes "17-32 75.0 %". */
static void write_bin(const struct histogram *h, const struct histogram_bin *b, struct out *out)
{
	out_u64(out, b->from);
	if (b->from != b->to) {
		out_char(out, '-');
		out_u64(out, b->to);
	}
	out_char(out, ' ');
	write_share(out, b->figures.calls, h->total.calls);
}

/* Writes the bins with the most calls, as many as there is room for, and what is left. */
static void write_bins(const struct histogram *h, const struct histogram_bin *bins, unsigned count, struct out *out)
{
	struct sort_entry order[SIZES_BUCKETS];
	uint64_t left = h->total.calls;
	size_t columns = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		order[i] = (struct sort_entry){ bins[i].figures.calls, i };
	sort_largest(order, count, count < BINS_OF_ROW ? count : BINS_OF_ROW);
	for (; n < count && n < BINS_OF_ROW && order[n].key; n++) {
		char text[64];
		struct out bin = out_memory(text, sizeof(text));

		if (n)
			out_text(&bin, ", ");
		write_bin(h, &bins[order[n].index], &bin);
		if (columns + bin.len > ROW_COLUMNS)
			break;
		columns += bin.len;
		out_bytes(out, text, bin.len);
		left -= order[n].key;
	}
	if (left) {
		out_text(out, n ? ", others " : "various ");
		write_share(out, left, h->total.calls);
	}
}

void text_write_row_histogram(struct text *t, const struct model_row *row)
{
	const struct histogram *h = histogram_read(find(t), row->id);
	struct histogram_bin *bins = h ? histogram_bins(t->histograms) : NULL;
	unsigned count;

	if (!bins || (!h->total.calls && !h->total.count))
		return;
	count = histogram_by_bucket(h, bins);
	if (count > BINS_OF_ROW)
		count = histogram_by_power(h, bins);
	out_text(t->out, "    bytes requested: ");
	write_bins(h, bins, count, t->out);
	out_text(t->out, h->is_partial ? " (not all counted)\n" : "\n");
	if (!h->waste_known || !h->total.count)
		return;
	out_text(t->out, "    bytes wasted   : ");
	out_size(t->out, waste_of(&h->total));
	out_text(t->out, ", ");
	write_share(t->out, waste_of(&h->total), memory_of(&h->total));
	out_text(t->out, " of what its live blocks take\n");
}
