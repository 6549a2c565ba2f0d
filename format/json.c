/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One JSON document: who the process is, the totals, and the backtraces with their figures.
 *
 *	{"format":"heaptrace","pid":4711,"command":"node","dump":1,"size":22704,"count":43,"backtraces":[
 *	{"size":22704,"count":43,"frames":[{"address":"0x7fe72e46476c","function":"malloc"}]}]}
 *
 * The writer belongs to the wrapper and the watcher: the traced process never uses this format itself.
 */
#include "analysis/model.h"

/* A text in quotes; bytes that may not stand there are written as a question mark. */
static void write_string(struct out *out, const char *text)
{
	out_char(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			out_char(out, '\\');
		out_char(out, c < 0x20 || c > 0x7e ? '?' : (char)c);
	}
	out_char(out, '"');
}

static void write_number(struct out *out, const char *name, uint64_t value)
{
	out_char(out, '"');
	out_text(out, name);
	out_text(out, "\":");
	out_u64(out, value);
	out_char(out, ',');
}

static void write_frames(struct report *r, uint32_t row, struct out *out)
{
	const uint32_t *codes = r->names.codes;
	unsigned count = table_frames(r->request->table, row, r->names.codes);

	for (unsigned i = 0; i < count; i++) {
		const struct name *name = names_find(&r->names, codes, i);
		const char *function = names_function(name, 0);

		out_text(out, i ? ",{\"address\":\"" : "{\"address\":\"");
		out_hex(out, name ? name->pc : 0);
		out_text(out, "\",\"function\":");
		write_string(out, function ? function : "?");
		out_char(out, '}');
	}
}

static void write_json(struct report *r, struct out *out)
{
	const struct report_section *s = &r->sections[0];

	out_text(out, "{\"format\":\"heaptrace\",\"command\":");
	write_string(out, r->request->process.command);
	out_char(out, ',');
	write_number(out, "pid", r->request->process.pid);
	write_number(out, "dump", r->request->table->head->dumps + 1);
	write_number(out, "size", r->live_size);
	write_number(out, "count", r->live_rows);
	out_text(out, "\"sort\":");
	write_string(out, options_sort_name(s->key));
	out_text(out, ",\"backtraces\":[");
	for (uint32_t n = 0; n < s->count; n++) {
		const struct view_row *row = &r->view.rows[s->rows[n].index];

		out_text(out, n ? ",\n{" : "\n{");
		write_number(out, "size", row->counters.live_size);
		write_number(out, "count", row->counters.live_count);
		out_text(out, "\"frames\":[");
		write_frames(r, row->row, out);
		out_text(out, "]}");
	}
	out_text(out, "]}\n");
}

const struct report_writer report_json = {
	.name = "json", .replaces = true, .sections_max = 1, .by_reporter = true,
	.write = write_json,
};
