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

#include "model.h"
#include "symbol/symbol.h"
#include "table/modules.h"

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
	uint64_t offset;		/* pc minus the function's start; or FRAME_NO_OFFSET */
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
	bool foreign;			/* these two as in struct model_request */
	uint32_t runs_as;
	char proc[16];			/* of runs_as: "/proc/4711" */
	struct arena *arena;
	char *debug_dirs;		/* as struct symbol_file has them, or NULL */
	uint32_t *codes;		/* work space for one row: TABLE_FRAMES_MAX */
	char *work;			/* for demangling; NULL: not yet needed */
	struct names_file *files;	/* in the order of resolving, the newest first */
	struct name *slots;		/* open addressing by key; at most half full */
	size_t slot_count, used;
};

/* For the process and options of a request. False when there is no memory. */
bool names_init(struct names *n, const struct model_request *q, struct arena *arena);

/* Adds the frames of a row. False when there is no memory: its frames then have no names. */
bool names_add_row(struct names *n, uint32_t row);

/* Looks up what was added since the last call. */
void names_resolve(struct names *n);

/* The name of frame i of a row that was added; or NULL. The row's codes (table_frames()) are given, since what
 * an address means depends on the frame inward of it. */
struct name *names_find(const struct names *n, const uint32_t *codes, unsigned i);

/* The frame of an address. name: what names_find() says of it. */
struct frame names_frame(const struct names *n, uint64_t pc, const struct name *name);

#endif
