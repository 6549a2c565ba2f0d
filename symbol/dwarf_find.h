/* SPDX-License-Identifier: GPL-2.0-only */
/* Which unit an address belongs to: by .debug_aranges, else by the units' own ranges. */
#ifndef SYMBOL_DWARF_FIND_H
#define SYMBOL_DWARF_FIND_H

#include "symbol/dwarf.h"

/* An address on its way to a line. */
struct dwarf_place {
	uint64_t addr;
	uint64_t unit;			/* offset of its unit, or DWARF_NO_UNIT */
	uint64_t piece_bytes;		/* of the piece of code that made `scope` its function */
	uint32_t which;			/* its index in the caller's array */
	uint32_t scope;			/* innermost function around it; 0: none */
	uint32_t file;			/* while its unit is read: the line table's number; then the
					 * index of a struct dwarf_file */
	uint32_t line;
	bool row;			/* file and line are known */
};

/* The first of n places, sorted by addr, that lies at or after addr. */
size_t dwarf_place_from(const struct dwarf_place *places, size_t n, uint64_t addr);

/* Sets `unit` of all places (sorted by addr) that some unit claims. */
void dwarf_find_units(struct dwarf *d, struct dwarf_place *places, size_t n);

#endif
