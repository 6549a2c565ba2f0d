/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded modules (the program, its libraries) that frames of the table lie in: enough
 * to find names for them later, even after a dlclose, even in another process.
 *
 * The list only grows. A module is noted when a new row has a frame in it; when another
 * module has come to lie at the same addresses (dlclose, dlopen), that is a new entry, and
 * a row's `modules_seen` tells which of the two its frames mean: the newest entry that was
 * there when the row was made.
 *
 * Async-signal-safe and lock-free unless it says otherwise. Two threads may note the same
 * module at the same time; then it stands in the list twice, which does no harm.
 */
#ifndef TABLE_MODULES_H
#define TABLE_MODULES_H

#include "table.h"

#define MODULE_BUILD_ID_BYTES	20	/* SHA-1, what GNU ld and lld write by default */

struct module {
	uint64_t start, end;		/* addresses it takes up; end 0: not yet complete */
	uint64_t bias;			/* address in memory minus address in the file's terms */
	uint32_t path;			/* offset of its absolute path in the table's text */
	uint8_t build_id_bytes;		/* 0: it has none */
	uint8_t build_id[MODULE_BUILD_ID_BYTES];
	uint8_t unused[7];
};

_Static_assert(sizeof(struct module) == 56, "no padding that differs between machines");

/*
 * Prepares for modules_note(): finds the lookup of libc and what is loaded now. Takes the
 * loader's locks: at start only, never from a hook or a signal.
 */
void modules_init(struct table *t);

/* Makes sure that the modules in which these frames lie now are in the list. The frames must
 * be on the caller's stack, so that none of the modules can be unloaded meanwhile. Returns
 * whether one was added. */
bool modules_note(struct table *t, const uintptr_t *frames, unsigned count);

/* The module that pc meant for a row with this modules_seen; NULL: code in no module. */
const struct module *modules_find(const struct table *t, uint64_t pc, uint32_t modules_seen);

static inline const char *modules_path(const struct table *t, const struct module *m)
{
	return t->text + m->path;
}

#endif
