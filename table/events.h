/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of what happened to the recording: windows in which blocks were recorded, rates of sampling, moments that
 * the user has marked, and when the figures began anew. A reader of the table gets it with the header.
 *
 * A window is a part of the run, and a range of rows: when a window begins, no backtrace goes on with its old row. So
 * the figures of a window are those of its rows, exactly, and blocks of earlier windows are still counted as freed
 * where they belong. A table without events has one window, which is the whole run.
 */
#ifndef TABLE_EVENTS_H
#define TABLE_EVENTS_H

#include "table.h"

/* Adds an event. text: of EVENT_MARK, cut where a character ends; else NULL. first: the row that a window begins with,
 * or 0. False: the list is full. The end of a window is always noted: windows that begin when there is no more room for
 * them are a part of the last one that is in the list. Any thread for a mark, else one at a time; async-signal-safe. */
bool events_add(struct table *t, enum event_kind kind, uint64_t ns, uint32_t first, const char *text);

/* A window of the run. Windows are numbered from 1 on. A clear, and another rate of sampling, ends one and begins the
 * next, unless nothing is recorded at that moment. */
struct events_window {
	uint32_t number;
	uint32_t first, end;		/* its rows: from `first` on, before `end` */
	enum event_kind kind;		/* how it has begun; EVENT_NONE: with the table */
	uint64_t begun_ns, ended_ns;	/* since header.begun_precise_ns; ended_ns 0: it goes on */
	uint64_t sample_bytes;		/* the rate of sampling; 0: each block was recorded */
};

/* How many windows there are. Fills in the one with this number, if it is one of them. Async-signal-safe. */
uint32_t events_windows(const struct table *t, uint32_t number, struct events_window *found);

/* Which rows a report is about: from `first` on, before `end`. */
struct row_range {
	uint32_t first, end;
};

/* The rows of the windows that --window chooses (options.window), or, if it is 0 or there are no such windows, all that
 * the figures are about: those since the last clear. */
struct row_range events_rows(const struct table *t, uint64_t window);

/* The numbers of the windows that --window chooses. False: there are none of these numbers. */
bool events_chosen(const struct table *t, uint64_t window, uint32_t *from, uint32_t *to);

/* Whether a range has rows of more than one window, so that a backtrace can have several rows in it. */
bool events_several(const struct table *t, struct row_range range);

/* How many events there are. Each may still be EVENT_NONE. */
static inline uint32_t events_count(const struct table *t)
{
	uint32_t count = load_acquire(&t->head->event_count);

	return count < EVENTS_MOST ? count : EVENTS_MOST;
}

/* Whether the table begins with an attach to the process (--pid), and not with its start. */
bool events_attached(const struct table *t);

/* Whether heaptrace was detached from the process: then nothing is added any more. */
bool events_detached(const struct table *t);

/* The rate of sampling by which the blocks of a row were recorded: 0 if each block was. Async-signal-safe. */
uint64_t events_sample_bytes(const struct table *t, uint32_t row);

/* The rate of sampling of the newest window whose blocks were sampled; 0: there was none, so all figures are exact. */
uint64_t events_rate(const struct table *t);

static inline bool events_sampled(const struct table *t)
{
	return events_rate(t);
}

#endif
