/* SPDX-License-Identifier: GPL-2.0-only */
/* The values of attributes (DWARF 5, 7.5.5 and 7.5.6), and the addresses and strings that indices
 * among them stand for. */
#include "symbol/dwarf.h"

#include "symbol/elf_file.h"

/* The length of a value: a number of bytes from 1 to 16, or one of these. */
enum {
	SIZE_UNKNOWN = 0,
	SIZE_ADDRESS = 17, SIZE_OFFSET, SIZE_REF_ADDR, SIZE_NOTHING, SIZE_ULEB, SIZE_SLEB,
	SIZE_BLOCK1, SIZE_BLOCK2, SIZE_BLOCK4, SIZE_BLOCK, SIZE_STRING,
};

struct form {
	uint8_t size;
	uint8_t kind;		/* of struct dwarf_value */
};

static const struct form standard[] = {
	[DW_FORM_addr] = { SIZE_ADDRESS, DWARF_ADDRESS },
	[DW_FORM_block2] = { SIZE_BLOCK2, DWARF_NONE },
	[DW_FORM_block4] = { SIZE_BLOCK4, DWARF_NONE },
	[DW_FORM_data2] = { 2, DWARF_CONSTANT },
	[DW_FORM_data4] = { 4, DWARF_CONSTANT },
	[DW_FORM_data8] = { 8, DWARF_CONSTANT },
	[DW_FORM_string] = { SIZE_STRING, DWARF_STRING },
	[DW_FORM_block] = { SIZE_BLOCK, DWARF_NONE },
	[DW_FORM_block1] = { SIZE_BLOCK1, DWARF_NONE },
	[DW_FORM_data1] = { 1, DWARF_CONSTANT },
	[DW_FORM_flag] = { 1, DWARF_NONE },
	[DW_FORM_sdata] = { SIZE_SLEB, DWARF_CONSTANT },
	[DW_FORM_strp] = { SIZE_OFFSET, DWARF_STRING },
	[DW_FORM_udata] = { SIZE_ULEB, DWARF_CONSTANT },
	[DW_FORM_ref_addr] = { SIZE_REF_ADDR, DWARF_REFERENCE },
	[DW_FORM_ref1] = { 1, DWARF_REFERENCE },
	[DW_FORM_ref2] = { 2, DWARF_REFERENCE },
	[DW_FORM_ref4] = { 4, DWARF_REFERENCE },
	[DW_FORM_ref8] = { 8, DWARF_REFERENCE },
	[DW_FORM_ref_udata] = { SIZE_ULEB, DWARF_REFERENCE },
	[DW_FORM_sec_offset] = { SIZE_OFFSET, DWARF_OFFSET },
	[DW_FORM_exprloc] = { SIZE_BLOCK, DWARF_NONE },
	[DW_FORM_flag_present] = { SIZE_NOTHING, DWARF_NONE },
	[DW_FORM_strx] = { SIZE_ULEB, DWARF_STRING_INDEX },
	[DW_FORM_addrx] = { SIZE_ULEB, DWARF_ADDRESS_INDEX },
	[DW_FORM_ref_sup4] = { 4, DWARF_ELSEWHERE },
	[DW_FORM_strp_sup] = { SIZE_OFFSET, DWARF_ELSEWHERE },
	[DW_FORM_data16] = { 16, DWARF_NONE },
	[DW_FORM_line_strp] = { SIZE_OFFSET, DWARF_STRING },
	[DW_FORM_ref_sig8] = { 8, DWARF_NONE },
	[DW_FORM_implicit_const] = { SIZE_NOTHING, DWARF_CONSTANT },
	[DW_FORM_loclistx] = { SIZE_ULEB, DWARF_NONE },
	[DW_FORM_rnglistx] = { SIZE_ULEB, DWARF_LIST_INDEX },
	[DW_FORM_ref_sup8] = { 8, DWARF_ELSEWHERE },
	[DW_FORM_strx1] = { 1, DWARF_STRING_INDEX },
	[DW_FORM_strx2] = { 2, DWARF_STRING_INDEX },
	[DW_FORM_strx3] = { 3, DWARF_STRING_INDEX },
	[DW_FORM_strx4] = { 4, DWARF_STRING_INDEX },
	[DW_FORM_addrx1] = { 1, DWARF_ADDRESS_INDEX },
	[DW_FORM_addrx2] = { 2, DWARF_ADDRESS_INDEX },
	[DW_FORM_addrx3] = { 3, DWARF_ADDRESS_INDEX },
	[DW_FORM_addrx4] = { 4, DWARF_ADDRESS_INDEX },
};

