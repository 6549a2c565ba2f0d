/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The name that --outfile and --record give: a template with placeholders, or a name that stands
 * for a descriptor that is open already.
 *
 * Async-signal-safe, for any thread.
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
 * Expands an outfile template: %p pid, %c command, %n number, %% a percent sign; any other
 * %x stays as it is; a `/` inside command becomes `_`. When the template has no %p and
 * add_pid is set, ".PID" is appended. The template `-` (standard output) stays as it is. Always
 * terminated. Returns false when it did not fit. Async-signal-safe.
 */
bool outfile_expand(const char *template, uint32_t pid, const char *command, uint32_t number,
		     bool add_pid, char *buf, size_t size_bytes);

/*
 * Where o->outfile stands for an open descriptor, makes that explicit, so that all processes of the
 * run mean the same file: standard output becomes "-", standard error becomes NULL (the default), and
 * any other number is noted in o->outfile_is as "NUMBER.DEVICE.INODE", which lies in text. To be called
 * once, in the process that begins the run.
 */
#define OUTFILE_TEXT_BYTES	64
void outfile_resolve(struct options *o, char text[OUTFILE_TEXT_BYTES]);

/* The descriptor that o->outfile_is notes, if it is still open and the same file; else -1. */
int outfile_descriptor(const struct options *o);

#endif
