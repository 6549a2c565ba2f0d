/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command --control=PID COMMAND...: tells a process that runs what to record from now on.
 *
 * The commands go through the table of the process (struct table_control in table/table.h), which is written in its
 * memfd or file, or else in the memory of the process. No signal is sent, and nothing is stopped: the process looks at
 * the table when it next allocates, and obeys then.
 *
 * Controllers take turns, by flock(2) on what they write to. A controller that is killed leaves either no command or a
 * whole one.
 */
#ifndef WRAPPER_CONTROL_H
#define WRAPPER_CONTROL_H

#include <stdint.h>

/* Carries the commands out, one after the other, and ends the wrapper: with 0 when all have been taken over by the
 * process, or the last one waits for its next allocation, which a line says. */
_Noreturn void control_process(uint32_t pid, int count, char **commands);

#endif
