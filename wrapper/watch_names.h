/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for --watch: which function, file, module or threads a backtrace belongs to, where its place in the source is,
 * and whether it matches the filter. An address is looked up once and stays known, and so does what follows from that
 * for a backtrace, because its frames never change. So a refresh costs only what is new.
 *
 * Names are looked up for the backtraces that are shown, or for all of them where they are added up or filtered, and
 * where the symbols of large files, which take long to read, have to be read anyway. New addresses wait until
 * NAMES_PARTS times the time has passed that the last look-up took, unless the user has just asked for them.
 */
#ifndef WRAPPER_WATCH_NAMES_H
#define WRAPPER_WATCH_NAMES_H

#include "analysis/labels.h"
#include "base/out.h"
#include "watch_source.h"

#define WATCH_FILTER_BYTES	128u

struct watch_names {
	struct arena arena;
	struct model *model;		/* without rows: see model_for_names() */
	struct labels labels;
	struct labels_row *work;
	const struct table *table;
	uint8_t *states;		/* of each row, by its number: bits of watch_names.c */
	uint32_t *groups;		/* the label of what it belongs to */
	uint64_t *sets;			/* its threads, as far as they were looked at */
	uint32_t room;			/* of these three arrays */
	uint32_t *wanted, wanted_count, wanted_room;	/* rows whose addresses are to be looked up */
	enum group_by group;
	char filter[WATCH_FILTER_BYTES];
	uint32_t waiting;		/* the label of rows whose group is not known yet */
	uint64_t due_ns, cost_ns;	/* when files may be read again (0: at once), and how long it took the last
					 * time */
	bool waits;			/* addresses that are shown wait for due_ns */
	bool stale;			/* watch_names_work() has more to do: to be set when the table has been read
					 * again */
};

/* Prepares *n for the table of a source. False: there is no memory. */
bool watch_names_open(struct watch_names *n, const struct watch_source *s, const struct options *o);
void watch_names_close(struct watch_names *n);

/* Chooses what backtraces are added up by, and the filter: a text that is a part of a function, file or module of a
 * backtrace; "": none. In a filter without capital letters these match, too. */
void watch_names_choose(struct watch_names *n, enum group_by group, const char *filter);

/* Whether all rows have to be looked at, because they are added up or filtered. */
static inline bool watch_names_needs_all(const struct watch_names *n)
{
	return n->group != GROUP_BACKTRACE || n->filter[0];
}

/*
 * Looks at the rows that have a call and are not yet known, until this moment (now_precise_ns()) has come. Then
 * n->stale says whether there are more, apart from those whose addresses have to wait.
 */
void watch_names_work(struct watch_names *n, uint64_t until_ns);

/* Looks up the addresses of single rows, so that they are shown with names. */
void watch_names_of(struct watch_names *n, const uint32_t *rows, uint32_t count);

/* The label of the group that a row belongs to, and whether it matches the filter, as far as that is known. */
uint32_t watch_names_group(const struct watch_names *n, uint32_t row);
bool watch_names_matches(const struct watch_names *n, uint32_t row);

/* The largest label, plus 1. */
static inline uint32_t watch_names_end(const struct watch_names *n)
{
	return n->labels.count;
}

/* The user's function and its place in the source, in at most so many columns: "parse(char const*) at parse.cc:214". */
void watch_names_write_row(struct watch_names *n, uint32_t row, size_t columns, struct out *out);

/* The name of a group. row: the one of its rows that a place in the source is taken from. */
void watch_names_write_group(struct watch_names *n, uint32_t label, uint32_t row, size_t columns, struct out *out);

/* Calls line(context, text) for each line of a row's stack, the innermost frame first. A frame that takes more than so
 * many columns is shortened. */
void watch_names_stack(struct watch_names *n, uint32_t row, size_t columns,
		       void (*line)(void *context, const char *text), void *context);

#endif
