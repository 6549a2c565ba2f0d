/* SPDX-License-Identifier: GPL-2.0-only */
/* The frames of a row in a text dump: see text.h. */
#include "text.h"

#include "analysis/frame.h"
#include "shorten.h"

#include <string.h>

#define ADDRESS_WIDTH	14	/* 0x and a 47-bit address */
#define HEAD_WIDTH	(2 + 2 + ADDRESS_WIDTH + 2)	/* " 0 [0x7fe72e46476c] " */
#define NAME_COLUMNS	40u	/* a name gets at least so many, even if a long path follows */
#define OFFSET_COLUMNS	40u	/* an offset takes less */
#define PATH_BYTES	512	/* columns behind these bytes of a path are not counted */
#define NAME_BYTES	((size_t)64 << 10)	/* a longer name is not shortened */
#define WORK_BYTES	((size_t)4 << 10)	/* work space is allocated in multiples of this */

/* The columns of the part of the line that follows the name. */
static size_t rest_columns(const struct frame_call *c)
{
	char buf[PATH_BYTES];
	struct out out;

	out = out_memory(buf, sizeof(buf));
	frame_write_rest(c, &out);
	return shorten_columns(out.buf, out.len);
}

/* Copies a name to the work space, where it may be changed. NULL: there is no memory. */
static char *copy_name(struct text *t, const char *name, size_t len)
{
	if (len >= t->work_bytes) {
		size_t bytes = (len + WORK_BYTES) & ~(WORK_BYTES - 1);
		char *work = arena_alloc(t->arena, bytes);

		if (!work)
			return NULL;
		t->work = work;
		t->work_bytes = bytes;
	}
	return memcpy(t->work, name, len + 1);
}

/* The function of a call. It is shortened where the line would else take more than its columns, as far as that is
 * possible. */
static const char *shortened(struct text *t, const struct frame_call *c)
{
	size_t len = strlen(c->function), columns = t->columns - HEAD_WIDTH, rest;
	char *name;

	if (len + OFFSET_COLUMNS <= columns && !c->file)
		return c->function;
	rest = rest_columns(c);
	columns = columns > rest && columns - rest > NAME_COLUMNS ? columns - rest : NAME_COLUMNS;
	name = len > columns && len < NAME_BYTES ? copy_name(t, c->function, len) : NULL;
	if (!name)
		return c->function;
	shorten(name, columns);
	return name;
}

void text_write_frames(struct text *t, const struct model_row *row)
{
	struct model_stack stack;
	unsigned number = 0;

	if (row->overflow)
		out_text(t->out, "(table full)\n");
	model_stack(t->model, row, &stack);
	if (!stack.count && !row->overflow)
		out_text(t->out, "(all frames are hidden)\n");
	for (unsigned i = 0; i < stack.count; i++) {
		struct frame f = model_frame(&stack, i);

		for (unsigned at = 0; at < f.call_count; at++) {
			struct frame_call c = frame_call(&f, at);

			out_u64_wide(t->out, number++, 2);
			out_text(t->out, " [");
			out_hex_wide(t->out, f.pc, ADDRESS_WIDTH);
			out_text(t->out, "] ");
			frame_write_place(&f, &c, c.function && t->columns ? shortened(t, &c) : c.function,
					  out_name, t->out);
			frame_write_rest(&c, t->out);
			out_char(t->out, '\n');
		}
	}
}
