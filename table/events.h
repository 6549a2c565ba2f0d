/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of what happened to the recording: windows in which blocks were recorded, rates of sampling, moments that the
 * user has marked, and when the figures began anew. A reader of the table gets it with the header.
 *
 * A window is a part of the run, and a range of rows: when a window begins, no backtrace goes on with its old row. So
 * the figures of a window are those of its rows, exactly, and blocks of earlier windows are still counted as freed where
 * they belong. A table without events has one window, which is the whole run.
 */
#ifndef TABLE_EVENTS_H
#define TABLE_EVENTS_H

#include "table.h"

/* Adds an event. text: of EVENT_MARK, cut where a character ends; else NULL. first: the row that a window begins with,
 * or 0. False: the list is full. Any thread, async-signal-safe. */
bool events_add(struct table *t, enum event_kind kind, uint64_t ns, uint32_t first, const char *text);

/* How many events there are. Each may still be EVENT_NONE. */
static inline uint32_t events_count(const struct table *t)
{
	uint32_t count = load_acquire(&t->head->event_count);

	return count < EVENTS_MOST ? count : EVENTS_MOST;
}

/* The rate of sampling by which the blocks of a row were recorded: 0 if each block was. Async-signal-safe. */
uint64_t events_sample_bytes(const struct table *t, uint32_t row);

/* Whether the table has rows whose blocks were sampled. */
bool events_sampled(const struct table *t);

#endif
