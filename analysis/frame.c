/* SPDX-License-Identifier: GPL-2.0-only */
/* See frame.h. */
#include "frame.h"

void frame_write_place(const struct frame *f, const struct frame_call *c, const char *function,
		       void (*write_name)(struct out *, const char *), struct out *out)
{
	if (function) {
		write_name(out, function);
	} else if (!f->module || c->inlined) {
		out_char(out, '?');
	} else {
		write_name(out, f->module);
		out_text(out, " (+");
		out_hex(out, f->module_offset);
		out_char(out, ')');
	}
}

void frame_write_rest(const struct frame_call *c, struct out *out)
{
	if (c->inlined) {
		out_text(out, " (inlined)");
	} else if (c->function && c->offset != FRAME_NO_OFFSET) {
		out_text(out, " +");
		out_hex(out, c->offset);
	}
	frame_write_source(c->file, c->line, out);
}

void frame_write_source(const char *file, uint32_t line, struct out *out)
{
	if (!file)
		return;
	out_text(out, " at ");
	out_name(out, file);
	out_char(out, ':');
	if (line)
		out_u64(out, line);
	else
		out_char(out, '?');
}
