/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program has mapped itself (--pages), for reports: each backtrace that has made mappings, with their bytes
 * and the part of these that is in memory, and what else is mapped in the process, by whom.
 *
 *	regions (table/regions.h)			the kernel's list, /proc/PID/smaps
 *	    sum by backtrace -> rows[]			    what regions cover -> rows[].resident
 *							    the rest -> others[]: libraries, stacks, malloc...
 *
 * So rows[].size and others[].size add up to all that is mapped in the process (VmSize of proc(5)), but for what has
 * been unmapped by bare system calls, or mapped between the looks at the two. The kernel joins neighbouring mappings;
 * then /proc/PID/pagemap tells which pages of each part are in memory.
 *
 * A part of the process that holds the table: the traced process itself does not contain this code. One thread at a
 * time.
 */
#ifndef ANALYSIS_PAGES_H
#define ANALYSIS_PAGES_H

#include "model.h"

/* Who else has mapped something. */
enum pages_other {
	PAGES_PROGRAM,			/* the kernel: the program's own file */
	PAGES_LIBRARIES,		/* the loader */
	PAGES_FILES,			/* other files, mapped by libc or by bare system calls */
	PAGES_STACKS,			/* of the main thread, and of those that libc has made */
	PAGES_BRK,			/* malloc's first heap, which libc makes longer by sbrk() */
	PAGES_ARENAS,			/* malloc's further heaps, for threads */
	PAGES_LARGE,			/* malloc's large blocks, each of which has a mapping of its own */
	PAGES_TRACER,			/* heaptrace itself */
	PAGES_KERNEL,			/* what the kernel maps into each process: vdso(7) */
	PAGES_UNKNOWN,			/* bare system calls, or what was mapped before tracing began */
	PAGES_OTHERS
};

struct pages_row {
	struct model_row row;		/* the values are bytes and mappings; those of the keys HEAP_PEAK and TEMPORARY
					 * are 0 */
	uint64_t resident;		/* bytes; 0 where pages.looked is false */
};

struct pages_sum {
	uint64_t size, resident;	/* bytes */
	uint64_t count;			/* pieces of the kernel's mappings */
};

struct pages {
	struct pages_row *rows;		/* the largest first, then by their peaks; those that have nothing mapped now,
					 * too */
	uint32_t row_count, live_rows;
	uint64_t size, peak_size, count;	/* of all rows */
	uint64_t missed;		/* bytes that were mapped by the functions that are seen, but could not be
					 * recorded */
	bool looked;			/* the kernel's list could be read: the following is known */
	uint64_t resident;		/* of all rows */
	uint64_t stale;			/* bytes of rows that are not mapped any more: unmapped by a bare system call */
	struct pages_sum others[PAGES_OTHERS];
};

/* NULL: --pages was not given when the table was made, or there is no memory. The rows with something mapped get
 * names. */
struct pages *pages_find(const struct model *m, struct arena *arena);

/* A name in a few words, for people and for scripts. */
const char *pages_other_name(enum pages_other other);

#endif
