/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a report of what a live view watches to a file, as --dump=PID or --report=FILE with --outfile do. A child
 * process writes it, so that the view goes on meanwhile, and so that messages do not get onto the screen.
 */
#ifndef WRAPPER_WATCH_REPORT_H
#define WRAPPER_WATCH_REPORT_H

#include "watch_view.h"

/* Begins to write the report to this file. What becomes of it will be in v->message. */
void watch_report_begin(struct watch_view *v, const char *file);

/* To be called when v->writer_fd is readable. */
void watch_report_work(struct watch_view *v);

#endif
