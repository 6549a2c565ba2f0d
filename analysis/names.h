/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the addresses of a report. Each distinct address is looked up once, and all
 * addresses of one file in one pass over that file: the caller adds rows, resolves, and then finds names.
 * Async-signal-safe; the memory is the report's arena.
 *
 * The same address can be a return address in one row, and the address that a signal has interrupted in another.
 * These are two names, possibly of two functions, since a return address means the instruction before it.
 */
#ifndef ANALYSIS_NAMES_H
#define ANALYSIS_NAMES_H

#include "model.h"
#include "symbol/symbol.h"
#include "table/modules.h"

/* A module's file, and how reading it ended. */
struct names_file {
	const struct module *module;
	struct names_file *next;
	int error;			/* enum symbol_error */
	uint32_t unread;		/* SYMBOL_UNREAD_* */
	int why;			/* symbol_file.why */
	uint32_t lacks;			/* missing.c: what the listed frames in this file lack */
};

struct name {
	uint64_t pc;
	uint32_t key;			/* the code, with `exact` as the lowest bit; 0: a free slot */
	uint32_t call_count;		/* 0: no lines */
	const struct module *module;	/* NULL: code in no module */
	struct names_file *file;	/* NULL: not looked up */
	const char *function;		/* NULL: unknown */
	uint64_t offset;		/* pc minus the function's start; or FRAME_NO_OFFSET */
	bool exact;			/* the instruction at pc was interrupted; else pc is a return address,
					 * and the instruction before pc is meant */
	const struct symbol_call *calls; /* as in struct symbol, but with demangled functions */
	bool entry;			/* the allocation function itself, whose line nobody needs */
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
	char *debug_dirs;		/* as in struct symbol_file, or NULL */
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
