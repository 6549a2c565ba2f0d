/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folded stacks, as flame graph tools read them (stackcollapse's output): one line for each
 * backtrace, root first, frames joined by `;`, a space, the weight.
 *
 *	main;load(char const*);operator new(unsigned long);malloc 22704
 *	main;load(char const*);std::vector<int>::reserve(unsigned long) (inlined);malloc 400
 */
#include "analysis/frame.h"
#include "format.h"

/* Writes a name or a path without the character that separates frames. */
static void write_part(struct out *out, const char *text)
{
	out_name_with(out, text, ';', ':');
}

/* Writes call i of a frame. The offset in the function is left out, because it would split the function into many
 * boxes of a flame graph. */
static void write_call(const struct frame *f, unsigned i, struct out *out)
{
	struct frame_call c = frame_call(f, i);

	frame_write_place(f, &c, c.function, write_part, out);
	if (c.inlined)
		out_text(out, " (inlined)");
}

/* Writes the functions of a frame, the outermost first: a function stands before those that are inlined in it. */
static void write_frame(const struct frame *f, struct out *out)
{
	for (unsigned i = f->call_count; i-- > 0; ) {
		write_call(f, i, out);
		if (i)
			out_char(out, ';');
	}
}

static void write_folded(const struct model *m, struct arena *arena, struct out *out)
{
	const struct model_section *s = &m->sections[0];
	struct model_stack stack;

	(void)arena;
	for (uint32_t n = 0; n < s->count; n++) {
		struct model_row row = model_row(m, s, n);

		if (row.overflow)
			out_text(out, MODEL_TABLE_FULL);
		model_stack(m, &row, &stack);
		if (!stack.count && !row.overflow)
			out_text(out, MODEL_ALL_HIDDEN);
		for (unsigned i = stack.count; i-- > 0; ) {
			struct frame f = model_frame(&stack, i);

			write_frame(&f, out);
			if (i)
				out_char(out, ';');
		}
		out_char(out, ' ');
		out_u64(out, row.values[s->key]);
		out_char(out, '\n');
	}
	if (m->totals.partial && m->totals.left_weight) {
		out_text(out, MODEL_NO_ROWS " ");
		out_u64(out, m->totals.left_weight);
		out_char(out, '\n');
	}
}

const struct format folded_format = {
	.name = "folded", .replaces = true, .rows = MODEL_ROWS_WEIGHTS, .sections_max = 1, .write = write_folded,
};
