/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that the kernel has of each process: /proc/PID/NAME (proc(5)). Async-signal-safe; errno is not kept. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdint.h>

#define PROC_PATH_BYTES	32	/* of a path with a name of at most 14 bytes */

/* Writes the path of a file: "/proc/4711/maps" or, if pid is 0, "/proc/self/maps". */
void proc_path(char path[PROC_PATH_BYTES], uint32_t pid, const char *name);

/* Opens the file for reading, by safe_open_read() (safe_open.h). Returns -1 on failure. */
int proc_open(uint32_t pid, const char *name);

#endif
