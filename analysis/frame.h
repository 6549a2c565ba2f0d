/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame's line as text dumps print it. The rules of --ignore match these lines, so analysis/ owns their
 * form: "operator new(unsigned long) +0x6", "<signal handler called>", "/usr/bin/node (+0xf27811)", "?",
 * "f(int) (inlined) at src/f.h:12". Async-signal-safe.
 */
#ifndef ANALYSIS_FRAME_H
#define ANALYSIS_FRAME_H

#include "base/out.h"
#include "model.h"

/* Writes the function or, where that is not known, the module with the offset in brackets, or "?". function: the
 * function of the call, or a shorter form of its name; NULL: it is not known. write_name: writes a name or a path, as
 * out_name() does. */
void frame_write_place(const struct frame *f, const struct frame_call *c, const char *function,
		       void (*write_name)(struct out *, const char *), struct out *out);

/* Writes the rest of the line: the offset in the function or "(inlined)", the file and the line. */
void frame_write_rest(const struct frame_call *c, struct out *out);

/* Writes " at FILE:LINE", and `?` for a line of 0, which is not known. file: NULL, and nothing is written, where the
 * place in the source is not known. */
void frame_write_source(const char *file, uint32_t line, struct out *out);

#endif
