/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads DWARF 2 to 5 (dwarfstd.org), as far as it tells the source of code: units, abbreviations,
 * attributes and address ranges. Section numbers in comments are those of DWARF 5. The header is for
 * lines.c and the other parts of the reader, dwarf_find.h, dwarf_line.h and dwarf_info.h, which look
 * addresses up.
 *
 * Of a section, only a window is kept in memory (section.h). The work that a file can cause is
 * bounded by `budget` (bytes read) and `steps` (entries, rows and ranges handled). When either is
 * used up, each function that reads fails, and the results so far stay.
 *
 * A "text" below is the place of a string: a number that can be kept, compared and sorted. So all
 * strings are fetched at the end, each once and in the order of the file.
 *
 * Everything here is async-signal-safe. A struct dwarf belongs to one user at a time.
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

/* Bounds, which real debug data stays far below. A file that reaches the first two takes seconds,
 * so fuzzers are built with lower ones. */
#ifndef DWARF_BUDGET_BYTES
#define DWARF_BUDGET_BYTES	((uint64_t)2 << 30)
#define DWARF_STEPS		((uint64_t)1 << 28)
#endif
#define DWARF_ABBREVS_MAX	((uint32_t)1 << 15)	/* of a unit; with LTO some 1000 */
#define DWARF_ATTRS_MAX		((uint32_t)1 << 17)
#define DWARF_DEPTH_MAX		256u			/* inlined calls within each other */
/* For n addresses: functions around them, inlined or not, and bytes of names of functions and
 * files. */
#define DWARF_SCOPES_MAX(n)	((n) < 16384 ? 4096u + 64u * (uint32_t)(n) : (uint32_t)1 << 20)
#define DWARF_TEXT_BYTES(n)	(((uint64_t)2 << 20) + ((uint64_t)(n) << 12))

#define DWARF_NO_UNIT		UINT64_MAX

/* A text: the section and the offset of a string. 0: there is none. */
#define DWARF_TEXT(section, offset)	(((uint64_t)(section) + 1) << 56 | (offset))
#define DWARF_TEXT_SECTION(text)	((unsigned)((text) >> 56) - 1)
#define DWARF_TEXT_OFFSET(text)		((text) & (((uint64_t)1 << 56) - 1))

/* An attribute's value. The kind says how to understand `u`. */
struct dwarf_value {
	enum {
		DWARF_NONE,		/* the attribute is missing, or its value is of no interest */
		DWARF_CONSTANT,		/* or an offset, which DWARF 2 and 3 write as data4 */
		DWARF_ADDRESS,
		DWARF_ADDRESS_INDEX,	/* into .debug_addr */
		DWARF_STRING,		/* u is a text */
		DWARF_STRING_INDEX,	/* into .debug_str_offsets */
		DWARF_REFERENCE,	/* offset of a DIE in .debug_info */
		DWARF_OFFSET,		/* into another section */
		DWARF_LIST_INDEX,	/* into .debug_rnglists' offsets */
		DWARF_ELSEWHERE,	/* in another file, which dwz made */
	} kind;
	uint64_t u;
};

/* The attributes that say which code belongs to a DIE: its address and end, or several ranges. */
struct dwarf_extent {
	struct dwarf_value low, high, ranges;
};

struct dwarf_attr {
	uint16_t name, form;		/* name 0: one that nothing here needs */
	uint32_t implicit;		/* with DW_FORM_implicit_const: the value */
	/* For skipping: how many attributes from this one on have a fixed size, and their bytes. */
	uint16_t run, run_bytes;
};

struct dwarf_abbrev {
	uint32_t code;
	uint32_t first;			/* index of the first attribute in `attrs` */
	uint16_t count;
	uint16_t tag;
	bool children;
	bool located;			/* has DW_AT_low_pc or DW_AT_ranges */
};

/* The abbreviations of a unit. Units often share them. */
struct dwarf_abbrevs {
	uint64_t offset;		/* in .debug_abbrev */
	uint32_t shape;			/* the unit's version and sizes, which the sizes of attributes
					 * depend on. 0: nothing is loaded */
	struct dwarf_abbrev *table;	/* by ascending code */
	struct dwarf_attr *attrs;
	uint32_t count, room;
	uint32_t attr_count, attr_room;
};

struct dwarf_unit {
	uint64_t offset;		/* of the unit's header in .debug_info */
	uint64_t first;			/* offset of its first DIE */
	uint64_t end;			/* offset behind its last byte */
	uint64_t abbrev_offset;
	uint16_t version;		/* 2 to 5 */
	uint8_t type;			/* DW_UT_*; before DWARF 5, DW_UT_compile */
	uint8_t address_bytes;		/* 4 or 8 */
	uint8_t offset_bytes;		/* 4 or 8: 32- or 64-bit DWARF */
	/* The rest comes from the first DIE: see dwarf_unit_die(). */
	uint16_t tag;
	uint16_t language;
	bool split;			/* the functions and lines are in a .dwo file */
	uint64_t addr_base, str_base, list_base;
	struct dwarf_extent extent;
	struct dwarf_value line;
	uint64_t comp_dir;		/* a text */
};

/* The debug data of one file. */
struct dwarf {
	struct elf *elf;
	struct symbol_file *file;	/* whose `unread` tells what could not be read */
	struct arena *scratch;
	struct section section[DWARF_SECTIONS];
	uint64_t budget, steps;
	uint64_t text_bytes;		/* how many bytes of strings may still be fetched */
	bool no_memory;
	/* Things that are read alternately have a window each. */
	struct cursor info, side_info, abbrev, line, lists, index, text;
	struct dwarf_unit unit;		/* the unit that is being resolved */
	struct dwarf_abbrevs abbrevs;
	struct dwarf_unit side_unit;	/* another unit, which DIEs of `unit` refer to */
	struct dwarf_abbrevs side_abbrevs;
	uint64_t *unit_index;		/* offsets of every unit_stride-th unit, or NULL */
	uint32_t unit_count, unit_stride;
	uint64_t *directories;		/* of the line table that is being read: texts */
	uint32_t directory_room;
};

