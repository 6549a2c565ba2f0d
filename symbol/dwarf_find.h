/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the units that addresses belong to: by .debug_aranges, else by the units' own ranges. */
#ifndef SYMBOL_DWARF_FIND_H
#define SYMBOL_DWARF_FIND_H

#include "symbol/dwarf.h"

#define DWARF_NO_FILE	UINT32_MAX

/* An address whose line and functions are being looked up. */
struct dwarf_place {
	uint64_t addr;
	uint64_t unit;			/* offset of the unit, or DWARF_NO_UNIT */
	uint64_t piece_bytes;		/* size of the range by which `scope` has the address */
	uint32_t which;			/* index in the caller's array of symbols */
	uint32_t scope;			/* the innermost function around the address; 0: none */
	uint32_t file;			/* while the unit is read, the number in its line table; later
					 * the index of a struct dwarf_file; or DWARF_NO_FILE */
	uint32_t line;
	bool row;			/* file and line are known */
};

/* The index of the first of n places, sorted by addr, that lies at or after addr; n if there is
 * none. */
size_t dwarf_place_from(const struct dwarf_place *places, size_t n, uint64_t addr);

/* Sets `unit` of all places (sorted by addr) that belong to some unit, and changes nothing else. */
void dwarf_find_units(struct dwarf *d, struct dwarf_place *places, size_t n);

#endif
