/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the addresses of a report: each distinct address is looked up once, and all
 * addresses of one file in one pass over that file. Add all, resolve, then find.
 * Async-signal-safe; memory from the report's arena.
 */
#ifndef REPORT_NAMES_H
#define REPORT_NAMES_H

#include "base/arena.h"
#include "base/out.h"
#include "table/modules.h"

struct name {
	uint64_t pc;
	uint32_t code;			/* 0: a free slot */
	const struct module *module;	/* NULL: code in no module */
	const char *function;		/* NULL: unknown */
	uint64_t offset;		/* pc minus the function's start */
	bool resolved;
	bool ignored;			/* its printed line matches a rule */
};

struct names {
	const struct table *table;
	struct arena *arena;
	uint32_t *codes;		/* work space: of one row, TABLE_FRAMES_MAX */
	char *work;			/* for demangling; NULL: not yet needed */
	struct name *slots;		/* open addressing by code; at most half full */
	size_t slot_count, used;
};

/* False when there is no memory. */
bool names_init(struct names *n, const struct table *t, struct arena *arena);

/* Adds the frames of a row. False when there is no memory: its frames then have no names. */
bool names_add_row(struct names *n, uint32_t row);

/* Looks up what was added since the last call. */
void names_resolve(struct names *n);

/* What was added, or NULL. */
struct name *names_find(const struct names *n, uint32_t code);

/* "operator new(unsigned long) +0x6", "/usr/bin/node (+0xf27811)", "?". NULL gives "?". */
void names_print(const struct names *n, const struct name *name, struct out *out);

#endif