/* Opens the debug sections of a file. False: there is no .debug_info, or no memory (no_memory is
 * set). All memory comes from scratch, which has to live as long as d. There is nothing to close. */
bool dwarf_open(struct dwarf *d, struct elf *e, struct symbol_file *file, struct arena *scratch);

/* Charges `count` steps of work. False: there has been too much work, and each later call fails,
 * too. */
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
 * Makes room for one more element in an array of scratch memory that has `used` of *room elements
 * and grows by doubling, up to max elements. False: the array is full, or there is no memory
 * (no_memory is set).
 */
bool dwarf_grow(struct dwarf *d, void **array, uint32_t used, uint32_t *room, uint32_t max,
		size_t element_bytes);

/* Reads a length that also says whether offsets have 4 or 8 bytes (7.4). */
uint64_t dwarf_initial_length(struct cursor *c, uint8_t *offset_bytes);

/* Units (dwarf_unit.c) */

/*
 * Reads the unit header at an offset of .debug_info. Returns where the next unit begins, or 0 after
 * the last unit and at a damaged one. u->version is 0 when the unit has a version or type that
 * cannot be read here.
 */
uint64_t dwarf_unit_header(struct dwarf *d, struct cursor *c, uint64_t offset,
			   struct dwarf_unit *u);
/* Reads the unit's first DIE. abbrevs: the unit's, or NULL if they are not loaded. False: damaged. */
bool dwarf_unit_die(struct dwarf *d, struct cursor *c, struct dwarf_unit *u,
		    const struct dwarf_abbrevs *abbrevs);
/* Reads the header, the abbreviations and the first DIE of the unit at an offset. False: it cannot
 * be read. */
bool dwarf_unit_load(struct dwarf *d, struct cursor *c, uint64_t offset, struct dwarf_unit *u,
		     struct dwarf_abbrevs *abbrevs);
/* Loads into d->side_unit the unit that has the DIE at this offset of .debug_info. False: there is
 * none, or it cannot be read. */
bool dwarf_side_unit(struct dwarf *d, uint64_t die);

/* Abbreviations (dwarf_abbrev.c) */

/* Loads a unit's abbreviations, unless `a` has them already. False: damaged, or no memory. */
bool dwarf_abbrevs_load(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_abbrevs *a);
/* The abbreviation with this code, or NULL. Valid until the next dwarf_abbrevs_load(). */
const struct dwarf_abbrev *dwarf_abbrev_find(const struct dwarf_abbrevs *a, uint64_t code);
/* Looks for an abbreviation without keeping others. False: the unit has no such code. After that,
 * dwarf_abbrev_attr() returns its attributes one by one. */
bool dwarf_abbrev_seek(struct dwarf *d, const struct dwarf_unit *u, uint64_t code, uint16_t *tag);
/* Reads the next attribute at d->abbrev. False: there is none, or it is damaged. */
bool dwarf_abbrev_attr(struct dwarf *d, struct dwarf_attr *attr);

/* Attributes' values (dwarf_form.c) */

/* The size of a form in bytes, or -1 if it is not fixed. */
int dwarf_form_bytes(const struct dwarf_unit *u, unsigned form);
/* Goes past a value of this form; c->bad if the form is unknown. */
void dwarf_skip(struct cursor *c, const struct dwarf_unit *u, unsigned form);
/* Reads the value of an attribute, or goes past it and returns DWARF_NONE. */
struct dwarf_value dwarf_value(struct cursor *c, const struct dwarf_unit *u,
			       const struct dwarf_attr *attr);
/* The address that a value stands for. False: it stands for none, or .debug_addr cannot be read. */
bool dwarf_address(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v,
		   uint64_t *addr);
/* The text that a value stands for, or 0. */
uint64_t dwarf_text(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v);
/* The string of a text, copied into the arena. NULL: there is none, it is damaged, text_bytes are
 * used up, or there is no memory. */
const char *dwarf_fetch(struct dwarf *d, uint64_t text, struct arena *arena);

/* Ranges (dwarf_ranges.c) */

/* An iterator over the address ranges of an extent (2.17). */
struct dwarf_ranges {
	struct dwarf *dwarf;
	const struct dwarf_unit *unit;
	enum { DWARF_RANGES_NONE, DWARF_RANGES_ONE, DWARF_RANGES_LIST } kind;
	uint64_t base;			/* DWARF_RANGES_LIST: what the list's offsets are added to */
	uint64_t low, high;		/* DWARF_RANGES_ONE: the range */
};

/* Stores the value if the attribute is one of an extent. False: the attribute is another one. */
bool dwarf_extent_take(struct dwarf_extent *extent, unsigned name, struct dwarf_value v);

/* Begins an iteration. It uses d->lists until its end, so there can be one at a time. */
void dwarf_ranges_open(struct dwarf_ranges *r, struct dwarf *d, const struct dwarf_unit *u,
		       const struct dwarf_extent *extent);
/* The next range, low < high, or false. A range that begins outside the file's code means nothing:
 * linkers leave such ranges (at 0, 1, -1, -2) of functions that they dropped. */
bool dwarf_ranges_next(struct dwarf_ranges *r, uint64_t *low, uint64_t *high);

#endif
