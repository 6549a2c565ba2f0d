/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a live view: the figures, and what of them is shown.
 *
 *	watch_loop.c	the loop: looks, and waits
 *	watch_source.h	the table
 *	watch_rates.h	its figures, and how they change
 *	watch_names.h	its names
 *	watch_graph.h	the heap over time
 *	watch_table.h	items as lines of text
 *	watch_screen.h	the screen
 *	watch_keys.h	what the keys do
 *	watch_report.h	writes reports
 *	watch_lines.h	what is printed where there is no screen, and the summary
 */
#ifndef WRAPPER_WATCH_VIEW_H
#define WRAPPER_WATCH_VIEW_H

#include "terminal.h"
#include "watch_graph.h"
#include "watch_rates.h"

#include <limits.h>
#include <sys/types.h>

enum watch_page { WATCH_LIST, WATCH_STACK, WATCH_HELP };
enum watch_prompt { WATCH_NO_PROMPT, WATCH_ASK_FILTER, WATCH_ASK_FILE };

struct watch_view {
	const struct options *options;
	struct watch_source source;
	struct watch_names names;
	struct watch_rates rates;
	struct watch_graph graph;
	bool paused;			/* nothing is looked at */
	bool recent;			/* the graph is of the last minutes */
	bool quits;			/* the user wants to go */
	bool changed;			/* the list has to be made anew before it is drawn */
	bool looks_now;			/* the next look is due at once */
	unsigned follow_tries;		/* how often the table of the program that it has become was not there yet */
	enum watch_page page;
	unsigned page_lines;		/* lines of the list or the stack that the screen has, as last drawn */
	uint32_t selected, first;	/* items: the one that the cursor is on, and the first one that is shown */
	bool follows;			/* the cursor stays on selected_id, wherever that is sorted to */
	uint32_t selected_id;		/* watch_rates_id() */
	uint32_t stack_row;		/* of WATCH_STACK... */
	unsigned stack_first, stack_count;	/* ...its first line that is shown, and how many there are */
	enum watch_prompt prompt;
	char input[PATH_MAX];		/* what has been typed */
	char message[PATH_MAX + 400];	/* for the last line, until the next key; "": none */
	uint64_t message_end_ns;	/* when it is taken away without a key; 0: it has not been drawn yet */
	pid_t writer;			/* the process that writes a report; 0: none does */
	int writer_fd;			/* what it has to say comes from there */
	char writer_text[300], writer_file[PATH_MAX];
};

/* How long the process has run, at the moment of the figures, in nanoseconds. */
uint64_t watch_view_runtime(const struct watch_view *v);

/* The largest size that the heap has had, as far as that is known, in bytes. */
uint64_t watch_view_peak(const struct watch_view *v);

/* Writes the name and the id of the process: "python3 (4711)". */
void watch_view_write_process(const struct watch_view *v, struct out *out);

/* Whether blocks are or were sampled, so that figures of the heap are estimates, which are marked by "~". */
bool watch_view_is_estimated(const struct watch_view *v);

/* Writes "sampled: estimates, " where blocks are or were sampled, and "recording off, " while no new block is
 * recorded; in short "sampled, " and "off, ". */
void watch_view_write_recording(const struct watch_view *v, bool in_short, struct out *out);

#endif
