/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes' values (DWARF 5, 7.5.5 and 7.5.6), and what indices among them stand for. */
#include "symbol/dwarf.h"

#include "symbol/elf.h"

int dwarf_form_bytes(const struct dwarf_unit *u, unsigned form)
{
	switch (form) {
	case DW_FORM_flag_present: case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1: case DW_FORM_ref1: case DW_FORM_flag: case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2: case DW_FORM_ref2: case DW_FORM_strx2: case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3: case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_strx4: case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8: case DW_FORM_ref8: case DW_FORM_ref_sig8: case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return u->address_bytes;
	case DW_FORM_ref_addr:		/* an address in DWARF 2 */
		return u->version == 2 ? u->address_bytes : u->offset_bytes;
	case DW_FORM_strp: case DW_FORM_sec_offset: case DW_FORM_line_strp:
	case DW_FORM_strp_sup: case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		return u->offset_bytes;
	default:
		return -1;
	}
}

/* The form that is really meant: DW_FORM_indirect has it in front of the value. */
static unsigned direct(struct cursor *c, unsigned form)
{
	if (form == DW_FORM_indirect) {
		uint64_t real = cursor_uleb(c);

		if (real == DW_FORM_indirect || real == DW_FORM_implicit_const ||
		    real > UINT16_MAX)
			c->bad = true;
		return (unsigned)real;
	}
	return form;
}

void dwarf_skip(struct cursor *c, const struct dwarf_unit *u, unsigned form)
{
	int bytes;

	form = direct(c, form);
	bytes = dwarf_form_bytes(u, form);
	if (bytes >= 0) {
		cursor_skip(c, (unsigned)bytes);
		return;
	}
	switch (form) {
	case DW_FORM_block1:
		cursor_skip(c, cursor_u8(c));
		break;
	case DW_FORM_block2:
		cursor_skip(c, cursor_u16(c));
		break;
	case DW_FORM_block4:
		cursor_skip(c, cursor_u32(c));
		break;
	case DW_FORM_block: case DW_FORM_exprloc:
		cursor_skip(c, cursor_uleb(c));
		break;
	case DW_FORM_string:
		cursor_skip_string(c);
		break;
	case DW_FORM_sdata: case DW_FORM_udata: case DW_FORM_ref_udata: case DW_FORM_strx:
	case DW_FORM_addrx: case DW_FORM_loclistx: case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index: case DW_FORM_GNU_str_index:
		cursor_uleb(c);
		break;
	default:			/* unknown: nothing after it can be read */
		c->bad = true;
	}
}

/* 1 to 4 or 8 bytes; 3 are not a machine's word. */
static uint64_t number(struct cursor *c, unsigned bytes)
{
	uint64_t low;

	if (bytes != 3)
		return cursor_word(c, bytes);
	low = cursor_u16(c);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return low | (uint64_t)cursor_u8(c) << 16;
#else
	return low << 8 | cursor_u8(c);
#endif
}

static int kind_of(unsigned form)
{
	switch (form) {
	case DW_FORM_data1: case DW_FORM_data2: case DW_FORM_data4: case DW_FORM_data8:
	case DW_FORM_udata: case DW_FORM_sdata: case DW_FORM_implicit_const:
		return DWARF_CONSTANT;
	case DW_FORM_addr:
		return DWARF_ADDRESS;
	case DW_FORM_addrx: case DW_FORM_addrx1: case DW_FORM_addrx2: case DW_FORM_addrx3:
	case DW_FORM_addrx4: case DW_FORM_GNU_addr_index:
		return DWARF_ADDRESS_INDEX;
	case DW_FORM_string: case DW_FORM_strp: case DW_FORM_line_strp:
		return DWARF_STRING;
	case DW_FORM_strx: case DW_FORM_strx1: case DW_FORM_strx2: case DW_FORM_strx3:
	case DW_FORM_strx4: case DW_FORM_GNU_str_index:
		return DWARF_STRING_INDEX;
	case DW_FORM_ref1: case DW_FORM_ref2: case DW_FORM_ref4: case DW_FORM_ref8:
	case DW_FORM_ref_udata: case DW_FORM_ref_addr:
		return DWARF_REFERENCE;
	case DW_FORM_sec_offset:
		return DWARF_OFFSET;
	case DW_FORM_rnglistx:
		return DWARF_LIST_INDEX;
	case DW_FORM_ref_sup4: case DW_FORM_ref_sup8: case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		return DWARF_ELSEWHERE;
	default:
		return DWARF_NONE;
	}
}

static uint64_t string_text(unsigned section, uint64_t offset)
{
	return offset >> 56 ? 0 : DWARF_TEXT(section, offset);
}

struct dwarf_value dwarf_value(struct cursor *c, const struct dwarf_unit *u,
			       const struct dwarf_attr *attr)
{
	unsigned form = direct(c, attr->form);
	struct dwarf_value v = { .kind = kind_of(form) };
	int bytes;

	if (v.kind == DWARF_NONE) {
		dwarf_skip(c, u, form);
		return v;
	}
	if (form == DW_FORM_implicit_const) {
		v.u = attr->implicit;
		return v;
	}
	if (form == DW_FORM_string) {
		v.u = string_text(c->section->id, cursor_at(c));
		cursor_skip_string(c);
		return v;
	}
	bytes = dwarf_form_bytes(u, form);
	if (bytes > 0)
		v.u = number(c, (unsigned)bytes);
	else
		v.u = form == DW_FORM_sdata ? (uint64_t)cursor_sleb(c) : cursor_uleb(c);
	if (form == DW_FORM_strp)
		v.u = string_text(DWARF_STR, v.u);
	else if (form == DW_FORM_line_strp)
		v.u = string_text(DWARF_LINE_STR, v.u);
	else if (v.kind == DWARF_REFERENCE && form != DW_FORM_ref_addr)
		v.u += u->offset;
	return v;
}

/* Entry i of a table of numbers that begins at `base` in a section. */
static bool indexed(struct dwarf *d, unsigned section, uint64_t base, uint64_t i, unsigned bytes,
		    uint64_t *value)
{
	struct cursor *c = &d->index;

	if (i > UINT32_MAX || base > UINT64_MAX / 2)
		return false;
	cursor_open(c, &d->section[section], base + i * bytes, UINT64_MAX);
	*value = cursor_word(c, bytes);
	return !c->bad;
}

bool dwarf_address(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v,
		   uint64_t *addr)
{
	if (v.kind == DWARF_ADDRESS) {
		*addr = v.u;
		return true;
	}
	return v.kind == DWARF_ADDRESS_INDEX &&
	       indexed(d, DWARF_ADDR, u->addr_base, v.u, u->address_bytes, addr);
}

uint64_t dwarf_text(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v)
{
	uint64_t offset;

	if (v.kind == DWARF_ELSEWHERE)
		d->file->unread |= SYMBOL_UNREAD_ALTERNATE;
	if (v.kind == DWARF_STRING)
		return v.u;
	if (v.kind != DWARF_STRING_INDEX ||
	    !indexed(d, DWARF_STR_OFFSETS, u->str_base, v.u, u->offset_bytes, &offset))
		return 0;
	return string_text(DWARF_STR, offset);
}

const char *dwarf_fetch(struct dwarf *d, uint64_t text, struct arena *arena)
{
	if (!text || DWARF_TEXT_SECTION(text) >= DWARF_SECTIONS)
		return NULL;
	cursor_open(&d->text, &d->section[DWARF_TEXT_SECTION(text)], DWARF_TEXT_OFFSET(text),
		    UINT64_MAX);
	return cursor_string(&d->text, arena);
}
