/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A report: what is in the table at one moment, selected, sorted, and written in one of the
 * output formats.
 *
 *	view -> rules -> sort, per key -> names for what is shown -> writer -> struct out
 *
 * Async-signal-safe throughout: the memory is the caller's arena, which the caller releases.
 */
#ifndef ANALYSIS_MODEL_H
#define ANALYSIS_MODEL_H

#include "allocator.h"
#include "base/arena.h"
#include "options/options.h"
#include "base/out.h"
#include "base/sort.h"
#include "names.h"
#include "rules.h"
#include "table/view.h"

/* What is known about the traced process beside its table. */
struct report_process {
	uint32_t pid;
	const char *command;
	bool statm_known;			/* /proc/self/statm, in bytes */
	uint64_t vss, rss, shared;
};

/* What is asked for. */
struct report_request {
	struct table *table;
	const struct options *options;		/* top, and the format */
	const struct rules *rules;		/* may be NULL */
	uint8_t sort[SORT_KEYS];		/* enum sort_key: one section each */
	uint8_t sort_count;
	bool quiet_if_empty;			/* no live block: write nothing */
	bool foreign;				/* the table is of another process: its modules
						 * are not in this one's memory */
	bool *left_out;				/* may be NULL. Set when nothing was written because
						 * rules have left out every live block */
	uint32_t runs_as;			/* then: the pid, as we see it, if it runs; or 0 */
	uint64_t now_ns;			/* the moment of the table; 0: it is now */
	bool tries_again;			/* see REPORT_NO_DESCRIPTOR */
	bool heap_still;			/* of our own process: it has one thread, which is not inside
						 * malloc, and the allocator's data are sound */
	struct report_process process;
};

/* One key's rows, in order. Indexes are of view.rows. */
struct report_section {
	enum sort_key key;
	struct sort_entry *rows;
	uint32_t count;
	uint32_t left_out;			/* rows with live blocks that should be listed, too, but
						 * there was no memory for them (view.cut) */
};

struct report {
	const struct report_request *request;
	struct arena *arena;
	struct view view;
	struct names names;
	struct report_section sections[SORT_KEYS];
	unsigned section_count;
	uint32_t live_rows;			/* all, whether shown or not */
	uint64_t live_size;
	uint32_t ignored_rows;			/* live ones that a rule left out */
	uint64_t ignored_size;
	struct allocator_blocks blocks;
	struct allocator_figures allocator;	/* of the text format only */
};

/* One output format. */
struct report_writer {
	const char *name;
	bool replaces;		/* the newest dump replaces the older one: it is one document */
	bool all_rows;		/* wants rows without live blocks too, and no `top` */
	bool by_reporter;	/* the traced process never writes it: see options_by_reporter() */
	uint8_t sections_max;	/* sort keys it has a place for */
	void (*write)(struct report *r, struct out *out);
};

extern const struct report_writer report_text, report_folded, report_json;

/* The writer of the format that the options name. */
const struct report_writer *report_writer(const struct options *o);

/*
 * Adds the writers that are by_reporter, an array with NULL at its end. The wrapper calls this first
 * thing. The library does not, so that none of their code is linked into it: there report_writer()
 * gives the text's.
 */
void report_offer(const struct report_writer *const *writers);

enum report_result {
	REPORT_DONE,
	REPORT_NO_MEMORY,	/* nothing was written */
	REPORT_NO_DESCRIPTOR,	/* nothing was written: a file could not be read because the process has
				 * no descriptor left (opened.h), and the caller, who can do something
				 * about that, has set request.tries_again */
};

/* Writes the report. */
enum report_result report_write(const struct report_request *request, struct arena *arena, struct out *out);

#endif
