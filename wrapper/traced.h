/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the table of a process that runs can be read, or written. The process does not notice: no signal is sent, and
 * but for traced_open_to_write() nothing is opened for writing. */
#ifndef WRAPPER_TRACED_H
#define WRAPPER_TRACED_H

#include "table/load.h"

struct traced {
	int fd;			/* for load_table(); -1: it could not be opened */
	uint64_t start;
};

/*
 * Opens the memory of the process, /proc/PID/mem (proc(5)), and finds the table there. Where the rights do not suffice
 * for that, traced_open_file(). Where the process has the library but no table yet, as it has just been started, the
 * call waits for the table, a second at most. The caller closes place->fd, whatever the result is. If that is
 * LOAD_CANNOT_READ, errno says why.
 */
enum load_status traced_open(struct traced *place, uint32_t pid);

/*
 * Opens the file or memfd that holds the table of a process, to be read from offset 0. To read there takes none of the
 * locks of the process. /proc/PID/maps has a line for it like
 *	"7f1c2a000000-7f1c52000000 rw-s 00000000 00:01 1234567   /memfd:heaptrace (deleted)".
 * That takes the rights to read /proc/PID/maps, and for a memfd those to read /proc/PID/fd of the watcher. -1: the
 * table is in neither of them, or they cannot be opened.
 */
int traced_open_file(uint32_t pid);

/* Opens the table of a process for reading and writing: the file or memfd that holds it (then place->start is 0), or
 * else the process's memory. Waits for a table, and returns, as traced_open() does; the caller closes place->fd. */
enum load_status traced_open_to_write(struct traced *place, uint32_t pid);

/* Copies the table of a process. It tries again where the process has ended during the copy, or become another program.
 * If the result is LOAD_CANNOT_READ, errno says why. */
enum load_status traced_load(struct table *t, uint32_t pid);

/* Why traced_open() or traced_load() did not succeed, in words. error: errno. */
const char *traced_why_not(enum load_status status, int error);

#endif
