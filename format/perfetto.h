/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the trace for Perfetto share: how events are written, and the groups of instants that stand for
 * dumps. Only format/perfetto*.c include this header.
 *
 * The document is in the Trace Event Format ("JSON Object Format", Google 2016), which Perfetto and Chrome read. Times
 * are microseconds since the start of the process, with three decimals, so they are exact to the nanosecond. Events are
 * in the order of their times.
 *
 * Errors of writing are in the struct out.
 */
#ifndef FORMAT_PERFETTO_H
#define FORMAT_PERFETTO_H

#include "format.h"

struct perfetto_list;

/* The document that is being written. */
struct perfetto {
	const struct model *model;
	struct arena *arena;
	struct out *out;
	uint64_t end_ns;		/* the moment of the report, since the start of the process */
	uint64_t slice_end_ns;		/* when the next slice ends; 0: at end_ns */
	bool first_window;		/* the window that begins with the process is written, if there is one */
	uint32_t next_event;		/* the first event of the recording that is not written yet */
	uint64_t last_ns;		/* the time of the newest event */
	struct perfetto_list *list;	/* for perfetto_dumps.c; NULL: there has been no list yet */
	bool any;			/* an event has been written */
	bool any_argument;		/* the open event has an argument */
};

/* Opens an event: everything up to its arguments. phase: 'C' for a counter, 'i' for an instant of the process, 'X' for
 * a slice from then on to slice_end_ns, 'M' for metadata, which have no time. ns: since the start of the process; if
 * that is before the event before, the time of that one is taken. */
void perfetto_begin(struct perfetto *p, const char *name, char phase, uint64_t ns);

/* Writes the name of an argument of the open event: NAME, or NAME_NUMBER if number is not 0. The caller writes the
 * value behind it. */
void perfetto_name(struct perfetto *p, const char *name, uint32_t number);

/* Write an argument of the open event. */
void perfetto_number(struct perfetto *p, const char *name, uint64_t value);
void perfetto_text(struct perfetto *p, const char *name, const char *text);

/* Closes the open event. */
void perfetto_end(struct perfetto *p);

/* Writes what happened to the recording before until_ns: an instant for each event, and a slice for each window
 * (perfetto_windows.c). */
void perfetto_write_events(struct perfetto *p, uint64_t until_ns);

/* Writes the groups of the dumps that were taken before this one (perfetto_dumps.c). *next: the first one that is not
 * written yet, among history.dumps_ns; 0 at first. Those before until_ns are written. */
void perfetto_write_earlier(struct perfetto *p, uint32_t *next, uint64_t until_ns);

/* Writes the group of the dump that the model is of. */
void perfetto_write_dump(struct perfetto *p);

#endif
