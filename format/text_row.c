/* SPDX-License-Identifier: GPL-2.0-only */
/* The head line of a row in a text dump: see text.h. */
#include "text.h"

/* The sum of the key's figures over all rows, listed or not; 0: there is no sum that means anything, or it is not
 * known. */
static uint64_t whole(const struct model *m, enum sort_key key)
{
	const struct model_totals *t = &m->totals;

	if (key == SORT_SIZE)
		return t->size;
	if (t->partial)
		return 0;
	return key == SORT_COUNT ? t->count : key == SORT_HEAP_PEAK ? t->heap_peak :
	       key == SORT_TOTAL_SIZE ? t->total_size : key == SORT_TOTAL_COUNT ? t->total_count :
	       key == SORT_TEMPORARY ? t->temporary : 0;
}

/* Keys whose value the fixed columns do not show get a column of their own. */
static void write_key_column(const struct model_row *row, enum sort_key key, struct out *out)
{
	if (key != SORT_HEAP_PEAK && key != SORT_TOTAL_SIZE && key != SORT_TOTAL_COUNT &&
	    key != SORT_TEMPORARY)
		return;
	out_text(out, " [");
	out_text(out, options_sort_name(key));
	out_text(out, ": ");
	text_write_value(key, row->values[key], out);
	if (key == SORT_TEMPORARY) {
		out_text(out, " of ");
		out_mark(out);
		out_count(out, row->values[SORT_TOTAL_COUNT], " call, ", " calls, ");
		out_share(out, row->values[key], row->values[SORT_TOTAL_COUNT]);
	}
	out_char(out, ']');
}

/* Writes " [thread: redis 4711]", " [threads: redis 4711, bio_aof 4713]" or " [threads: many]", unless the main thread is
 * alone. */
static void write_threads(const struct model *m, const struct model_row *row, struct out *out)
{
	struct model_threads threads;

	model_threads(m, row->threads, &threads);
	if (threads.main_alone || (!threads.many && !threads.count))
		return;
	out_text(out, threads.many || threads.count > 1 ? " [threads: " : " [thread: ");
	if (threads.many)
		out_text(out, "many");
	for (unsigned i = 0; i < threads.count && !threads.many; i++) {
		if (i)
			out_text(out, ", ");
		out_name(out, threads.list[i].name);
		if (threads.list[i].name[0])
			out_char(out, ' ');
		out_u64(out, threads.list[i].id);
	}
	out_char(out, ']');
}

/* Writes the row's share of the whole and, from the second row on, that of all rows so far. */
static void write_share(struct text *t, const struct model_row *row, enum sort_key key)
{
	uint64_t all = whole(t->model, key);
	bool first = !t->so_far;

	t->so_far += row->values[key];
	if (!all)
		return;
	out_text(t->out, " [share: ");
	out_share(t->out, row->values[key], all);
	if (!first) {
		out_text(t->out, ", ");
		out_share(t->out, t->so_far, all);
		out_text(t->out, " so far");
	}
	out_char(t->out, ']');
}

void text_write_row(struct text *t, const struct model_section *s, const struct model_row *row, uint32_t number)
{
	struct out *out = t->out;

	out_text(out, "=== backtrace #");
	out_u64(out, number);
	out_text(out, " === [count/peak: ");
	out_figure(out, row->values[SORT_COUNT]);
	out_char(out, '/');
	out_figure(out, row->values[SORT_PEAK_COUNT]);
	out_text(out, "] [size/peak: ");
	out_size(out, row->values[SORT_SIZE]);
	out_char(out, '/');
	out_size(out, row->values[SORT_PEAK_SIZE]);
	out_text(out, "] [age: ");
	out_time(out, row->values[SORT_AGE]);
	out_char(out, ']');
	write_threads(t->model, row, out);
	write_key_column(row, s->key, out);
	write_share(t, row, s->key);
	out_char(out, '\n');
}
