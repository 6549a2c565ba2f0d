/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folded stacks, as flame graph tools read them (stackcollapse's output): one line per
 * backtrace, root first, frames joined by `;`, a space, the weight.
 *
 *	main;load(char const*);operator new(unsigned long);malloc 22704
 *	main;load(char const*);std::vector<int>::reserve(unsigned long) (inlined);malloc 400
 */
#include "analysis/model.h"

/* Names and paths without the character that separates frames. */
static void write_part(struct out *out, const char *text)
{
	out_name_with(out, text, ';', ':');
}

/* No offset behind a name: it would split one function into many boxes. */
static void write_line(const struct report *r, const struct name *name, unsigned line,
		       struct out *out)
{
	const char *function = names_function(name, line);
	bool inlined = names_inlined(name, line);

	if (function) {
		write_part(out, function);
	} else if (!name || !name->module || inlined) {
		out_char(out, '?');
	} else {
		write_part(out, names_module(&r->names, name->module));
		out_text(out, " (+");
		out_hex(out, name->pc - name->module->bias);
		out_char(out, ')');
	}
	if (inlined)
		out_text(out, " (inlined)");
}

/* Outermost first: a function, then what is inlined in it. */
static void write_frame(const struct report *r, const struct name *name, struct out *out)
{
	for (unsigned line = names_lines(name); line-- > 0; ) {
		write_line(r, name, line, out);
		if (line)
			out_char(out, ';');
	}
}

static void write_folded(struct report *r, struct out *out)
{
	const struct report_section *s = &r->sections[0];

	for (uint32_t n = 0; n < s->count; n++) {
		uint32_t row = r->view.rows[s->rows[n].index].row;
		const uint32_t *codes = r->names.codes;
		unsigned count = table_frames(r->request->table, row, r->names.codes);

		if (row == ROW_OVERFLOW)
			out_text(out, "(table full)");
		for (unsigned i = count; i-- > 0; ) {
			write_frame(r, names_find(&r->names, codes, i), out);
			if (i)
				out_char(out, ';');
		}
		out_char(out, ' ');
		out_u64(out, s->rows[n].key);
		out_char(out, '\n');
	}
	if (r->view.cut && r->view.left_value) {
		out_text(out, "(no memory for more backtraces) ");
		out_u64(out, r->view.left_value);
		out_char(out, '\n');
	}
}

const struct report_writer report_folded = {
	.name = "folded", .replaces = true, .all_rows = true, .sections_max = 1,
	.write = write_folded,
};
