/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows as a table for spreadsheets: comma-separated values as RFC 4180 has them, in UTF-8, with one line for each
 * backtrace, in the order of the first sort key. doc/formats.md describes the columns.
 *
 *	id,size_bytes,count_blocks,...,threads,user_function,file,line,module,stack
 *	7,22704,43,...,"node 4711","parse(char const*)","src/parse.cc",214,"/usr/bin/node","malloc < parse(char const*) < main"
 *
 * With --pages there are two columns more, "kind" and "resident_bytes", and a line for each backtrace that has mapped
 * something.
 */
#include "format.h"
#include "plain_text.h"
#include "stacks.h"

#include "analysis/frame.h"
#include "analysis/labels.h"
#include "analysis/pages.h"

#include <string.h>

#define ROW_END		"\r\n"		/* RFC 4180, 2.1 */
#define STACK_BYTES	32000u		/* Excel takes 32,767 characters in a cell. A longer stack ends in "..." */

/* The columns of figures, by enum sort_key, each with its unit. */
static const char *const figures[SORT_KEYS] = {
	[SORT_SIZE] = "size_bytes", [SORT_COUNT] = "count_blocks",
	[SORT_PEAK_SIZE] = "peak_size_bytes", [SORT_PEAK_COUNT] = "peak_count_blocks",
	[SORT_HEAP_PEAK] = "heap_peak_bytes",
	[SORT_TOTAL_SIZE] = "total_size_bytes", [SORT_TOTAL_COUNT] = "total_count_calls",
	[SORT_TEMPORARY] = "temporary_calls", [SORT_AGE] = "age_ns",
};

/* Writes a text within a cell, which is in quotes. */
static void write_part(struct out *out, const char *text)
{
	plain_text_write(text, '"', out);
}

/* Begins a cell of text. first: what it begins with. Spreadsheets compute a cell that begins with one of these
 * characters, quoted or not, and a name from the traced program must not become a formula; an apostrophe makes it a text. */
static void begin_text(struct out *out, const char *first)
{
	out_text(out, ",\"");
	if (*first && strchr("=+-@\t\r", *first))
		out_char(out, '\'');
}

/* Writes a cell of text; an empty one for NULL. */
static void write_text(struct out *out, const char *text)
{
	if (!text) {
		out_char(out, ',');
		return;
	}
	begin_text(out, text);
	write_part(out, text);
	out_char(out, '"');
}

/* Writes the cell with the frames, the innermost first. */
static void write_stack(const struct model_stack *stack, struct out *out)
{
	const char *before = "";
	size_t bytes = 0;

	for (unsigned i = 0; i < stack->count && bytes <= STACK_BYTES; i++) {
		struct frame f = model_frame(stack, i);

		for (unsigned at = 0; at < f.call_count && bytes <= STACK_BYTES; at++) {
			struct frame_call call = frame_call(&f, at);
			struct out measure = out_memory(NULL, 0);

			if (!i && !at)
				begin_text(out, call.function ? call.function : f.module && !call.inlined ? f.module : "?");
			out_text(out, before);
			before = " < ";
			frame_write_place(&f, &call, call.function, write_part, &measure);
			bytes += out_length(&measure) + strlen(before);
			if (bytes <= STACK_BYTES)
				frame_write_place(&f, &call, call.function, write_part, out);
			else
				out_text(out, "...");
		}
	}
	out_char(out, '"');
}

static void write_figures(const uint64_t values[SORT_KEYS], struct out *out)
{
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		out_char(out, ',');
		out_u64(out, values[key]);
	}
}

/* Writes the five cells about the one that uses the memory: its function, file, line and module, behind the threads. */
static void write_user(struct labels *l, const struct labels_row *r, struct out *out)
{
	const struct labels_call *user = &r->calls[labels_user(l, r)];
	struct frame_call call = { 0 };
	struct frame f = { 0 };
	uint32_t threads;

	if (r->stack.count) {
		f = model_frame(&r->stack, user->frame);
		call = frame_call(&f, user->call);
	}
	write_text(out, labels_of_threads(l, r->row.threads, &threads) ? l->list[threads].function : NULL);
	write_text(out, call.function);
	write_text(out, call.file);
	out_char(out, ',');
	if (call.line)
		out_u64(out, call.line);
	write_text(out, f.module);
}

/* Writes row n. labels, r: NULL where there was no memory for them, and then its user is left out. */
static void write_row(const struct model *m, uint32_t n, struct labels *labels, struct labels_row *r, struct out *out)
{
	struct model_row row = model_row(m, &m->all, n);
	struct model_stack stack;

	model_stack(m, &row, &stack);
	out_u64(out, row.id);
	write_figures(row.values, out);
	if (labels && labels_read(labels, n, r))
		write_user(labels, r, out);
	else
		out_text(out, ",,,,,");
	if (row.overflow || !stack.count)
		write_text(out, stacks_special_text(row.overflow ? STACKS_TABLE_FULL : STACKS_HIDDEN));
	else
		write_stack(&stack, out);
}

/* Writes what the program has mapped itself, behind the rows of the heap. Its users are in no column but the stack. */
static void write_pages(const struct model *m, const struct pages *p, struct out *out)
{
	for (uint32_t i = 0; i < p->row_count; i++) {
		const struct model_row *row = &p->rows[i].row;
		struct model_stack stack;

		model_stack(m, row, &stack);
		out_u64(out, row->id);
		write_figures(row->values, out);
		out_text(out, ",,,,,");
		if (stack.count)
			write_stack(&stack, out);
		else
			write_text(out, stacks_special_text(row->overflow ? STACKS_TABLE_FULL : STACKS_HIDDEN));
		out_text(out, ",mapped,");
		if (p->looked)
			out_u64(out, p->rows[i].resident);
		out_text(out, m->sample_bytes ? ",0" ROW_END : ROW_END);
	}
}

/* Of a sampled run a last column says that the row's figures are estimates: spreadsheets would take ~12 for a text. */
static void end_row(uint64_t sample_bytes, const char *kind, struct out *out)
{
	out_text(out, kind);
	if (sample_bytes) {
		out_char(out, ',');
		out_u64(out, sample_bytes);
	}
	out_text(out, ROW_END);
}

static void write_csv(const struct model *m, struct arena *arena, struct out *out)
{
	struct labels_row *r = arena_alloc_plenty(arena, sizeof(*r));
	struct labels labels;
	bool have_labels = r && labels_init(&labels, m, arena);
	const struct pages *pages = pages_find(m, arena);
	const char *end = pages ? ",heap," : "";
	uint64_t rest[SORT_KEYS];

	out_text(out, "id");
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		out_char(out, ',');
		out_text(out, figures[key]);
	}
	out_text(out, ",threads,user_function,file,line,module,stack");
	out_text(out, pages ? ",kind,resident_bytes" : "");
	out_text(out, m->sample_bytes ? ",estimated_from_one_in_bytes" ROW_END : ROW_END);
	for (uint32_t n = 0; n < m->all.count; n++) {
		write_row(m, n, have_labels ? &labels : NULL, r, out);
		end_row(m->sample_bytes, end, out);
	}
	if (stacks_rest(m, true, rest)) {
		write_figures(rest, out);
		out_text(out, ",,,,,");
		write_text(out, stacks_special_text(STACKS_NO_MEMORY));
		end_row(m->sample_bytes, end, out);
	}
	if (pages)
		write_pages(m, pages, out);
}

const struct format csv_format = {
	.name = "csv", .replaces = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_csv,
};
