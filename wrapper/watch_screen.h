/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Draws a live view on a terminal:
 *
 *	heaptrace  python3 (4711)  1 min 12 secs                              every 1 s
 *	live  12.345 MB   +1.234 MB/s   in 123456 blocks   +120/s   peak 13.000 MB
 *	calls 1234567  12345/s   temporary 12.3 %   RSS 23.456 MB   peak RSS 25.000 MB
 *	heap  ▁▁▂▂▃▃▄▄▅▅▆▆▇▇██  whole run, max 13.000 MB
 *	      size    growth/s    count   more/s  function
 *	...
 *	s sort  g group  / filter  Enter stack  p pause ...
 */
#ifndef WRAPPER_WATCH_SCREEN_H
#define WRAPPER_WATCH_SCREEN_H

#include "watch_view.h"

/* Makes the list of items, if that is due (v->changed), and draws the page that is shown. */
void watch_screen_draw(struct watch_view *v, struct terminal *t);

/* Draws a message in the last line, while something takes time. */
void watch_screen_say(struct terminal *t, const char *text);

#endif
