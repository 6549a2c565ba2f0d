/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The windows and the events of a run's recording (table/events.h), as reports get them. Times are nanoseconds since
 * the start of the process. All functions are async-signal-safe.
 */
#ifndef ANALYSIS_WINDOWS_H
#define ANALYSIS_WINDOWS_H

#include "model.h"
#include "table/events.h"

/* What the figures of a model are about. */
struct windows {
	uint32_t count;			/* windows that there have been */
	uint32_t from, to;		/* those that the figures are about; 0: none. After a clear they begin with the
					 * window that it has begun */
	bool chosen;			/* --window has chosen them */
	bool missing;			/* --window has asked for one that there is not: the figures are about all */
	bool recording;			/* the last one goes on */
	bool detached;			/* heaptrace was detached from the process */
	bool ordinary;			/* nobody has ever controlled the recording: it is one window, the whole run */
	uint64_t begun_ns, ended_ns;	/* of the windows that the figures are about, from the first one's begin on.
					 * ended_ns is the moment of the model if the last one goes on */
	uint64_t recorded_ns;		/* how long blocks were recorded in them */
	uint64_t cleared_ns;		/* when the figures last began anew; 0: never */
};

struct windows windows_of(const struct model *m);

/* A window by its number, 1 to windows.count. */
struct events_window windows_get(const struct model *m, uint32_t number);

/* How many events there are, and one of them, or NULL if that is not yet written. */
uint32_t windows_events(const struct model *m);
const struct table_event *windows_event(const struct model *m, uint32_t i);

/* The name of an event's kind: "on", "off", "clear", "sample", "mark", "attach", "detach", or "start". */
const char *windows_kind_name(enum event_kind kind);

#endif
