/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps: a dumper makes the model of a table (analysis/model.h), has a format write it, and knows the output
 * that it goes to (output.h). It also writes the lines for the user that stand around dumps. The library has a
 * dumper for its own process, the wrapper has one for each table of another process.
 *
 * Async-signal-safe, keeps errno. The caller makes sure that only one thread at a time uses a dumper, and that
 * no handler of the program's runs meanwhile in this thread (base/uninterrupted.h).
 */
#ifndef PROCESS_DUMP_H
#define PROCESS_DUMP_H

#include "output.h"
#include "analysis/rules.h"
#include "format/format.h"

struct dumper {
	struct table *table;
	const struct options *options;
	const struct format *format;
	struct rules rules;
	struct output output;
	uint32_t pid, number;		/* of the traced process; how many dumps it has had */
	bool foreign;			/* these three as in struct model_request */
	uint32_t runs_as;
	uint64_t now_ns;
	char command[16];		/* as in /proc/PID/comm */
};

/* At start: opens the output and the file of --ignore, and prints the "initialized" line. truncate: see
 * output_init(). */
void dump_init(struct dumper *d, struct table *t, const struct options *o, bool truncate);

/* In a child after fork, whose id is pid. */
void dump_forked(struct dumper *d, uint32_t pid);

struct dump_request {
	const uint8_t *sort;		/* enum sort_key: one section of the dump for each */
	unsigned sort_count;
	enum model_reason reason;
	bool final;			/* the "finalized" line stands before the dump, and where no block is
					 * live a text dump is left out */
	bool heap_still;		/* see struct model_request */
	bool tries_again;		/* see dump_write() */
};

/*
 * Writes one dump. With tries_again, where a file could not be opened because the process has no descriptor
 * left, nothing is written or told, and the answer is false: the caller calls again where there are some
 * (process/own_descriptors.h). Else the answer is true, and what could not be found out has been told.
 */
bool dump_write(struct dumper *d, const struct dump_request *r);

/*
 * Prepares *d, which the caller has zeroed, for the table of another process, which must not change. The rules of
 * --ignore have been read. Prints nothing. The caller ends the use of *d by dump_detach().
 */
void dump_attach(struct dumper *d, struct table *t, const struct options *o,
		 const struct rules *rules, bool truncate, uint64_t now_ns);
void dump_detach(struct dumper *d);

/*
 * Notes in the table what only the process itself can see and another process's report of the table
 * should say: what has been loaded that the figures do not cover.
 */
void dump_note_loaded(struct dumper *d);

/* Tells which rules of --ignore have matched nothing in the last dump, if there are any. A text dump's summary says
 * that itself. */
void dump_notice_unmatched(struct dumper *d);

/* Writes a line for the user, with "[heaptrace] " before the text and a newline after it: to the output of text
 * dumps, else to standard error. It is dropped where documents go to standard error. */
void dump_notice(struct dumper *d, const char *text);

#endif
