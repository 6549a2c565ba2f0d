/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps. A dumper makes the model of a table (analysis/model.h), and has a format write it to an output
 * (output.h). It also writes the lines for the user before and after dumps. The library has a dumper for its own
 * process; the wrapper and the watcher make one for each table of another process.
 *
 * Async-signal-safe, keeps errno. The caller makes sure that only one thread at a time uses a dumper, and that
 * meanwhile no signal handler of the program runs in this thread (base/uninterrupted.h).
 */
#ifndef PROCESS_DUMP_H
#define PROCESS_DUMP_H

#include "output.h"
#include "analysis/rules.h"
#include "format/format.h"

struct dumper {
	struct table *table;
	const struct history *history;	/* of the table, or NULL: set after dump_attach() by who has loaded it */
	const struct options *options;
	const struct format *format;
	struct rules rules;
	const struct rules *file_rules;	/* those of --ignore alone, of a dumper that dump_attach() has prepared */
	model_select *select;		/* as in struct model_request */
	struct output output;
	uint32_t pid;			/* of the traced process */
	uint32_t number;		/* of its newest dump, from 1 on */
	bool foreign;			/* this and the next two: as in struct model_request */
	uint32_t runs_as;
	uint64_t now_ns;
	struct names_store *store;	/* these two as in struct model_request, too; NULL in the library */
	const struct model_seen *seen;
	const struct model *older;
	char command[16];		/* as in /proc/PID/comm */
	bool apart;			/* its dump goes to a file of its own (output_set_apart()), and is not numbered
					 * and noted as one of the process's dumps */
	uint8_t exit_status;		/* with which the process is to end if it would end with 0, as the watcher has
					 * answered to the request of the last dump; 0: with that */
	/* Is called with the model of each dump, before the dump is written, wherever that goes; or NULL. */
	void (*judge)(void *context, const struct model *m);
	void *judge_context;
};

/* To be called at the start of the process: opens the output, reads the file of --ignore, and prints the
 * "initialized" line. truncate: see output_init(). */
void dump_init(struct dumper *d, struct table *t, const struct options *o, bool truncate);

/* To be called after fork in the child, whose process id is pid. */
void dump_forked(struct dumper *d, uint32_t pid);

struct dump_request {
	const uint8_t *sort;		/* enum sort_key: one section of the dump for each */
	unsigned sort_count;
	enum model_reason reason;
	uint8_t signal;			/* with REASON_SIGNAL and REASON_SIGNALLED: its number */
	bool final;			/* it is the last dump: the "finalized" line comes before it, and a text
					 * dump without live blocks is left out */
	bool heap_still;		/* see struct model_request */
	bool tries_again;		/* see dump_write() */
};

/*
 * Writes one dump. If request.tries_again is set, and a file cannot be opened because the process has no descriptor
 * left, nothing is written or reported, and the result is false: the caller calls again where descriptors are free
 * (process/own_descriptors.h). Otherwise the result is true, and errors have been reported to the user.
 */
bool dump_write(struct dumper *d, const struct dump_request *r);

/*
 * Prepares *d, which the caller has zeroed, for the table of another process, which must not change meanwhile.
 * rules: those of --ignore, which the caller has read. now_ns: the moment of the table, or 0 for now. Prints
 * nothing. The caller ends the use of *d by dump_detach(), which closes the output.
 */
void dump_attach(struct dumper *d, struct table *t, const struct options *o,
		 const struct rules *rules, bool truncate, uint64_t now_ns);
void dump_detach(struct dumper *d);

/*
 * Notes in the table the libraries of this process whose allocations the figures do not cover. Only the process
 * itself can find them, and a report that another process makes of the table names them.
 */
void dump_note_loaded(struct dumper *d);

/* Writes a notice of the rules of --ignore that matched nothing in the last dump, if there are any. Formats other
 * than text need it; the summary of a text dump names these rules itself. */
void dump_notice_unmatched(struct dumper *d);

/* Writes "[heaptrace] TEXT" and a newline for the user: to the output where lines can stand there
 * (output_takes_lines()), else to standard error. If documents go to standard error, the notice is dropped. */
void dump_notice(struct dumper *d, const char *text);

#endif
