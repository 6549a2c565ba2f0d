/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's list of what a process has mapped, /proc/PID/maps (proc(5)), line by line:
 *
 *	7f1c2a000000-7f1c2a021000 rw-p 00000000 00:00 0
 *	55d0c0a02000-55d0c0b95000 r-xp 00002000 fe:01 1234567    /usr/bin/perl
 *	start        end          access offset device inode     path
 *
 * Async-signal-safe; errno is not kept. A struct mappings belongs to one user at a time.
 */
#ifndef BASE_MAPPINGS_H
#define BASE_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAPPINGS_LINE_BYTES	1024	/* what is longer is cut at its end: a part of the path */

/* One line. The pointers lead into the line's text. */
struct mapping {
	uint64_t start, end;
	const char *access;		/* four characters, such as "rw-p", and more text behind them */
	uint64_t offset;
	const char *device;		/* major and minor number in hexadecimal digits, such as "fe:01"... */
	size_t device_bytes;		/* ...which are so long */
	uint64_t inode;			/* 0: no file */
	const char *path;		/* "": none; "[heap]" and the like are no files */
};

/* Takes apart a line without its newline. False: it does not look like one. */
bool mapping_parse(const char *line, struct mapping *m);

struct mappings {
	int fd;
	bool failed;			/* the end came because reading failed */
	size_t at, bytes;		/* of `part`: how far it has been taken, and how much of it there is */
	char part[MAPPINGS_LINE_BYTES], line[MAPPINGS_LINE_BYTES];
};

/* Opens the list of a process; pid 0: of this one. False: it cannot be read, and nothing is open. */
bool mappings_open(struct mappings *list, uint32_t pid);

/* The next line; its text stays until the next call. False: there are no more. */
bool mappings_next(struct mappings *list, struct mapping *m);

void mappings_close(struct mappings *list);

#endif
