/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where --watch has its figures from: the table of a process that runs, or a file of --record, of which a copy is
 * brought up to date again and again.
 *
 * A table that a watcher holds, or that is in a file, is read through that memfd or file, which takes none of the
 * traced process's locks, and can still be read when the process has ended. Where there is neither, it is read through
 * /proc/PID/mem, until a watcher is found that holds it. Nothing is written, no signal is sent.
 */
#ifndef WRAPPER_WATCH_SOURCE_H
#define WRAPPER_WATCH_SOURCE_H

#include "record_file.h"

struct watch_source {
	struct record_file record;	/* the copy of the table, its moment, and the history as it was at the opening.
					 * runs_as becomes 0 when the process has ended */
	int fd;				/* where the table is read again, from `start` on; -1: it is not, because it
					 * does not change any more */
	uint64_t start;			/* 0: that is a file or a memfd; else it is the memory of the process */
	uint64_t file_due_ns, file_last_ns;	/* while it is the memory: when a memfd is looked for again, and until
					 * when (now_precise_ns()) */
	int pidfd;			/* becomes readable when the process ends; -1: there is none */
	bool replaced;			/* the process has become another program, whose table this is not */
	struct model_process process;	/* what /proc says about it */
};

/* Opens what --watch names. Returns NULL, or in words why that is not possible. */
const char *watch_source_open(struct watch_source *s, const char *what);

/* The id of the process that the argument of --watch names; 0: it names a file. */
uint32_t watch_source_pid(const char *what);

/* Brings the table up to date, with its moment. threads: its threads, too. */
void watch_source_read(struct watch_source *s, bool threads);

/* Whether the figures do not change any more. */
static inline bool watch_source_ended(const struct watch_source *s)
{
	return s->fd < 0;
}

/* Whether the figures are those of a process that ran when its record was packed. */
static inline bool watch_source_is_past(const struct watch_source *s)
{
	return s->record.seen;
}

void watch_source_close(struct watch_source *s);

#endif
