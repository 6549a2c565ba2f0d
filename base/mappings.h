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

#define MAPPINGS_LINE_BYTES	1024	/* of a longer line the last part of the path is cut off */

/* One line. The pointers point into the line's text. */
struct mapping {
	uint64_t start, end;
	const char *access;		/* four characters, such as "rw-p"; the rest of the line follows */
	uint64_t offset;
	const char *device;		/* major and minor number in hexadecimal digits, such as "fe:01" */
	size_t device_bytes;		/* the length of the device's text */
	uint64_t inode;			/* 0 if the mapping is not of a file */
	const char *path;		/* "" if there is none; "[heap]" and the like are not files */
};

/* Parses a line without its newline. Returns false if the line does not have the form above. */
bool mapping_parse(const char *line, struct mapping *m);

struct mappings {
	int fd;
	bool failed;			/* mappings_next() returned false because reading failed */
	size_t at, bytes;		/* the next byte of `part`, and the number of bytes in it */
	char part[MAPPINGS_LINE_BYTES], line[MAPPINGS_LINE_BYTES];
};

/* Opens the list of the process pid, or of this process if pid is 0. Returns false, with nothing open, if the
 * list cannot be read. */
bool mappings_open(struct mappings *list, uint32_t pid);

/*
 * The same for /proc/PID/smaps. There each line of the list is followed by lines with figures of the mapping:
 *
 *	Rss:                 132 kB
 *	Swap:                  0 kB
 *	VmFlags: rd wr mr mw me ac
 *
 * To be read by mappings_line(). The kernel makes the figures while they are read, which takes some milliseconds for
 * each GB that is in memory. Meanwhile the process cannot map or unmap anything.
 */
bool mappings_open_figures(struct mappings *list, uint32_t pid);

/* Returns the next line, without its newline; it may be changed and is valid until the next call. NULL at the end. */
char *mappings_line(struct mappings *list);

/* Reads a figure of smaps, in bytes, if the line has that name: "Rss:". Returns false, and leaves *bytes as it is, if
 * the line has another form, or a number that no process can have. */
bool mapping_figure(const char *line, const char *name, uint64_t *bytes);

/* Parses the next line into *m, whose text is valid until the next call. Returns false at the end. */
bool mappings_next(struct mappings *list, struct mapping *m);

void mappings_close(struct mappings *list);

#endif
