/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded modules (the program and its libraries) in which frames of the table lie. The list has what is needed to
 * find names later, after a dlclose() and in another process, too.
 *
 * The list only grows. A module is noted when a frame in its code is first seen. When another module has come to lie at
 * the same addresses (dlclose(), dlopen()), it gets a new entry, and the old entry is marked as gone, so that the codes
 * of the old module are not taken for codes of the new one. A module that comes back to its old place gets its old
 * entry back.
 *
 * Everything is async-signal-safe and lock-free unless it says otherwise. Two threads may note the same module at the
 * same time; then the list has it twice, which does no harm.
 */
#ifndef TABLE_MODULES_H
#define TABLE_MODULES_H

#include "table.h"

#define MODULE_BUILD_ID_BYTES	20	/* SHA-1, what GNU ld and lld write by default */

struct module {
	uint64_t start, end;		/* its addresses; end 0: the entry is not yet complete */
	uint64_t bias;			/* address in memory minus address in the file (p_vaddr) */
	uint32_t path;			/* offset of its absolute path in the table's text */
	uint8_t build_id_bytes;		/* 0: the module has no build id */
	uint8_t build_id[MODULE_BUILD_ID_BYTES];
	uint8_t unused;
	uint16_t build_id_at;		/* the build id's offset from start if that is in the first page, else 0 */
	uint32_t gone;			/* 1: it has been unloaded, or another module lies there */
};

_Static_assert(sizeof(struct module) == 56, "no padding that differs between machines");

/* Keeps a text of less than MODULES_TEXT_MAX bytes among the paths. Returns its place in the table's text; 0: there is
 * no room. For the start of the process. */
#define MODULES_TEXT_MAX	((size_t)8 << 10)
uint32_t modules_keep_text(struct table *t, const char *text, size_t size_bytes);

/*
 * Prepares for modules_note(): finds libc's function for lookups, and notes what is loaded now. Takes the loader's
 * locks, so it may be called at start only, and never from a hook or a signal handler.
 */
void modules_init(struct table *t);

/* After modules_init(): notes that the module at this address has that path, where the loader's name for it is one that
 * leads elsewhere later or in other processes (/proc/self/fd/3). */
void modules_rename(struct table *t, uint64_t address, const char *path);

/*
 * The module in which pc lies now, as in a code (table.h): its number plus 1, CODE_NO_MODULE or
 * CODE_EARLY. A module that is not in the list is added. pc must be on the caller's stack, so that
 * the module cannot be unloaded meanwhile.
 */
uint32_t modules_note(struct table *t, uint64_t pc);

/* Whether pc lies within the module of this number (plus 1, as in a code). */
static inline bool modules_holds(const struct table *t, uint32_t number, uint64_t pc)
{
	return pc >= t->modules[number - 1].start && pc < t->modules[number - 1].end;
}

/* How often a module has been added or has come back. */
static inline uint32_t modules_changes(const struct table *t)
{
	return load_relaxed(&t->head->module_changes);
}

/* To be called before and after a dlclose(): modules that are no longer there afterwards are marked as gone.
 * modules_forked() is for a child after fork. */
void modules_unloading(struct table *t);
void modules_unloaded(struct table *t);
void modules_forked(struct table *t);

/* Whether no module has ever been unloaded, so that no entry has to be looked at for that. */
static inline bool modules_intact(const struct table *t)
{
	return !load_acquire(&t->local->modules_have_gone);
}

/* False while a thread is unloading modules: then the suffixes may be out of date, and modules_verify() asks the loader
 * whether pc, which must be on the caller's stack, lies in the module of this number (plus 1, as in a code). */
bool modules_settled(const struct table *t);
bool modules_verify(const struct table *t, uint32_t number, uint64_t pc);

/* The module of a code; NULL when the code lies in none. */
const struct module *modules_of_code(const struct table *t, uint32_t code);

static inline const char *modules_path(const struct table *t, const struct module *m)
{
	return t->text + m->path;
}

#endif
