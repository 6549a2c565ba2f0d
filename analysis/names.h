/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the addresses of a report: each distinct address is looked up once, and all
 * addresses of one file in one pass over that file. Add all, resolve, then find.
 * Async-signal-safe; memory from the report's arena.
 *
 * An address gives one line, or several where functions are inlined: each of these is a line
 * of its own, innermost first, and the function that has the code is the last.
 *
 *	line 0	   std::vector<int>::push_back(int&&) (inlined) at /usr/include/c++/12/bits/stl_vector.h:1294
 *	line 1	   parse(char const*) +0x1b at src/parse.cc:214
 *
 * The same address can be in one row what a call returns to, and in another what a signal has
 * interrupted: these are two names, possibly of two functions.
 */
#ifndef ANALYSIS_NAMES_H
#define ANALYSIS_NAMES_H

#include "base/arena.h"
#include "options/options.h"
#include "base/out.h"
#include "symbol/symbol.h"
#include "table/modules.h"

#define NAMES_NO_OFFSET	UINT64_MAX

/* What came of reading a module's file. */
struct names_file {
	const struct module *module;
	struct names_file *next;
	int error;			/* enum symbol_error */
	uint32_t unread;		/* SYMBOL_UNREAD_* */
	int why;			/* symbol_file.why */
	uint32_t lacks;			/* missing.c's: what its shown frames lack */
};

struct name {
	uint64_t pc;
	uint32_t key;			/* the code, and in the lowest bit `exact`; 0: a free slot */
	uint32_t call_count;		/* 0: no lines */
	const struct module *module;	/* NULL: code in no module */
	struct names_file *file;	/* NULL: not looked up */
	const char *function;		/* NULL: unknown */
	uint64_t offset;		/* pc minus the function's start; or NAMES_NO_OFFSET */
	bool exact;			/* the instruction at pc was interrupted; else pc is what a call
					 * returns to, and the instruction before pc is meant */
	const struct symbol_call *calls; /* as struct symbol has them, with readable functions */
	bool entry;			/* the allocation function itself: no line is wanted */
	bool resolved;
	bool ignored;			/* one of its printed lines matches a rule */
};

struct names {
	const struct table *table;
	const struct options *options;
	uint32_t pid;
	bool foreign;			/* see model.h */
	uint32_t runs_as;		/* likewise */
	char proc[16];			/* of runs_as: "/proc/4711" */
	struct arena *arena;
	char *debug_dirs;		/* as struct symbol_file has them, or NULL */
	uint32_t *codes;		/* work space: of one row, TABLE_FRAMES_MAX */
	char *work;			/* for demangling and shortening; NULL: not yet needed */
	struct names_file *files;	/* in the order of resolving, the newest first */
	struct name *slots;		/* open addressing by key; at most half full */
	size_t slot_count, used;
};

/* pid: the traced process, which is this one. False when there is no memory. */
bool names_init(struct names *n, const struct table *t, const struct options *o, uint32_t pid,
		struct arena *arena);

/* Adds the frames of a row. False when there is no memory: its frames then have no names. */
bool names_add_row(struct names *n, uint32_t row);

/* Looks up what was added since the last call. */
void names_resolve(struct names *n);

/* The name of frame i of a row that was added, whose codes (table_frames()) are given, since what an
 * address means depends on the frame inward of it; or NULL. */
struct name *names_find(const struct names *n, const uint32_t *codes, unsigned i);

/* How many lines: 1, and one more for each inlined call. NULL gives 1. */
unsigned names_lines(const struct name *name);

/* Whether this line is that of an inlined call. */
static inline bool names_inlined(const struct name *name, unsigned line)
{
	return line + 1 < names_lines(name);
}

/* The function of a line; NULL: unknown. */
const char *names_function(const struct name *name, unsigned line);

/* The path of a module, "?" where it is not known. */
const char *names_module(const struct names *n, const struct module *m);

/*
 * Prints a line: "operator new(unsigned long) +0x6", "<signal handler called>", "/usr/bin/node (+0xf27811)", "?" (and for
 * a NULL name), "f(int) (inlined) at src/f.h:12". columns: the name is shortened (shorten.h)
 * so that the line takes no more, as far as that goes; 0: it is whole.
 */
void names_print(struct names *n, const struct name *name, unsigned line, size_t columns,
		 struct out *out);

#endif