static struct form describe(unsigned form)
{
	if (form < sizeof(standard) / sizeof(standard[0]))
		return standard[form];
	switch (form) {
	case DW_FORM_GNU_addr_index:
		return standard[DW_FORM_addrx];
	case DW_FORM_GNU_str_index:
		return standard[DW_FORM_strx];
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return standard[DW_FORM_strp_sup];
	default:
		return (struct form){ SIZE_UNKNOWN, DWARF_NONE };
	}
}

/* The number of bytes of a size, or -1 if it is not fixed. */
static int fixed_bytes(const struct dwarf_unit *u, unsigned size)
{
	switch (size) {
	case SIZE_NOTHING:
		return 0;
	case SIZE_REF_ADDR:		/* in DWARF 2, of the size of an address */
		return u->version == 2 ? u->address_bytes : u->offset_bytes;
	case SIZE_OFFSET:
		return u->offset_bytes;
	case SIZE_ADDRESS:
		return u->address_bytes;
	default:
		return size && size <= 16 ? (int)size : -1;
	}
}

int dwarf_form_bytes(const struct dwarf_unit *u, unsigned form)
{
	return fixed_bytes(u, describe(form).size);
}

/* Returns the form that a value really has: with DW_FORM_indirect, the form precedes the value. */
static unsigned read_form(struct cursor *c, unsigned form)
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
	unsigned size = describe(read_form(c, form)).size;
	int bytes = fixed_bytes(u, size);

	if (bytes >= 0) {
		cursor_skip(c, (unsigned)bytes);
		return;
	}
	switch (size) {
	case SIZE_BLOCK1:
		cursor_skip(c, cursor_u8(c));
		break;
	case SIZE_BLOCK2:
		cursor_skip(c, cursor_u16(c));
		break;
	case SIZE_BLOCK4:
		cursor_skip(c, cursor_u32(c));
		break;
	case SIZE_BLOCK:
		cursor_skip(c, cursor_uleb(c));
		break;
	case SIZE_STRING:
		cursor_skip_string(c);
		break;
	case SIZE_ULEB:
	case SIZE_SLEB:
		cursor_uleb(c);
		break;
	default:			/* nothing after a value of unknown length can be read */
		c->bad = true;
	}
}

/* Reads a number of 1 to 4 or 8 bytes. */
static uint64_t read_number(struct cursor *c, unsigned bytes)
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

static uint64_t string_text(unsigned section, uint64_t offset)
{
	return offset >> 56 ? 0 : DWARF_TEXT(section, offset);
}

struct dwarf_value dwarf_value(struct cursor *c, const struct dwarf_unit *u,
			       const struct dwarf_attr *attr)
{
	unsigned form = read_form(c, attr->form);
	struct form known = describe(form);
	struct dwarf_value v = { .kind = known.kind };
	int bytes = fixed_bytes(u, known.size);

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
	if (bytes > 0)
		v.u = read_number(c, (unsigned)bytes);
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

/* Reads entry i of a table of numbers that begins at offset `base` of a section. False: there is no
 * such entry. */
static bool read_indexed(struct dwarf *d, unsigned section, uint64_t base, uint64_t i, unsigned bytes,
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
	       read_indexed(d, DWARF_ADDR, u->addr_base, v.u, u->address_bytes, addr);
}

uint64_t dwarf_text(struct dwarf *d, const struct dwarf_unit *u, struct dwarf_value v)
{
	uint64_t offset;

	if (v.kind == DWARF_ELSEWHERE)
		d->file->unread |= SYMBOL_UNREAD_ALTERNATE;
	if (v.kind == DWARF_STRING)
		return v.u;
	if (v.kind != DWARF_STRING_INDEX ||
	    !read_indexed(d, DWARF_STR_OFFSETS, u->str_base, v.u, u->offset_bytes, &offset))
		return 0;
	return string_text(DWARF_STR, offset);
}

const char *dwarf_fetch(struct dwarf *d, uint64_t text, struct arena *arena)
{
	uint64_t start = DWARF_TEXT_OFFSET(text), bytes;
	const char *string;

	if (!text || DWARF_TEXT_SECTION(text) >= DWARF_SECTIONS || !d->text_bytes)
		return NULL;
	cursor_open(&d->text, &d->section[DWARF_TEXT_SECTION(text)], start, UINT64_MAX);
	string = cursor_string(&d->text, arena);
	bytes = string ? cursor_at(&d->text) - start : 0;
	d->text_bytes -= bytes < d->text_bytes ? bytes : d->text_bytes;
	return string;
}
