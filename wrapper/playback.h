/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands --report=FILE, which prints a dump from a file of --record, and --dump=PID, which prints one of a
 * process that runs. */
#ifndef WRAPPER_PLAYBACK_H
#define WRAPPER_PLAYBACK_H

#include "options/options.h"

/*
 * Prints one dump of the process whose table is in the file o->report, to standard output or o->outfile. The process
 * may have ended or run. Returns NULL, or in words why the file cannot be reported, or "" if that has been printed
 * already. Changes o->outfile, and o->run, so that the outfile is exactly the one named, without a process number.
 */
const char *playback(struct options *o);

/*
 * Does the same for the process o->dump, from a copy of its table: the process is not stopped and does not notice.
 * That takes the rights to read /proc/PID/mem (proc(5)). Where the table is in a file, or a watcher holds it, the
 * rights to read /proc/PID/maps and /proc/PID/fd suffice.
 */
const char *playback_process(struct options *o);

#endif
