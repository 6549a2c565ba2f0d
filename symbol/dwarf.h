/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DWARF 2 to 5 (dwarfstd.org), as far as it says where code comes from: units, abbreviations,
 * attributes, address ranges. Used by lines.c only; the parts that look up addresses are in
 * dwarf_find.h, dwarf_line.h and dwarf_info.h.
 *
 * Nothing is kept of a section but a window (section.h). Work that a file can cause is
 * bounded by `budget` (bytes read) and `steps` (entries, rows, ranges handled); when either
 * is used up, everything that reads fails and what has been found so far stays.
 *
 * "Text" below is where a string lies: a number that can be kept, compared and sorted, so
 * that all strings are fetched at the end, each once and in the order of the file.
 */
#ifndef SYMBOL_DWARF_H
#define SYMBOL_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "symbol/dwarf_const.h"
#include "symbol/section.h"
#include "symbol/symbol.h"

enum dwarf_section {
	DWARF_INFO, DWARF_ABBREV, DWARF_LINE, DWARF_STR, DWARF_LINE_STR, DWARF_STR_OFFSETS,
	DWARF_ADDR, DWARF_RANGES, DWARF_RNGLISTS, DWARF_ARANGES,
	DWARF_SECTIONS
};

/* Bounds: real debug data stays far below. What reaches the first two takes seconds, so fuzzers are
 * built with less. */
#ifndef DWARF_BUDGET_BYTES
#define DWARF_BUDGET_BYTES	((uint64_t)2 << 30)
#define DWARF_STEPS		((uint64_t)1 << 28)
#endif
#define DWARF_ABBREVS_MAX	((uint32_t)1 << 15)	/* of a unit; LTO: some 1000 */
#define DWARF_ATTRS_MAX		((uint32_t)1 << 17)
#define DWARF_DEPTH_MAX		256u			/* inlined calls in each other */
/* Functions around n addresses, inlined or not; bytes of their names and files' names. */
#define DWARF_SCOPES_MAX(n)	((n) < 16384 ? 4096u + 64u * (uint32_t)(n) : (uint32_t)1 << 20)
#define DWARF_TEXT_BYTES(n)	(((uint64_t)2 << 20) + ((uint64_t)(n) << 12))

#define DWARF_NO_UNIT		UINT64_MAX

/* Text: 0 is none. */
#define DWARF_TEXT(section, offset)	(((uint64_t)(section) + 1) << 56 | (offset))
#define DWARF_TEXT_SECTION(text)	((unsigned)((text) >> 56) - 1)
#define DWARF_TEXT_OFFSET(text)		((text) & (((uint64_t)1 << 56) - 1))

/* An attribute's value, by what it stands for. */
struct dwarf_value {
	enum {
		DWARF_NONE,		/* not there, or of no interest */
		DWARF_CONSTANT,		/* also an offset, which DWARF 2 and 3 write as data4 */
		DWARF_ADDRESS,
		DWARF_ADDRESS_INDEX,	/* into .debug_addr */
		DWARF_STRING,		/* u is a text */
		DWARF_STRING_INDEX,	/* into .debug_str_offsets */
		DWARF_REFERENCE,	/* offset of a DIE in .debug_info */
		DWARF_OFFSET,		/* into another section */
		DWARF_LIST_INDEX,	/* into .debug_rnglists' offsets */
		DWARF_ELSEWHERE,	/* in a file of dwz */
	} kind;
	uint64_t u;
};

/* The attributes that say which code belongs to a DIE: its address and end, or several ranges. */
struct dwarf_extent {
	struct dwarf_value low, high, ranges;
};

struct dwarf_attr {
	uint16_t name, form;		/* name 0: none that we know */
	uint32_t implicit;		/* the value, of DW_FORM_implicit_const */
	/* For skipping: how many from this one on have a fixed size, and their bytes. */
	uint16_t run, run_bytes;
};

struct dwarf_abbrev {
	uint32_t code;
	uint32_t first;			/* in attrs */
	uint16_t count;
	uint16_t tag;
	bool children;
	bool located;			/* has an address or ranges */
};

/* A unit's abbreviations; units often share them. */
struct dwarf_abbrevs {
	uint64_t offset;		/* in .debug_abbrev */
	uint32_t shape;			/* of the unit: sizes depend on it. 0: nothing is loaded */
	struct dwarf_abbrev *table;	/* by ascending code */
	struct dwarf_attr *attrs;
	uint32_t count, room;
	uint32_t attr_count, attr_room;
};

struct dwarf_unit {
	uint64_t offset;		/* of its header in .debug_info */
	uint64_t first;			/* of its first DIE */
	uint64_t end;
	uint64_t abbrev_offset;
	uint16_t version;		/* 2 to 5 */
	uint8_t type;			/* DW_UT_*; compile before DWARF 5 */
	uint8_t address_bytes;		/* 4 or 8 */
	uint8_t offset_bytes;		/* 4 or 8: 32- or 64-bit DWARF */
	/* From the first DIE; dwarf_unit_die(). */
	uint16_t tag;
	uint16_t language;
	bool split;			/* what matters is in a .dwo file */
	uint64_t addr_base, str_base, list_base;
	struct dwarf_extent extent;
	struct dwarf_value line;
	uint64_t comp_dir;		/* a text */
};

