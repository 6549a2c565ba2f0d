/* SPDX-License-Identifier: GPL-2.0-only */
/* See x86_instruction.h. */
#include "x86_instruction.h"

#include <stdbool.h>
#include <string.h>

/*
 * What follows each opcode of the one-byte map and of the map 0F:
 *
 *	-	nothing			M	a ModRM byte, with what it asks for
 *	b	1 byte			B	the same and 1 byte
 *	w	2 bytes			Z	the same and 4 bytes (2 with the prefix 66)
 *	z	4 bytes (2 with 66)	G	ModRM; 1 byte if its field reg is 0 or 1
 *	v	z, or 8 with REX.W	H	ModRM; as z if its field reg is 0 or 1
 *	o	8 bytes (4 with 67)	j J	an offset of 1 or 4 bytes
 *	e	3 bytes			p R	a prefix, a REX prefix
 *	E	another map		x	no instruction, or none that a program has
 */
static const char one_byte[] =
	"MMMMbzxxMMMMbzxE" "MMMMbzxxMMMMbzxx" "MMMMbzpxMMMMbzpx" "MMMMbzpxMMMMbzpx"
	"RRRRRRRRRRRRRRRR" "----------------" "xxEMppppzZbB----" "jjjjjjjjjjjjjjjj"
	"BZxBMMMMMMMMMMMM" "----------x-----" "oooo----bz------" "bbbbbbbbvvvvvvvv"
	"BBw-EEBZe-w--bx-" "MMMMxxx-MMMMMMMM" "jjjjbbbbJJxj----" "p-pp--GH------MM";
static const char two_byte[] =
	"MMMMx-----x-xM-x" "MMMMMMMMMMMMMMMM" "xxxxxxxxMMMMMMMM" "------x-ExExxxxx"
	"MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "BBBBMMM-MMxxMMMM"
	"JJJJJJJJJJJJJJJJ" "MMMMMMMMMMMMMMMM" "---MBMxx---MBMMM" "MMMMMMMMMMBMMMMM"
	"MMBMBBBM--------" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM" "MMMMMMMMMMMMMMMM";

struct decoder {
	const uint8_t *code;
	size_t bytes, at;
	bool wide;			/* REX.W */
	bool short_operand, short_address;	/* the prefixes 66 and 67 */
	bool vector;			/* VEX or EVEX */
	unsigned map;			/* 0: one byte; 1: 0F; 2: 0F 38; 3: 0F 3A; 5, 6: of EVEX alone */
	uint8_t opcode, modrm;
	unsigned offset_at, offset_bytes;
};

/* The next byte; 0 at the end, where the instruction turns out to be too long. */
static uint8_t next(struct decoder *d)
{
	size_t at = d->at++;

	return at < d->bytes ? d->code[at] : 0;
}

/* Prefixes and the opcode, which must stand in this order: legacy prefixes, REX, opcode. */
static char read_opcode(struct decoder *d)
{
	char kind;

	while ((kind = one_byte[d->opcode = next(d)]) == 'p') {
		d->short_operand |= d->opcode == 0x66;
		d->short_address |= d->opcode == 0x67;
		if (d->at > X86_INSTRUCTION_MOST)
			return 'x';
	}
	if (kind == 'R') {
		d->wide = d->opcode & 8;
		kind = one_byte[d->opcode = next(d)];
		if (kind == 'p' || kind == 'R')
			return 'x';
	}
	return kind;
}

/* VEX of 2 (C5) and 3 bytes (C4), and EVEX (62): the map is in their second byte, if there is more than one map. */
static char read_vector(struct decoder *d)
{
	unsigned prefix = d->opcode, first = next(d);

	d->vector = true;
	d->map = prefix == 0xc5 ? 1 : prefix == 0xc4 ? first & 0x1f : first & 7;
	d->at += prefix == 0xc5 ? 0 : prefix == 0xc4 ? 1 : 2;
	d->opcode = next(d);
	if (d->map == 1)
		return d->opcode == 0x77 && prefix != 0x62 ? '-' : two_byte[d->opcode] == 'B' ? 'B' : 'M';
	if (d->map == 2 || (prefix == 0x62 && (d->map == 5 || d->map == 6)))
		return 'M';
	return d->map == 3 ? 'B' : 'x';
}

static char read_map(struct decoder *d)
{
	if (d->opcode != 0x0f)
		return read_vector(d);
	d->map = 1;
	d->opcode = next(d);
	if (d->opcode != 0x38 && d->opcode != 0x3a)
		return two_byte[d->opcode];
	d->map = d->opcode == 0x38 ? 2 : 3;
	d->opcode = next(d);
	return d->map == 2 ? 'M' : 'B';
}

