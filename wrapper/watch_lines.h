/* SPDX-License-Identifier: GPL-2.0-only */
/* A live view as lines: a line for each look, where standard output is no terminal, and a summary at the end. */
#ifndef WRAPPER_WATCH_LINES_H
#define WRAPPER_WATCH_LINES_H

#include "watch_view.h"

/* Each writes to standard output. False: that cannot be written to. */
bool watch_lines_head(struct watch_view *v);
bool watch_lines_look(struct watch_view *v);
bool watch_lines_summary(struct watch_view *v);

#endif
