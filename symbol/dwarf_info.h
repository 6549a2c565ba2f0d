/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads from .debug_info which functions are around addresses, and how they are inlined in each
 * other. */
#ifndef SYMBOL_DWARF_INFO_H
#define SYMBOL_DWARF_INFO_H

#include "symbol/dwarf.h"
#include "symbol/dwarf_find.h"

/* A function, perhaps inlined in another one, that contains at least one place. */
struct dwarf_scope {
	union {
		uint64_t text;		/* the name: the linkage name, if there is one */
		const char *string;	/* the same, after lines.c has fetched it */
	} function;
	uint64_t origin;		/* offset of the DIE that may have a better name; 0: none */
	uint32_t parent;		/* the scope around this one; 0: none */
	uint32_t depth;			/* how many inlined calls lead to this function */
	uint32_t level;			/* of the DIE in the unit's tree */
	uint32_t call_file;		/* of the inlined call, as dwarf_place.file */
	uint32_t call_line;
	bool inlined;			/* into the parent, if there is one. A function that is not
					 * inlined can have a parent that it lies in only by name,
					 * as methods of local classes do */
	bool linked;			/* the name is a linkage name */
	bool is_c;			/* the language has no linkage names, so the name is as good */
};

/* scope[0] is not used. */
struct dwarf_scopes {
	struct dwarf_scope *scope;
	uint32_t count, room, max;
};

/* Walks over d->unit and sets `scope` of its n places, which are sorted by address. New scopes are
 * appended. Places keep scope 0 where the unit has no function, is damaged, or memory is short. */
void dwarf_info_walk(struct dwarf *d, struct dwarf_scopes *scopes, struct dwarf_place *places,
		     size_t n);
/* Sets the names of the scopes from `first` on that have an `origin`. */
void dwarf_info_names(struct dwarf *d, struct dwarf_scopes *scopes, uint32_t first);

#endif