/* The debug data of one file. */
struct dwarf {
	struct elf *elf;
	struct symbol_file *file;	/* for `unread` */
	struct arena *scratch;
	struct section section[DWARF_SECTIONS];
	uint64_t budget, steps;
	uint64_t text_bytes;		/* that may still be fetched */
	bool no_memory;
	/* One window for each thing that is read while another is. */
	struct cursor info, side_info, abbrev, line, lists, index, text;
	struct dwarf_unit unit;		/* the one whose turn it is */
	struct dwarf_abbrevs abbrevs;
	struct dwarf_unit side_unit;	/* another one, that its DIEs refer to */
	struct dwarf_abbrevs side_abbrevs;
	uint64_t *unit_index;		/* offsets of every unit_stride-th unit, or NULL */
	uint32_t unit_count, unit_stride;
	uint64_t *directories;		/* texts; of the line table whose turn it is */
	uint32_t directory_room;
};

/* Opens the sections of a file. False when it has no .debug_info, or no memory. */
bool dwarf_open(struct dwarf *d, struct elf *e, struct symbol_file *file, struct arena *scratch);

/* Accounts for a piece of work; false when there has been too much. */
static inline bool dwarf_step(struct dwarf *d, uint64_t count)
{
	if (d->steps < count) {
		d->steps = 0;
		return false;
	}
	d->steps -= count;
	return true;
}

/*
 * Makes room for one more element in an array of scratch memory that grows by doubling, up to
 * max elements. False: full, or no memory.
 */
bool dwarf_grow(struct dwarf *d, void **array, uint32_t used, uint32_t *room, uint32_t max,
		size_t element_bytes);

/* A length that also says whether offsets are 4 or 8 bytes (7.4). */
uint64_t dwarf_initial_length(struct cursor *c, uint8_t *offset_bytes);

/* Units (dwarf_unit.c) */

/*
 * Reads the header at offset. Returns where the next unit begins, 0 after the last one or at
 * a damaged one. u->version is 0 when it is of a version or kind that we cannot read.
 */
uint64_t dwarf_unit_header(struct dwarf *d, struct cursor *c, uint64_t offset,
			   struct dwarf_unit *u);
/* Reads the unit's first DIE, with or without abbreviations loaded (NULL). */
bool dwarf_unit_die(struct dwarf *d, struct cursor *c, struct dwarf_unit *u,
		    const struct dwarf_abbrevs *abbrevs);
/* The header, the first DIE and the abbreviations of the unit at offset. */
bool dwarf_unit_load(struct dwarf *d, struct cursor *c, uint64_t offset, struct dwarf_unit *u,
		     struct dwarf_abbrevs *abbrevs);
/* Loads d->side_unit so that it has the DIE at this offset. */
bool dwarf_side_unit(struct dwarf *d, uint64_t die);

/* Abbreviations (dwarf_abbrev.c) */

bool dwarf_abbrevs_load(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_abbrevs *a);
const struct dwarf_abbrev *dwarf_abbrev_find(const struct dwarf_abbrevs *a, uint64_t code);
/* Goes through a unit's abbreviations without keeping them: false when there is no `code`.
 * Then dwarf_abbrev_attr() gives its attributes one by one. */
bool dwarf_abbrev_seek(struct dwarf *d, const struct dwarf_unit *u, uint64_t code, uint16_t *tag);
/* Reads the next attribute at d->abbrev; false at the end. */
bool dwarf_abbrev_attr(struct dwarf *d, struct dwarf_attr *attr);

/* Attributes' values (dwarf_form.c) */

/* A form's size in bytes, or -1. */
int dwarf_form_bytes(const struct dwarf_unit *u, unsigned form);
/* Past a value. */
void dwarf_skip(struct cursor *c, const struct dwarf_unit *u, unsigned form);
struct dwarf_value dwarf_value(struct cursor *c, const struct dwarf_unit *u,
			       const struct dwarf_attr *attr);
/* What a value stands for: false when that is not to be had. */
bool dwarf_address(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v,
		   uint64_t *addr);
/* A text, or 0. */
uint64_t dwarf_text(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v);
/* The string, in arena, or NULL; also when text_bytes are used up. */
const char *dwarf_fetch(struct dwarf *d, uint64_t text, struct arena *arena);

/* Ranges (dwarf_ranges.c) */

/* Pieces of code that a DIE's DW_AT_low_pc, DW_AT_high_pc, DW_AT_ranges name. */
struct dwarf_ranges {
	struct dwarf *dwarf;
	const struct dwarf_unit *unit;
	enum { DWARF_RANGES_NONE, DWARF_RANGES_ONE, DWARF_RANGES_LIST } kind;
	uint64_t base;			/* of a list's offsets */
	uint64_t low, high;		/* of the one */
};

/* Stores the value if the attribute is one of an extent. False: the attribute is another one. */
bool dwarf_extent_take(struct dwarf_extent *extent, unsigned name, struct dwarf_value v);

void dwarf_ranges_open(struct dwarf_ranges *r, struct dwarf *d, const struct dwarf_unit *u,
		       const struct dwarf_extent *extent);
/* The next piece, low < high, or false. One that begins outside the file's code means nothing:
 * linkers leave such (at 0, 1, -1, -2) of functions that they dropped. */
bool dwarf_ranges_next(struct dwarf_ranges *r, uint64_t *low, uint64_t *high);

#endif