/* ModRM, SIB and displacement. An address without a base is relative to the instruction pointer. */
static void read_modrm(struct decoder *d)
{
	unsigned mod, rm;

	d->modrm = next(d);
	mod = d->modrm >> 6;
	rm = d->modrm & 7;
	if (mod == 3)
		return;
	if (rm == 4) {
		if (mod == 0 && (next(d) & 7) == 5)
			d->at += 4;
		else if (mod)
			d->at++;
	} else if (mod == 0 && rm == 5) {
		d->offset_at = (unsigned)d->at;
		d->offset_bytes = 4;
		d->at += 4;
	}
	d->at += mod == 1 ? 1 : mod == 2 ? 4 : 0;
}

/* Instructions that look well formed and are not known, or have operands that the maps do not tell. */
static bool is_odd(const struct decoder *d, char kind)
{
	unsigned reg = d->modrm >> 3 & 7;

	if (d->map == 0 && !d->vector) {
		return (d->opcode == 0x8f && reg) ||			/* XOP */
		       (d->opcode == 0xc7 && d->modrm == 0xf8) ||	/* xbegin, which jumps */
		       (d->opcode == 0xff && reg == 7) || (d->opcode == 0xfe && reg > 1) ||
		       (d->short_operand && !d->wide && kind == 'J');	/* processors differ */
	}
	return d->map == 1 && !d->vector && d->short_operand && (kind == 'J' || d->opcode == 0x78);
}

static enum x86_flow flow_of(const struct decoder *d, char kind)
{
	unsigned op = d->opcode, reg = d->modrm >> 3 & 7;

	if (d->vector || d->map > 1)
		return X86_NEXT;
	if (d->map == 1)
		return kind == 'J' ? X86_BRANCH : op == 0x05 || op == 0x34 ? X86_CALL_ELSEWHERE :
		       op == 0x0b || op == 0xb9 || op == 0xff ? X86_ELSEWHERE : X86_NEXT;
	if (kind == 'j' || kind == 'J')
		return op == 0xe8 ? X86_CALL : op == 0xe9 || op == 0xeb ? X86_JUMP : X86_BRANCH;
	if (op == 0xff && reg >= 2 && reg <= 5)
		return reg <= 3 ? X86_CALL_ELSEWHERE : X86_ELSEWHERE;
	if (op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcc || op == 0xcf || op == 0xf4)
		return X86_ELSEWHERE;
	return op == 0xcd ? X86_CALL_ELSEWHERE : X86_NEXT;
}

/* The operands behind the opcode. */
static void read_operands(struct decoder *d, char kind)
{
	unsigned z = d->short_operand && !d->wide ? 2 : 4;

	if (strchr("MBZGH", kind))
		read_modrm(d);
	if (kind == 'G' || kind == 'H')
		kind = d->modrm >> 3 & 6 ? 'M' : kind == 'G' ? 'B' : 'Z';
	switch (kind) {
	case 'B': case 'b':
		d->at += 1;
		break;
	case 'Z': case 'z':
		d->at += z;
		break;
	case 'w':
		d->at += 2;
		break;
	case 'e':
		d->at += 3;
		break;
	case 'v':
		d->at += d->wide ? 8 : z;
		break;
	case 'o':
		d->at += d->short_address ? 4 : 8;
		break;
	case 'j': case 'J':
		d->offset_at = (unsigned)d->at;
		d->offset_bytes = kind == 'j' ? 1 : 4;
		d->at += d->offset_bytes;
		break;
	}
}

struct x86_instruction x86_decode(const uint8_t *code, size_t bytes)
{
	struct decoder d = { .code = code, .bytes = bytes };
	struct x86_instruction i = { .length = 0 };
	char kind = read_opcode(&d);

	if (kind == 'E')
		kind = read_map(&d);
	if (kind == 'x')
		return i;
	read_operands(&d, kind);
	if (d.at > bytes || d.at > X86_INSTRUCTION_MOST || is_odd(&d, kind))
		return i;
	i.length = (uint8_t)d.at;
	i.flow = (uint8_t)flow_of(&d, kind);
	i.offset_at = (uint8_t)d.offset_at;
	i.offset_bytes = (uint8_t)d.offset_bytes;
	if (d.offset_bytes == 1)
		i.offset = (int8_t)code[d.offset_at];
	else if (d.offset_bytes)
		memcpy(&i.offset, code + d.offset_at, sizeof(i.offset));
	return i;
}
