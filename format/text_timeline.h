/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The graphs of --timeline: the live heap over the run and, where the watcher has looked at the process, its RSS. They
 * are as wide as the terminal, or 80 columns. In a locale with UTF-8 the columns end in block characters, which show
 * eighths of a line, and otherwise in ASCII characters. The process that holds the table writes them, never the traced
 * one.
 */
#ifndef FORMAT_TEXT_TIMELINE_H
#define FORMAT_TEXT_TIMELINE_H

#include "text.h"

/* Writes the graphs, or a line that says why there are none. */
void text_write_timeline(const struct text *t);

#endif
