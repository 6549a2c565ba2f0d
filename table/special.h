/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows that are not of blocks of malloc's. Their frame 0 is no address, but a small number: a kind and the number of a
 * name. Nothing in a program lies at so low an address (vm.mmap_min_addr, proc(5)).
 *
 *	| 15 .. 12 | 11 .. 0 |
 *	    kind	name		SPECIAL_POOL and "connections": a block of the pool of this name
 *
 * The names are kept in the table's text and listed in its header, so a reader of the table can print them.
 */
#ifndef TABLE_SPECIAL_H
#define TABLE_SPECIAL_H

#include "table.h"

enum special_kind {
	SPECIAL_NOT,			/* an address */
	SPECIAL_POOL = 1,		/* a block of a pool */
	SPECIAL_PAGES,			/* mapped pages. Not among the heap's figures */
};

#define SPECIAL_KIND_SHIFT	12
#define SPECIAL_LEAST		((uint64_t)1 << SPECIAL_KIND_SHIFT)
#define SPECIAL_END		((uint64_t)16 << SPECIAL_KIND_SHIFT)

/* The frame 0 of a row of this kind with this name. */
static inline uintptr_t special_frame(enum special_kind kind, uint32_t name)
{
	return (uintptr_t)kind << SPECIAL_KIND_SHIFT | name;
}

static inline bool special_is(uint64_t pc)
{
	return pc >= SPECIAL_LEAST && pc < SPECIAL_END;
}

/* The kind of a frame 0. */
static inline enum special_kind special_kind(uint64_t pc)
{
	return special_is(pc) ? (enum special_kind)(pc >> SPECIAL_KIND_SHIFT) : SPECIAL_NOT;
}

/*
 * Finds or makes the number of a name, which is cut at SPECIAL_NAME_BYTES - 1 bytes. Returns 0 if there is no room:
 * then all such names share the number 0. Two threads that come with the same name at once can make two numbers of the
 * same name. Any thread, inside the guard, async-signal-safe.
 */
#define SPECIAL_NAME_BYTES	64u
uint32_t special_name_number(struct table *t, const char *name);

/* The name with this number, or "" for 0 and for what a damaged table has. */
const char *special_name(const struct table *t, uint32_t number);

/* The frame 0 of a row of a special kind, or 0. Bounds-checked. */
uint64_t special_of_row(const struct table *t, uint32_t row);

/* The kind of a row, by its frame 0. */
static inline enum special_kind special_kind_of_row(const struct table *t, uint32_t row)
{
	return special_kind(special_of_row(t, row));
}

/* The number of the name in a frame 0 of a special kind. */
static inline uint32_t special_number(uint64_t pc)
{
	return (uint32_t)(pc & (SPECIAL_LEAST - 1));
}

/* The name of a frame 0 of a special kind. */
static inline const char *special_name_of(const struct table *t, uint64_t pc)
{
	return special_name(t, special_number(pc));
}

#endif
