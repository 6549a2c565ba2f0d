/* SPDX-License-Identifier: GPL-2.0-only */
/* --report=FILE prints a dump from the file that --record=FILE has kept, --dump=PID one of a process that runs. */
#ifndef WRAPPER_PLAYBACK_H
#define WRAPPER_PLAYBACK_H

#include "options/options.h"

/*
 * Prints one dump of the file o->report, of a process that is gone or one that runs, to standard
 * output or o->outfile. Returns NULL or what is wrong with the file, in words; "" when that has
 * been said already. *o's run is changed: the outfile is exactly the one named.
 */
const char *playback(struct options *o);

/*
 * Prints one dump of the process o->dump, likewise, from a copy of its table: the process is not stopped
 * and does not notice. The rights that this takes are those to read /proc/PID/mem (proc(5)), or, where the
 * table is in a file or a watcher holds it, those to read /proc/PID/maps and /proc/PID/fd.
 */
const char *playback_process(struct options *o);

#endif
