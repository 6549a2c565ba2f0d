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
	if (!c->file)
		return;
	out_text(out, " at ");
	out_name(out, c->file);
	out_char(out, ':');
	if (c->line)
		out_u64(out, c->line);
	else
		out_char(out, '?');
}
