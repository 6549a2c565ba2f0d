/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Units (DWARF 5, 7.5.1). Their headers form a chain through .debug_info, and the attributes of the
 * first DIE hold for the whole unit.
 */
#include "symbol/dwarf.h"

#include <string.h>

#include "base/search.h"
#include "symbol/elf_file.h"

#define INDEX_MAX	((uint32_t)1 << 15)	/* offsets of units that are kept: 256 KB */

/* The sections' names without ".debug_", by enum dwarf_section. */
static const char names[] = "info\0" "abbrev\0" "line\0" "str\0" "line_str\0" "str_offsets\0" "addr\0" "ranges\0"
			    "rnglists\0" "aranges";

bool dwarf_open(struct dwarf *d, struct elf *e, struct symbol_file *file, struct arena *scratch)
{
	*d = (struct dwarf){
		.elf = e, .file = file, .scratch = scratch,
		.budget = DWARF_BUDGET_BYTES, .steps = DWARF_STEPS,
	};
	sections_open(d->section, names, DWARF_SECTIONS, e, &d->budget, scratch);
	for (unsigned i = 0; i < DWARF_SECTIONS; i++) {
		if (d->section[i].zstd)
			file->unread |= SYMBOL_UNREAD_ZSTD;
	}
	if (!d->section[DWARF_INFO].size_bytes)
		return false;
	d->no_memory = !(cursor_init(&d->info, 32768, scratch) &&
			 cursor_init(&d->side_info, 8192, scratch) &&
			 cursor_init(&d->abbrev, 8192, scratch) &&
			 cursor_init(&d->line, 16384, scratch) &&
			 cursor_init(&d->lists, 8192, scratch) &&
			 cursor_init(&d->index, 4096, scratch) &&
			 cursor_init(&d->text, 4096, scratch));
	return !d->no_memory;
}

bool dwarf_grow(struct dwarf *d, void **array, uint32_t used, uint32_t *room, uint32_t max,
		size_t element_bytes)
{
	uint32_t more = *room ? *room * 2 : 256;
	void *mem;

	if (used < *room)
		return true;
	if (used >= max)
		return false;
	if (more > max)
		more = max;
	mem = arena_alloc(d->scratch, more * element_bytes);
	if (!mem) {
		d->no_memory = true;
		return false;
	}
	if (used)
		memcpy(mem, *array, used * element_bytes);
	*array = mem;
	*room = more;
	return true;
}

uint64_t dwarf_initial_length(struct cursor *c, uint8_t *offset_bytes)
{
	uint64_t length = cursor_u32(c);

	*offset_bytes = 4;
	if (length == UINT32_MAX) {
		*offset_bytes = 8;
		length = cursor_word(c, 8);
	} else if (length >= 0xfffffff0) {	/* these values are reserved */
		c->bad = true;
	}
	return length;
}

uint64_t dwarf_unit_header(struct dwarf *d, struct cursor *c, uint64_t offset,
			   struct dwarf_unit *u)
{
	uint64_t length;

	*u = (struct dwarf_unit){ .offset = offset, .type = DW_UT_compile };
	cursor_open(c, &d->section[DWARF_INFO], offset, UINT64_MAX);
	length = dwarf_initial_length(c, &u->offset_bytes);
	if (!length || length > cursor_left(c) || !dwarf_step(d, 1))
		return 0;
	u->end = cursor_at(c) + length;
	u->version = cursor_u16(c);
	if (u->version >= 5) {
		u->type = cursor_u8(c);
		u->address_bytes = cursor_u8(c);
		u->abbrev_offset = cursor_word(c, u->offset_bytes);
		if (u->type == DW_UT_skeleton || u->type == DW_UT_split_compile)
			cursor_skip(c, 8);
		else if (u->type == DW_UT_type || u->type == DW_UT_split_type)
			cursor_skip(c, 8 + u->offset_bytes);
	} else {
		u->abbrev_offset = cursor_word(c, u->offset_bytes);
		u->address_bytes = cursor_u8(c);
	}
	u->first = cursor_at(c);
	if (c->bad || u->first > u->end || u->version < 2 || u->version > 5 ||
	    (u->address_bytes != 4 && u->address_bytes != 8) || !u->type ||
	    u->type > DW_UT_split_type)
		u->version = 0;
	return u->end;
}

/* Where a unit names no bases, its tables begin behind the first header of their section (7.26 to
 * 7.28). */
