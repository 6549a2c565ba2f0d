/* SPDX-License-Identifier: GPL-2.0-only */
/* --report=FILE: a dump from what --record=FILE has kept; --dump=PID: of a process that runs. */
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
 * Prints one dump of the process o->dump, likewise, from a copy of its table: it is not stopped
 * and learns nothing of it. Who may do that is proc(5)'s rule for /proc/PID/mem; else, where the
 * table is in a file or a watcher holds it, that for /proc/PID/maps and /proc/PID/fd.
 */
const char *playback_process(struct options *o);

#endif
