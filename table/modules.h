/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loaded modules (the program, its libraries) that frames of the table lie in: enough
 * to find names for them later, even after a dlclose, even in another process.
 *
 * The list only grows. A module is noted when code in it is first met; when another module
 * has come to lie at the same addresses (dlclose, dlopen), that is a new entry, and the old
 * one is marked as gone: its codes are not taken for the new one's.
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
	uint8_t unused;
	uint16_t build_id_at;		/* bytes from start, if it is in the file's first page; or 0 */
	uint32_t gone;			/* it has been unloaded, or another one lies there */
};

_Static_assert(sizeof(struct module) == 56, "no padding that differs between machines");

/*
 * Prepares for modules_note(): finds the lookup of libc and what is loaded now. Takes the
 * loader's locks: at start only, never from a hook or a signal.
 */
void modules_init(struct table *t);

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

/* How often a module has been added, or come back. */
static inline uint32_t modules_changes(const struct table *t)
{
	return load_relaxed(&t->head->module_changes);
}

/* Around a dlclose; what is no longer there afterwards is marked. modules_forked() in a child. */
void modules_unloading(struct table *t);
void modules_unloaded(struct table *t);
void modules_forked(struct table *t);

/* Whether no module has ever gone, so that none has to be looked at for it. */
static inline bool modules_intact(const struct table *t)
{
	return !load_acquire(&t->local->modules_have_gone);
}

/* False: some thread is unloading modules, so the marks may be behind; then modules_verify() tells
 * whether pc, on the caller's stack, lies in the module of this number (plus 1, as in a code). */
bool modules_settled(const struct table *t);
bool modules_verify(const struct table *t, uint32_t number, uint64_t pc);

/* A code's module; NULL: it lies in none. */
const struct module *modules_of_code(const struct table *t, uint32_t code);

static inline const char *modules_path(const struct table *t, const struct module *m)
{
	return t->text + m->path;
}

#endif