static void default_bases(struct dwarf_unit *u)
{
	bool five = u->version >= 5;

	u->str_base = five ? (u->offset_bytes == 4 ? 8 : 16) : 0;
	u->addr_base = five ? (u->offset_bytes == 4 ? 8 : 16) : 0;
	u->list_base = five ? (u->offset_bytes == 4 ? 12 : 20) : 0;
}

static void take_attr(struct dwarf_unit *u, unsigned name, struct dwarf_value v,
		      struct dwarf_value *comp_dir)
{
	if (dwarf_extent_take(&u->extent, name, v))
		return;
	switch (name) {
	case DW_AT_stmt_list:
		u->line = v;
		break;
	case DW_AT_comp_dir:
		*comp_dir = v;
		break;
	case DW_AT_language:
		u->language = v.u <= UINT16_MAX ? (uint16_t)v.u : 0;
		break;
	case DW_AT_str_offsets_base:
		u->str_base = v.u;
		break;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base:
		u->addr_base = v.u;
		break;
	case DW_AT_rnglists_base:
		u->list_base = v.u;
		break;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name:
		u->split = true;
		break;
	}
}

bool dwarf_unit_die(struct dwarf *d, struct cursor *c, struct dwarf_unit *u,
		    const struct dwarf_abbrevs *abbrevs)
{
	struct dwarf_value comp_dir = { .kind = DWARF_NONE };
	const struct dwarf_abbrev *abbrev = NULL;
	struct dwarf_attr attr;
	uint64_t code;

	cursor_open(c, &d->section[DWARF_INFO], u->first, u->end);
	code = cursor_uleb(c);
	if (!code)
		return false;
	default_bases(u);
	if (abbrevs) {
		abbrev = dwarf_abbrev_find(abbrevs, code);
		if (!abbrev)
			return false;
		u->tag = abbrev->tag;
	} else if (!dwarf_abbrev_seek(d, u, code, &u->tag)) {
		return false;
	}
	for (uint32_t i = 0; !c->bad; i++) {
		if (abbrev && i < abbrev->count)
			attr = abbrevs->attrs[abbrev->first + i];
		else if (abbrev || !dwarf_abbrev_attr(d, &attr))
			break;
		take_attr(u, attr.name, dwarf_value(c, u, &attr), &comp_dir);
	}
	u->comp_dir = dwarf_text(d, u, comp_dir);
	return !c->bad;
}

bool dwarf_unit_load(struct dwarf *d, struct cursor *c, uint64_t offset, struct dwarf_unit *u,
		     struct dwarf_abbrevs *abbrevs)
{
	return dwarf_unit_header(d, c, offset, u) && u->version &&
	       dwarf_abbrevs_load(d, u, abbrevs) && dwarf_unit_die(d, c, u, abbrevs);
}

/* Makes d->unit_index, with each unit_stride-th unit: when the table is full, every second entry is
 * dropped, and the stride doubles. */
static bool index_units(struct dwarf *d)
{
	struct dwarf_unit u;
	uint64_t offset = 0, next;
	uint32_t skipped = 0;

	if (d->unit_index)
		return true;
	d->unit_index = arena_alloc(d->scratch, INDEX_MAX * sizeof(d->unit_index[0]));
	if (!d->unit_index) {
		d->no_memory = true;
		return false;
	}
	d->unit_stride = 1;
	for (; (next = dwarf_unit_header(d, &d->side_info, offset, &u)); offset = next) {
		if (skipped) {
			skipped--;
			continue;
		}
		if (d->unit_count == INDEX_MAX) {
			d->unit_count /= 2;
			d->unit_stride *= 2;
			for (uint32_t i = 0; i < d->unit_count; i++)
				d->unit_index[i] = d->unit_index[2 * i];
		}
		d->unit_index[d->unit_count++] = offset;
		skipped = d->unit_stride - 1;
	}
	return true;
}

bool dwarf_side_unit(struct dwarf *d, uint64_t die)
{
	struct dwarf_unit *u = &d->side_unit;
	uint64_t offset, next;
	size_t after;

	if (u->version && die >= u->first && die < u->end)
		return d->side_abbrevs.shape != 0;
	u->version = 0;
	if (!index_units(d))
		return false;
	after = search_first(d->unit_count, i, d->unit_index[i] <= die);
	offset = after ? d->unit_index[after - 1] : 0;
	while ((next = dwarf_unit_header(d, &d->side_info, offset, u)) && next <= die)
		offset = next;
	if (!next || !u->version || die < u->first)
		return false;
	return dwarf_unit_load(d, &d->side_info, offset, u, &d->side_abbrevs);
}
