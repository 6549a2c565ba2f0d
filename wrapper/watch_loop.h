/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --watch: a live view of a process that runs, or of a file of --record.
 *
 * On a terminal it is a screen that keys act on (watch_screen.h), until the user quits or the process ends, when a
 * summary is printed. Elsewhere, and where TERM says that the terminal knows no control sequences, each look is a line.
 * The looks are o->interval_ms apart, or further where they would take more than a twentieth of a processor.
 */
#ifndef WRAPPER_WATCH_LOOP_H
#define WRAPPER_WATCH_LOOP_H

#include "watch_source.h"

/* Shows what o->watch names. Returns NULL at the end, or in words why that is not possible. */
const char *watch_loop(const struct options *o);

#endif
