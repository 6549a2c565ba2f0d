/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the addresses of a report. The caller adds rows (names_add_row()), has all their addresses looked up
 * (names_resolve()), and then asks for names (names_find()). Each distinct address is looked up once, and all
 * addresses of one file in one pass over that file.
 *
 * The same address can be a return address in one row and an interrupted instruction in another. These are two
 * names, possibly of two functions, because a return address stands for the instruction before it.
 *
 * Async-signal-safe. The memory is the report's arena.
 */
#ifndef ANALYSIS_NAMES_H
#define ANALYSIS_NAMES_H

#include "model.h"
#include "symbol/symbol.h"
#include "table/modules.h"

/* The file of a module, and what came of reading it. */
struct names_file {
	const struct module *module;
	struct names_file *next;
	int error;			/* enum symbol_error */
	uint32_t unread;		/* SYMBOL_UNREAD_* */
	int why;			/* the errno with which the file could not be opened (symbol_file.why) */
	uint32_t lacks;			/* what the listed frames in this file lack: bits of missing.c */
};

/*
 * Names that were looked up at another time, and that come with the table: the files need not be there. The program
 * heaptrace has such a store (pack/names.h); in the traced process there is none, and names come from the files.
 */
struct names_store {
	/*
	 * Sets the names and lines of n addresses, as symbol_resolve() does, and file->error, unread and why. m: the
	 * module; NULL: code in no module, and file is NULL, too. NULL: this store only listens. False: it knows
	 * nothing of the module, and the files are read.
	 */
	bool (*find)(struct names_store *store, const struct module *m, struct names_file *file,
		     struct symbol *symbols, size_t n);
	/* Is told what the files said, in the same terms. NULL: this store does not listen. */
	void (*note)(struct names_store *store, const struct module *m, const struct names_file *file,
		     const struct symbol *symbols, size_t n);
};

struct name {
	uint64_t pc;
	uint32_t key;			/* the table's code of the address, with `exact` as the lowest bit; 0: a free
					 * slot */
	uint32_t call_count;		/* 0: no lines are known */
	const struct module *module;	/* NULL: code in no module */
	struct names_file *file;	/* NULL: the address was looked up in no file */
	const char *function;		/* NULL: unknown */
	uint64_t offset;		/* pc minus the function's start; or FRAME_NO_OFFSET */
	bool exact;			/* the instruction at pc was interrupted by a signal; else pc is a return
					 * address, and stands for the instruction before it */
	const struct symbol_call *calls; /* as in struct symbol, but with demangled functions */
	bool entry;			/* the allocation function itself, whose line nobody needs: the innermost
					 * frame */
	bool lines;			/* source lines are wanted, not only the function */
	bool resolved;
	bool focused, hidden;		/* --focus or --hide matches (selection.h) */
	uint32_t rule;			/* the number of the rule of --ignore that matches, from 1 on; 0: none does */
};

struct names {
	const struct table *table;
	const struct options *options;
	uint32_t pid;
	bool foreign;			/* as in struct model_request */
	uint32_t runs_as;		/* likewise */
	char proc[16];			/* the directory of process runs_as: "/proc/4711" */
	struct arena *arena;
	struct arena_spares spares;	/* scratch memory for one file after the other; empty outside of
					 * names_resolve() */
	struct names_store *store;	/* NULL: there is none */
	char *debug_dirs;		/* as in struct symbol_file, or NULL */
	uint32_t *codes;		/* work space for one row: TABLE_FRAMES_MAX */
	char *work;			/* for demangling; NULL: not yet needed */
	struct names_file *files;	/* in the order of resolving, the newest first */
	struct name *list;		/* in the order of adding */
	uint32_t *slots;		/* a hash table by key: places in the list plus 1, or 0. At most half full */
	size_t slot_count, used, room;	/* room: of the list */
};

/* Prepares *n for the process and the options of a request. False: there is no memory. */
bool names_init(struct names *n, const struct model_request *q, struct arena *arena);

/* Adds the frames of a row. False: there is no memory, and some of its frames will have no names. */
bool names_add_row(struct names *n, uint32_t row);

/* As names_add_row(), for a row of which only the functions' names are needed. A later names_add_row() adds the
 * rest. */
bool names_add_functions(struct names *n, uint32_t row);

/* Looks up the names of all addresses that were added since the last call. */
void names_resolve(struct names *n);

/* The name of frame i of a row; NULL: the row was not added. codes: the codes of all its frames (table_frames()).
 * The frame inward of frame i is needed, too, because after a signal trampoline the address is no return address. */
struct name *names_find(const struct names *n, const uint32_t *codes, unsigned i);

/* The frame of an address. name: the result of names_find(), which may be NULL. */
struct frame names_frame(const struct names *n, uint64_t pc, const struct name *name);

#endif
