/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Abbreviations (DWARF 5, 7.5.3) describe what DIEs of one kind look like.
 *
 *	05  2e  01	code 5, DW_TAG_subprogram, has children
 *	03  08		DW_AT_name, DW_FORM_string
 *	11  01		DW_AT_low_pc, DW_FORM_addr
 *	00  00		end of this abbreviation; a code of 0 ends the table
 *
 * All known producers number them 1, 2, 3, ..., so an abbreviation is mostly found at the index
 * that its code says. In tables with other numbers, binary search finds it.
 */
#include "symbol/dwarf.h"

#include "base/search.h"
#include "base/sort.h"

/* The properties of a unit on which the sizes of forms depend, as one number that is never 0. */
static uint32_t shape(const struct dwarf_unit *u)
{
	return (uint32_t)u->version << 16 | (uint32_t)u->address_bytes << 8 | u->offset_bytes;
}

/* Reads one attribute's specification. False: the list has ended, or it is damaged. */
static bool read_attr(struct cursor *c, struct dwarf_attr *attr)
{
	uint64_t name = cursor_uleb(c), form = cursor_uleb(c);
	int64_t implicit = form == DW_FORM_implicit_const ? cursor_sleb(c) : 0;

	if (c->bad || (!name && !form))
		return false;
	attr->name = name <= UINT16_MAX ? (uint16_t)name : 0;
	attr->form = form <= UINT16_MAX ? (uint16_t)form : UINT16_MAX;
	attr->implicit = implicit >= 0 && implicit <= UINT32_MAX ? (uint32_t)implicit : 0;
	return true;
}

static bool read_attrs(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_abbrevs *a,
		       struct dwarf_abbrev *abbrev)
{
	struct dwarf_attr attr = { .name = 0 };
	uint16_t run = 0, run_bytes = 0;

	abbrev->first = a->attr_count;
	while (read_attr(&d->abbrev, &attr)) {
		if (abbrev->count == UINT16_MAX ||
		    !dwarf_grow(d, (void **)&a->attrs, a->attr_count, &a->attr_room,
				DWARF_ATTRS_MAX, sizeof(attr)))
			return false;
		a->attrs[a->attr_count++] = attr;
		abbrev->count++;
		abbrev->located |= attr.name == DW_AT_low_pc || attr.name == DW_AT_ranges;
	}
	for (uint32_t i = a->attr_count; i-- > abbrev->first; ) {
		int bytes = dwarf_form_bytes(u, a->attrs[i].form);

		if (bytes < 0 || run_bytes > UINT16_MAX - 16)
			run = run_bytes = 0;
		if (bytes >= 0) {
			run++;
			run_bytes = (uint16_t)(run_bytes + bytes);
		}
		a->attrs[i].run = run;
		a->attrs[i].run_bytes = run_bytes;
	}
	return !d->abbrev.bad;
}

/* Sorts by code. Of equal codes, the first one stays first, and so is the one that is found. */
static bool sort_table(struct dwarf *d, struct dwarf_abbrevs *a)
{
	struct arena work = { .spares = d->file->spares };
	struct sort_entry *order = arena_alloc(&work, a->count * sizeof(*order));
	struct dwarf_abbrev *copy = arena_alloc(&work, a->count * sizeof(*copy));
	bool ok = order && copy;

	for (uint32_t i = 0; ok && i < a->count; i++) {
		order[i] = (struct sort_entry){ ~(uint64_t)a->table[i].code, i };
		copy[i] = a->table[i];
	}
	if (ok) {
		sort_largest(order, a->count, a->count);
		for (uint32_t i = 0; i < a->count; i++)
			a->table[i] = copy[order[i].index];
	} else {
		d->no_memory = true;
	}
	arena_release(&work);
	return ok;
}

bool dwarf_abbrevs_load(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_abbrevs *a)
{
	struct cursor *c = &d->abbrev;
	bool ascending = true;

	if (a->shape == shape(u) && a->offset == u->abbrev_offset)
		return true;
	a->shape = 0;
	a->count = a->attr_count = 0;
	cursor_open(c, &d->section[DWARF_ABBREV], u->abbrev_offset, UINT64_MAX);
	for (;;) {
		uint64_t code = cursor_uleb(c);
		struct dwarf_abbrev *abbrev;
		uint64_t tag;

		if (!code)
			break;
		if (code > UINT32_MAX ||
		    !dwarf_grow(d, (void **)&a->table, a->count, &a->room, DWARF_ABBREVS_MAX,
				sizeof(a->table[0])))
			return false;
		if (a->count && code <= a->table[a->count - 1].code)
			ascending = false;
		abbrev = &a->table[a->count++];
		*abbrev = (struct dwarf_abbrev){ .code = (uint32_t)code };
		tag = cursor_uleb(c);
		abbrev->tag = tag <= UINT16_MAX ? (uint16_t)tag : 0;
		abbrev->children = cursor_u8(c);
		if (!read_attrs(d, u, a, abbrev) || !dwarf_step(d, abbrev->count))
			return false;
	}
	if (c->bad || (!ascending && !sort_table(d, a)))
		return false;
	a->offset = u->abbrev_offset;
	a->shape = shape(u);
	return true;
}

const struct dwarf_abbrev *dwarf_abbrev_find(const struct dwarf_abbrevs *a, uint64_t code)
{
	size_t at;

	if (code && code <= a->count && a->table[code - 1].code == code)
		return &a->table[code - 1];
	at = search_first(a->count, i, a->table[i].code < code);
	return at < a->count && a->table[at].code == code ? &a->table[at] : NULL;
}

bool dwarf_abbrev_seek(struct dwarf *d, const struct dwarf_unit *u, uint64_t code, uint16_t *tag)
{
	struct cursor *c = &d->abbrev;
	uint64_t at;

	cursor_open(c, &d->section[DWARF_ABBREV], u->abbrev_offset, UINT64_MAX);
	while ((at = cursor_uleb(c)) && dwarf_step(d, 1)) {
		struct dwarf_attr attr;
		uint64_t number = cursor_uleb(c);

		*tag = number <= UINT16_MAX ? (uint16_t)number : 0;
		cursor_u8(c);
		if (at == code)
			return !c->bad;
		while (read_attr(c, &attr))
			if (!dwarf_step(d, 1))
				return false;
	}
	return false;
}

bool dwarf_abbrev_attr(struct dwarf *d, struct dwarf_attr *attr)
{
	return read_attr(&d->abbrev, attr);
}
