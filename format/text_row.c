/* SPDX-License-Identifier: GPL-2.0-only */
/* The head line of a row in a text dump: see text.h. */
#include "text.h"

/* Keys whose value the fixed columns do not show get a column of their own. */
static void write_key_column(const struct model_row *row, enum sort_key key, struct out *out)
{
	if (key != SORT_HEAP_PEAK && key != SORT_TOTAL_SIZE && key != SORT_TOTAL_COUNT &&
	    key != SORT_TEMPORARY)
		return;
	out_text(out, " [");
	out_text(out, options_sort_name(key));
	out_text(out, ": ");
	if (key == SORT_HEAP_PEAK || key == SORT_TOTAL_SIZE)
		out_size(out, row->values[key]);
	else
		out_u64(out, row->values[key]);
	out_char(out, ']');
}

void text_write_row(const struct text *t, const struct model_section *s, const struct model_row *row, uint32_t number)
{
	struct out *out = t->out;

	out_text(out, "=== backtrace #");
	out_u64(out, number);
	out_text(out, " === [count/peak: ");
	out_u64(out, row->values[SORT_COUNT]);
	out_char(out, '/');
	out_u64(out, row->values[SORT_PEAK_COUNT]);
	out_text(out, "] [size/peak: ");
	out_size(out, row->values[SORT_SIZE]);
	out_char(out, '/');
	out_size(out, row->values[SORT_PEAK_SIZE]);
	out_text(out, "] [age: ");
	out_time(out, row->values[SORT_AGE]);
	out_char(out, ']');
	write_key_column(row, s->key, out);
	out_char(out, '\n');
}
