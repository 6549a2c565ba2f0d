/* SPDX-License-Identifier: GPL-2.0-only */
/* .debug_info: the functions around addresses, and how they are inlined in each other. */
#ifndef SYMBOL_DWARF_INFO_H
#define SYMBOL_DWARF_INFO_H

#include "symbol/dwarf.h"
#include "symbol/dwarf_find.h"

/* A function, or one that is inlined in another, with at least one place in it. */
struct dwarf_scope {
	union {
		uint64_t text;		/* its name: the linkage name, if there is one */
		const char *string;	/* in the end */
	} function;
	uint64_t origin;		/* the DIE that knows more about its name; 0: none */
	uint32_t parent;		/* the scope around it; 0: none */
	uint32_t depth;			/* inlined calls up to it */
	uint32_t level;			/* of its DIE in the unit's tree */
	uint32_t call_file;		/* as dwarf_place.file */
	uint32_t call_line;
	bool inlined;			/* into its parent, if there is one; others may be in one
					 * by their names only, as methods of local classes */
	bool linked;			/* function is a linkage name */
	bool is_c;			/* or would be one if there were any */
};

/* scopes[0] is not used. */
struct dwarf_scopes {
	struct dwarf_scope *scope;
	uint32_t count, room;
};

/* Walks over d->unit and sets `scope` of the places (n of it, by address). */
void dwarf_info_walk(struct dwarf *d, struct dwarf_scopes *scopes, struct dwarf_place *places,
		     size_t n);
/* Follows `origin` of the scopes from `first` on to their names. */
void dwarf_info_names(struct dwarf *d, struct dwarf_scopes *scopes, uint32_t first);

#endif
