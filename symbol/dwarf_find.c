/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See dwarf_find.h. .debug_aranges (DWARF 5, 6.1.2) tells the unit of an address directly, but
 * compilers need not write that section (clang does not), and one file can hold objects of several
 * compilers. So addresses that it does not cover are looked for in the units themselves, by the
 * ranges in their first DIEs. Units that .debug_aranges has described are left out there. A unit
 * without ranges, as clang writes it for DWARF 2 without extensions, has the addresses that its
 * line table covers.
 */
#include "symbol/dwarf_find.h"

#include "base/search.h"
#include "symbol/dwarf_line.h"
#include "symbol/elf_file.h"

/* One set of .debug_aranges: a header, then pairs of address and length up to `end`. */
struct set {
	uint64_t unit;			/* offset in .debug_info */
	uint64_t end;			/* offset in .debug_aranges */
	uint8_t address_bytes;		/* 0: the set cannot be read */
};

struct find {
	struct dwarf *dwarf;
	struct dwarf_place *places;
	size_t n;
	size_t missing;			/* places without a unit */
};

size_t dwarf_place_from(const struct dwarf_place *places, size_t n, uint64_t addr)
{
	return search_first(n, i, places[i].addr < addr);
}

/* Gives a unit the places in [low, high) that no other unit has claimed before. */
static void claim(struct find *f, uint64_t low, uint64_t high, uint64_t unit)
{
	size_t i;

	if (f->places[f->n - 1].addr < low || f->places[0].addr >= high ||
	    !elf_code_at(f->dwarf->elf, low))
		return;
	for (i = dwarf_place_from(f->places, f->n, low); i < f->n; i++) {
		struct dwarf_place *p = &f->places[i];

		if (p->addr >= high || !dwarf_step(f->dwarf, 1))
			break;
		if (p->unit == DWARF_NO_UNIT) {
			p->unit = unit;
			f->missing--;
		}
	}
}

/* Reads the header of the set at an offset. False: there are no more sets. */
static bool next_set(struct dwarf *d, struct cursor *c, uint64_t offset, struct set *set)
{
	uint8_t offset_bytes, segment_bytes;
	uint64_t length;
	uint16_t version;

	cursor_open(c, &d->section[DWARF_ARANGES], offset, UINT64_MAX);
	length = dwarf_initial_length(c, &offset_bytes);
	if (!length || length > cursor_left(c) || !dwarf_step(d, 1))
		return false;
	set->end = cursor_at(c) + length;
	version = cursor_u16(c);
	set->unit = cursor_word(c, offset_bytes);
	set->address_bytes = cursor_u8(c);
	segment_bytes = cursor_u8(c);
	if (c->bad || version != 2 || segment_bytes ||
	    (set->address_bytes != 4 && set->address_bytes != 8)) {
		set->address_bytes = 0;
	} else {
		/* Pairs are aligned to their size, counted from the start of the set. */
		uint64_t pair = 2u * set->address_bytes;
		uint64_t past = (cursor_at(c) - offset) % pair;

		cursor_skip(c, past ? pair - past : 0);
	}
	return true;
}

static void read_aranges(struct find *f)
{
	struct dwarf *d = f->dwarf;
	struct cursor *c = &d->lists;
	struct set set;

	for (uint64_t at = 0; f->missing && next_set(d, c, at, &set); at = set.end) {
		unsigned pair = 2u * set.address_bytes;

		while (pair && !c->bad && cursor_at(c) < set.end && set.end - cursor_at(c) >= pair) {
			uint64_t low = cursor_word(c, set.address_bytes);
			uint64_t length = cursor_word(c, set.address_bytes);

			if (c->bad || (!low && !length) || !dwarf_step(d, 1))
				break;
			if (length <= UINT64_MAX - low)
				claim(f, low, low + length, set.unit);
		}
	}
}

/* Gives d->unit, which does not say which code it has, the places in its line table. */
static void claim_lines(struct find *f)
{
	struct dwarf *d = f->dwarf;
	struct dwarf_line line;

	if (!dwarf_line_open(d, &line) || !dwarf_step(d, f->n))
		return;
	dwarf_line_run(d, &line, f->places, f->n);
	for (size_t i = 0; i < f->n; i++) {
		struct dwarf_place *p = &f->places[i];

		if (p->row && p->unit == DWARF_NO_UNIT) {
			p->unit = d->unit.offset;
			f->missing--;
		}
		p->row = false;
		p->file = DWARF_NO_FILE;
		p->line = 0;
	}
}

static void read_units(struct find *f)
{
	struct dwarf *d = f->dwarf;
	struct set set = { .end = 0 };
	bool sets = true, known = false;
	struct dwarf_unit u;
	uint64_t offset, next;

	/* As a rule, both sections have the units in the order of the object files. */
	for (offset = 0; f->missing && (next = dwarf_unit_header(d, &d->info, offset, &u));
	     offset = next) {
		struct dwarf_ranges r;
		uint64_t low, high;

		while (sets && (!known || set.unit < offset)) {
			sets = next_set(d, &d->index, set.end, &set);
			known = sets;
		}
		if (known && set.unit == offset)
			continue;
		if (!u.version || (u.type != DW_UT_compile && u.type != DW_UT_skeleton) ||
		    !dwarf_unit_die(d, &d->info, &u, NULL))
			continue;
		if (u.extent.ranges.kind == DWARF_NONE && u.extent.high.kind == DWARF_NONE) {
			d->unit = u;
			claim_lines(f);
			continue;
		}
		dwarf_ranges_open(&r, d, &u, &u.extent);
		while (f->missing && dwarf_ranges_next(&r, &low, &high))
			claim(f, low, high, offset);
	}
}

void dwarf_find_units(struct dwarf *d, struct dwarf_place *places, size_t n)
{
	struct find f = { .dwarf = d, .places = places, .n = n, .missing = n };

	if (!n)
		return;
	read_aranges(&f);
	if (f.missing)
		read_units(&f);
	section_close(&d->section[DWARF_ARANGES]);
}
