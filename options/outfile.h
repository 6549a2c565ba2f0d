/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file names of --outfile and --record: templates with placeholders, or names like /dev/stdout that stand
 * for a descriptor which is open already.
 *
 * Async-signal-safe. Any thread may call these functions.
 */
#ifndef OPTIONS_OUTFILE_H
#define OPTIONS_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options;

/* Whether an outfile template has the placeholder %n, so that each dump has a file of its own. */
bool outfile_is_numbered(const char *template);

/*
 * Expands an outfile template: %p is the pid, %c the command, %n the number, %% a percent sign; any other
 * %x stays as it is. A `/` inside the command becomes `_`. If the template has no %p and add_pid is set, ".PID"
 * is appended. The template `-` (standard output) stays as it is. The result is always terminated. False: it had
 * no room, and was cut.
 */
bool outfile_expand(const char *template, uint32_t pid, const char *command, uint32_t number,
		     bool add_pid, char *buf, size_t size_bytes);

/*
 * If o->outfile stands for an open descriptor, makes that explicit, so that all processes of the run write to the
 * same file: standard output becomes "-", standard error becomes NULL (the default), and any other descriptor is
 * noted in o->outfile_is as "NUMBER.DEVICE.INODE", a text that lies in `text`. The format that the ending of the name
 * has chosen is kept in o->format. To be called once, in the process that begins the run.
 */
#define OUTFILE_TEXT_BYTES	64
void outfile_resolve(struct options *o, char text[OUTFILE_TEXT_BYTES]);

/* Notes an open descriptor in o->outfile_is. False: it is not open. */
bool outfile_set_descriptor(struct options *o, int fd, char text[OUTFILE_TEXT_BYTES]);

/* The descriptor that o->outfile_is names; -1: there is none, or it is closed or another file by now. */
int outfile_descriptor(const struct options *o);

#endif
