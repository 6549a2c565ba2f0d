/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program has mapped itself (--pages), behind the last section of a text dump:
 *
 *	[heaptrace] mapped pages                 : 12.345 MB in 12 mappings by 3 backtraces, peak 20.000 MB
 *	[heaptrace] of these resident            : 3.000 MB
 *	=== mapping #1 === [count/peak: 3/4] [size/peak: 12.288 MB/16.384 MB] [resident: 2.992 MB] [age: 1.5 secs] [share: 99.5 %]
 *	 0 [   ] mmap (anonymous)
 *	 ...
 *	[heaptrace] mapped by others             :       size   resident
 *	[heaptrace] - libraries                  :   3.210 MB   2.100 MB
 */
#include "text_report.h"

#include "analysis/pages.h"

#define FIGURE_WIDTH	11u
#define HEAD_WIDTH	29u

static void write_row(struct text *t, const struct pages *p, const struct pages_row *r, uint32_t number)
{
	const uint64_t *v = r->row.values;
	struct out *out = t->out;

	out_text(out, "=== mapping #");
	out_u64(out, number);
	out_text(out, " === [count/peak: ");
	out_u64(out, v[SORT_COUNT]);
	out_char(out, '/');
	out_u64(out, v[SORT_PEAK_COUNT]);
	out_text(out, "] [size/peak: ");
	out_size(out, v[SORT_SIZE]);
	out_char(out, '/');
	out_size(out, v[SORT_PEAK_SIZE]);
	if (p->looked) {
		out_text(out, "] [resident: ");
		out_size(out, r->resident);
	}
	out_text(out, "] [age: ");
	out_time(out, v[SORT_AGE]);
	out_text(out, "] [share: ");
	out_share(out, v[SORT_SIZE], p->size);
	out_text(out, "]\n");
	text_write_frames(t, &r->row);
	out_char(out, '\n');
}

static void write_width(struct out *out, uint64_t bytes)
{
	char buf[32];
	struct out text = out_memory(buf, sizeof(buf));

	out_size(&text, bytes);
	columns_right(out_string(&text), FIGURE_WIDTH, out);
}

static void write_line(struct out *out, const char *name, uint64_t size, uint64_t resident)
{
	char buf[64];
	struct out head = out_memory(buf, sizeof(buf));

	out_text(&head, "- ");
	out_text(&head, name);
	if (head.len < HEAD_WIDTH)
		out_repeat(&head, ' ', HEAD_WIDTH - head.len);
	text_line(out, out_string(&head));
	write_width(out, size);
	write_width(out, resident);
	out_char(out, '\n');
}

static void write_others(const struct pages *p, struct out *out)
{
	uint64_t size = p->size - p->stale, resident = p->resident;

	text_line(out, "everything that is mapped    ");
	columns_right("size", FIGURE_WIDTH, out);
	columns_right("resident", FIGURE_WIDTH, out);
	out_char(out, '\n');
	write_line(out, "these mappings", size, resident);
	for (unsigned i = 0; i < PAGES_OTHERS; i++) {
		const struct pages_sum *sum = &p->others[i];

		size += sum->size;
		resident += sum->resident;
		if (sum->size)
			write_line(out, pages_other_name((enum pages_other)i), sum->size, sum->resident);
	}
	write_line(out, "together", size, resident);
}

void text_write_pages(struct text *t)
{
	const struct pages *p = pages_find(t->model, t->arena);
	struct out *out = t->out;
	uint32_t top = t->model->options->top;

	if (!p) {
		if (t->model->options->pages)
			out_text(out, t->model->moment.attached ?
				 "[heaptrace] mapped pages: not recorded; --pages has to be given with --pid\n" :
				 "[heaptrace] mapped pages: not recorded; --pages has to be given when the program is started\n");
		return;
	}
	text_line(out, "mapped pages                 ");
	out_size(out, p->size);
	out_text(out, " in ");
	out_count(out, p->count, " mapping by ", " mappings by ");
	out_count(out, p->live_rows, " backtrace", " backtraces");
	out_text(out, ", peak ");
	out_size(out, p->peak_size);
	out_char(out, '\n');
	if (p->missed) {
		text_line(out, "mapped, but not recorded     ");
		out_size(out, p->missed);
		out_char(out, '\n');
	}
	if (p->stale) {
		text_line(out, "of these unmapped unseen     ");
		out_size(out, p->stale);
		out_char(out, '\n');
	}
	for (uint32_t i = 0; !t->model->options->brief && i < p->live_rows && (!top || i < top); i++)
		write_row(t, p, &p->rows[i], i + 1);
	if (p->looked)
		write_others(p, out);
}
