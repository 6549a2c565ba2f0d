/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dump of this process: its figures from the kernel and the allocator, a report, and the
 * output it goes to. Also the lines for the user around it. Async-signal-safe, keeps errno;
 * the caller makes sure that one thread at a time is in here (dumps) and that nothing of
 * the program's runs meanwhile (base/uninterrupted.h).
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
	uint32_t pid, number;		/* number: dumps so far */
	bool foreign;			/* the table is of another process, which may be gone */
	uint32_t statm_pid;		/* then: the pid, as we see it, of one that runs; or 0 */
	uint64_t now_ns;		/* see analysis/model.h */
	char command[16];		/* as in /proc/PID/comm */
};

/* At start: opens what is needed and prints "initialized". truncate: see output_init(). */
void dump_init(struct dumper *d, struct table *t, const struct options *o, bool truncate);

/* In a child after fork. */
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
 * For the table of another process, which does not change: *d, zeroed by the caller, with options
 * (whose --ignore has been read to rules). Prints nothing. To be ended by dump_detach(). now_ns:
 * see analysis/model.h.
 */
void dump_attach(struct dumper *d, struct table *t, const struct options *o,
		 const struct rules *rules, bool truncate, uint64_t now_ns);
void dump_detach(struct dumper *d);

/* Says which rules of --ignore have matched nothing in the last dump, if there are any: where a text
 * dump's summary has not said it. */
void dump_tell_unmatched(struct dumper *d);

/* A line for the user, "[heaptrace] " before it and a newline after; in text dumps' output,
 * else on standard error (never among folded stacks). */
void dump_notice(struct dumper *d, const char *text);

#endif
