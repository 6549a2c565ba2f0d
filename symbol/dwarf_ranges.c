/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The address ranges of a DIE, from its own attributes or from a range list: .debug_ranges of DWARF
 * 3 and 4 (DWARF 4, 2.17.3), .debug_rnglists of DWARF 5 (2.17.3 and 7.25).
 */
#include "symbol/dwarf.h"

/* Finds the offset of the list that DW_AT_ranges names. False: it cannot be read. */
static bool list_offset(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v,
			uint64_t *offset)
{
	if (v.kind == DWARF_OFFSET || v.kind == DWARF_CONSTANT) {
		*offset = v.u;
		return true;
	}
	if (v.kind != DWARF_LIST_INDEX || v.u > UINT32_MAX || u->list_base > UINT64_MAX / 2)
		return false;
	cursor_open(&d->index, &d->section[DWARF_RNGLISTS], u->list_base + v.u * u->offset_bytes,
		    UINT64_MAX);
	*offset = cursor_word(&d->index, u->offset_bytes) + u->list_base;
	return !d->index.bad;
}

bool dwarf_extent_take(struct dwarf_extent *extent, unsigned name, struct dwarf_value v)
{
	switch (name) {
	case DW_AT_low_pc:
		extent->low = v;
		return true;
	case DW_AT_high_pc:
		extent->high = v;
		return true;
	case DW_AT_ranges:
		extent->ranges = v;
		return true;
	default:
		return false;
	}
}

void dwarf_ranges_open(struct dwarf_ranges *r, struct dwarf *d, const struct dwarf_unit *u,
		       const struct dwarf_extent *extent)
{
	uint64_t offset;

	*r = (struct dwarf_ranges){ .dwarf = d, .unit = u };
	if (extent->ranges.kind != DWARF_NONE) {
		if (!list_offset(d, u, extent->ranges, &offset))
			return;
		/* At first, offsets in the list are relative to the unit's own DW_AT_low_pc. */
		if (!dwarf_address(d, u, u->extent.low, &r->base))
			r->base = 0;
		r->kind = DWARF_RANGES_LIST;
		cursor_open(&d->lists,
			    &d->section[u->version >= 5 ? DWARF_RNGLISTS : DWARF_RANGES], offset,
			    UINT64_MAX);
		return;
	}
	if (!dwarf_address(d, u, extent->low, &r->low))
		return;
	if (extent->high.kind == DWARF_CONSTANT)	/* since DWARF 4, a size */
		r->high = r->low + extent->high.u;
	else if (!dwarf_address(d, u, extent->high, &r->high))
		return;
	r->kind = DWARF_RANGES_ONE;
}

/* Reads the next pair of .debug_ranges, where (-1, base) changes the base and (0, 0) ends the list. */
static bool next_pair(struct dwarf_ranges *r, uint64_t *low, uint64_t *high)
{
	struct cursor *c = &r->dwarf->lists;
	unsigned bytes = r->unit->address_bytes;
	uint64_t most = bytes == 4 ? UINT32_MAX : UINT64_MAX;

	for (;;) {
		*low = cursor_word(c, bytes);
		*high = cursor_word(c, bytes);
		if (c->bad || (!*low && !*high) || !dwarf_step(r->dwarf, 1))
			return false;
		if (*low != most)
			break;
		r->base = *high;
	}
	*low += r->base;
	*high += r->base;
	return true;
}

/* Reads an index and finds the address it stands for. */
static bool at_index(struct dwarf_ranges *r, uint64_t *addr)
{
	struct dwarf_value v = { DWARF_ADDRESS_INDEX, cursor_uleb(&r->dwarf->lists) };

	return dwarf_address(r->dwarf, r->unit, v, addr);
}

/* Reads an entry of .debug_rnglists. False: the list has ended. After a change of the base, *low
 * equals *high. */
static bool next_entry(struct dwarf_ranges *r, uint64_t *low, uint64_t *high)
{
	struct cursor *c = &r->dwarf->lists;
	unsigned bytes = r->unit->address_bytes;

	*low = *high = 0;
	switch (cursor_u8(c)) {
	case DW_RLE_base_addressx:
		return at_index(r, &r->base);
	case DW_RLE_startx_endx:
		return at_index(r, low) && at_index(r, high);
	case DW_RLE_startx_length:
		if (!at_index(r, low))
			return false;
		*high = *low + cursor_uleb(c);
		return true;
	case DW_RLE_offset_pair:
		*low = r->base + cursor_uleb(c);
		*high = r->base + cursor_uleb(c);
		return true;
	case DW_RLE_base_address:
		r->base = cursor_word(c, bytes);
		return true;
	case DW_RLE_start_end:
		*low = cursor_word(c, bytes);
		*high = cursor_word(c, bytes);
		return true;
	case DW_RLE_start_length:
		*low = cursor_word(c, bytes);
		*high = *low + cursor_uleb(c);
		return true;
	default:			/* DW_RLE_end_of_list, or the list is damaged */
		return false;
	}
}

static bool next(struct dwarf_ranges *r, uint64_t *low, uint64_t *high)
{
	switch (r->kind) {
	case DWARF_RANGES_ONE:
		r->kind = DWARF_RANGES_NONE;
		*low = r->low;
		*high = r->high;
		return true;
	case DWARF_RANGES_LIST:
		if (r->unit->version < 5)
			return next_pair(r, low, high);
		return dwarf_step(r->dwarf, 1) && next_entry(r, low, high) && !r->dwarf->lists.bad;
	default:
		return false;
	}
}

bool dwarf_ranges_next(struct dwarf_ranges *r, uint64_t *low, uint64_t *high)
{
	while (next(r, low, high)) {
		if (*low < *high)
			return true;
	}
	return false;
}
