/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See dwarf_line.h. A line number program (DWARF 5, 6.2.5) writes the rows of a table in sequences.
 * Addresses ascend within a sequence, and a row holds up to the next row's address:
 *
 *	0x1139 t.c 3	0x113d t.c 4	0x1150 t.c 5	0x1152 end of sequence
 *
 * so that of several rows with one address the last one counts. No row is kept: each pair of
 * neighbours is compared with the addresses that are looked up.
 */
#include "symbol/dwarf_line.h"

#include "symbol/elf_file.h"

#define DIRECTORIES_MAX	65536u

/* Sets what the header's numbers say about the opcodes. */
static void describe_opcodes(struct dwarf_line *line)
{
	unsigned operations = 0, past = 0;

	for (unsigned opcode = line->opcode_base; opcode < 256; opcode++) {
		line->special[opcode].operations = (uint8_t)operations;
		line->special[opcode].lines = (int16_t)(line->line_base + (int)past);
		if (++past == line->line_range) {
			operations++;
			past = 0;
		}
	}
	line->usual = line->opcode_base > DW_LNS_fixed_advance_pc && !line->lengths[DW_LNS_copy] &&
		      line->lengths[DW_LNS_advance_pc] == 1 && line->lengths[DW_LNS_advance_line] == 1 &&
		      line->lengths[DW_LNS_set_file] == 1 && !line->lengths[DW_LNS_const_add_pc];
}

bool dwarf_line_open(struct dwarf *d, struct dwarf_line *line)
{
	struct cursor *c = &d->line;
	uint64_t length;

	if (d->unit.line.kind != DWARF_OFFSET && d->unit.line.kind != DWARF_CONSTANT)
		return false;
	*line = (struct dwarf_line){
		.offset = d->unit.line.u, .operations = 1, .address_bytes = d->unit.address_bytes,
	};
	cursor_open(c, &d->section[DWARF_LINE], line->offset, UINT64_MAX);
	length = dwarf_initial_length(c, &line->offset_bytes);
	if (length > cursor_left(c))
		return false;
	line->end = cursor_at(c) + length;
	line->version = cursor_u16(c);
	if (line->version < 2 || line->version > 5)
		return false;
	if (line->version == 5) {
		line->address_bytes = cursor_u8(c);
		cursor_u8(c);			/* size of segment selectors */
	}
	length = cursor_word(c, line->offset_bytes);
	if (length > cursor_left(c))
		return false;
	line->program = cursor_at(c) + length;
	line->instruction_bytes = cursor_u8(c);
	if (line->version >= 4)
		line->operations = cursor_u8(c);
	cursor_u8(c);				/* default_is_stmt */
	line->line_base = (int8_t)cursor_u8(c);
	line->line_range = cursor_u8(c);
	line->opcode_base = cursor_u8(c);
	for (unsigned i = 1; i < line->opcode_base; i++)
		line->lengths[i] = cursor_u8(c);
	line->tables = cursor_at(c);
	describe_opcodes(line);
	return !c->bad && line->line_range && line->operations && line->opcode_base &&
	       line->program >= line->tables && line->program <= line->end &&
	       (line->address_bytes == 4 || line->address_bytes == 8);
}

/* Reads the opcode of an extended instruction, or returns 0. *end: where the next instruction is. */
static unsigned open_extended(struct cursor *c, uint64_t *end)
{
	uint64_t bytes = cursor_uleb(c);

	if (bytes > cursor_left(c)) {
		c->bad = true;
		bytes = 0;
	}
	*end = cursor_at(c) + bytes;
	return bytes ? cursor_u8(c) : 0;
}

/* Skips a standard instruction. The header says how many operands each opcode has. */
static void skip_operands(const struct dwarf_line *line, struct cursor *c, unsigned opcode)
{
	for (unsigned i = 0; i < line->lengths[opcode]; i++)
		cursor_uleb(c);
}

/* Those registers of the state machine (6.2.2) that matter here, and the latest row. */
struct machine {
	struct dwarf *dwarf;
	const struct dwarf_line *line;
	struct dwarf_place *places;
	size_t n;
	size_t next;			/* the first place at or after the latest row */
	uint64_t next_address;		/* of that place; UINT64_MAX: there is none */
	size_t found;			/* how many places have got a row */
	uint64_t address;
	uint64_t operation;		/* op_index */
	uint64_t file, number;		/* number: of the line */
	struct {
		uint64_t address, file, number;
		bool there;
	} before;
};

static void reset(struct machine *m)
{
	m->address = m->operation = 0;
	m->file = m->number = 1;
	m->before.there = false;
}

/* Advances by a number of operations (6.2.5.1). Only VLIW machines have several in an instruction. */
static void advance(struct machine *m, uint64_t count)
{
	const struct dwarf_line *line = m->line;

	if (line->operations > 1) {
		uint64_t sum = m->operation + count;

		m->operation = sum % line->operations;
		count = sum / line->operations;
	}
	m->address += count * line->instruction_bytes;
}

/* Sets file and line of the places in [before.address, address) from the row `before`. The sequences
 * of functions that the linker dropped begin outside the code and are left out. */
static void set_places(struct machine *m)
{
	struct dwarf_place *p = &m->places[m->next];

	for (; m->next < m->n && p->addr < m->address; p++, m->next++) {
		if (p->row || !dwarf_step(m->dwarf, 1) ||
		    !elf_code_at(m->dwarf->elf, m->before.address))
			continue;
		p->row = true;
		m->found++;
		p->file = m->before.file <= UINT32_MAX ? (uint32_t)m->before.file : UINT32_MAX;
		p->line = m->before.number <= UINT32_MAX ? (uint32_t)m->before.number : 0;
	}
}

/* Handles a new row that begins a sequence, or that lies past the next place: the row before has that place's line. */
static __attribute__((noinline)) void add_row_at_place(struct machine *m)
{
	if (!m->before.there || m->address < m->before.address)
		m->next = dwarf_place_from(m->places, m->n, m->address);
	else
		set_places(m);
	m->next_address = m->next < m->n ? m->places[m->next].addr : UINT64_MAX;
	m->before.there = true;
}

/* Handles a new row. */
static inline void add_row(struct machine *m)
{
	if (!m->before.there || m->address < m->before.address || m->address > m->next_address)
		add_row_at_place(m);
	m->before.address = m->address;
	m->before.file = m->file;
	m->before.number = m->number;
}

static void run_extended(struct machine *m, struct cursor *c)
{
	uint64_t end, bytes;

	switch (open_extended(c, &end)) {
	case DW_LNE_end_sequence:
		add_row(m);
		reset(m);
		break;
	case DW_LNE_set_address:
		bytes = end - cursor_at(c);
		if (bytes == 4 || bytes == 8)
			m->address = cursor_word(c, (unsigned)bytes);
		m->operation = 0;
		break;
	}
	cursor_seek(c, end);
}

static void run_standard(struct machine *m, struct cursor *c, unsigned opcode)
{
	const struct dwarf_line *line = m->line;

	switch (opcode) {
	case DW_LNS_copy:
		add_row(m);
		break;
	case DW_LNS_advance_pc:
		advance(m, cursor_uleb(c));
		break;
	case DW_LNS_advance_line:
		m->number += (uint64_t)cursor_sleb(c);
		break;
	case DW_LNS_set_file:
		m->file = cursor_uleb(c);
		break;
	case DW_LNS_const_add_pc:
		advance(m, line->special[255].operations);
		break;
	case DW_LNS_fixed_advance_pc:
		m->address += cursor_u16(c);
		m->operation = 0;
		break;
	default:
		skip_operands(line, c, opcode);
	}
}

static inline void run_special(struct machine *m, unsigned opcode)
{
	const struct dwarf_line *line = m->line;

	advance(m, line->special[opcode].operations);
	m->number += (uint64_t)(int64_t)line->special[opcode].lines;
	add_row(m);
}

/* Runs the instructions that most of a program consists of, as long as they and their operands of one byte are in the
 * cursor's window. Afterwards the cursor is at the first other instruction. False: it was there already. */
static bool run_frequent(struct machine *m, struct cursor *c)
{
	const struct dwarf_line *line = m->line;
	uint32_t next = c->next, steps = 0;

	for (; next + 1 < c->stop && m->found < m->n; steps++) {
		unsigned opcode = c->window[next], operand = c->window[next + 1];

		if (opcode >= line->opcode_base) {
			run_special(m, opcode);
			next++;
			continue;
		}
		if (!opcode || line->lengths[opcode] > 1 || (line->lengths[opcode] && operand >= 0x80) ||
		    opcode == DW_LNS_fixed_advance_pc)
			break;
		switch (opcode) {
		case DW_LNS_copy:
			add_row(m);
			break;
		case DW_LNS_advance_pc:
			advance(m, operand);
			break;
		case DW_LNS_advance_line:
			m->number += (uint64_t)((int64_t)(operand ^ 0x40) - 0x40);
			break;
		case DW_LNS_set_file:
			m->file = operand;
			break;
		case DW_LNS_const_add_pc:
			advance(m, line->special[255].operations);
			break;
		}
		next += 1u + line->lengths[opcode];
	}
	c->next = next;
	dwarf_step(m->dwarf, steps);
	return steps;
}

void dwarf_line_run(struct dwarf *d, const struct dwarf_line *line, struct dwarf_place *places,
		    size_t n)
{
	struct machine m = { .dwarf = d, .line = line, .places = places, .n = n };
	struct cursor *c = &d->line;

	reset(&m);
	cursor_open(c, &d->section[DWARF_LINE], line->program, line->end);
	while (m.found < n && cursor_left(c) && dwarf_step(d, 1)) {
		unsigned opcode;

		if (line->usual && run_frequent(&m, c))
			continue;
		opcode = cursor_u8(c);
		if (opcode >= line->opcode_base)
			run_special(&m, opcode);
		else if (opcode)
			run_standard(&m, c, opcode);
		else
			run_extended(&m, c);
	}
}

/* Tables */

/* The directories and files of a line table while they are read. */
struct tables {
	struct dwarf *dwarf;
	const struct dwarf_line *line;
	struct dwarf_file *files;
	size_t n;
	size_t next;			/* the first of `files` that has not been found yet */
	uint32_t directory_count;
	uint64_t number;		/* of the next entry */
};

static void add_directory(struct tables *t, uint64_t text)
{
	struct dwarf *d = t->dwarf;

	if (dwarf_grow(d, (void **)&d->directories, t->directory_count, &d->directory_room,
		       DIRECTORIES_MAX, sizeof(text)))
		d->directories[t->directory_count++] = text;
}

/* The compilation's directory is entry 0 in DWARF 5. In older versions, the table begins at 1, and
 * 0 stands for the compilation's directory, which is not in it. */
static void add_file(struct tables *t, uint64_t name, uint64_t directory)
{
	uint64_t at = t->line->version < 5 ? directory - 1 : directory;
	struct dwarf_file *file;

	while (t->next < t->n && t->files[t->next].number < t->number)
		t->next++;
	if (t->next < t->n && t->files[t->next].number == t->number) {
		file = &t->files[t->next++];
		file->part[0].text = t->dwarf->unit.comp_dir;
		if ((directory || t->line->version >= 5) && at < t->directory_count)
			file->part[1].text = t->dwarf->directories[at];
		file->part[2].text = name;
	}
	t->number++;
}

/* Reads a table of DWARF 2 to 4: strings in .debug_line itself, up to an empty one. False: damaged. */
static bool read_old(struct tables *t, struct cursor *c, bool files)
{
	while (dwarf_step(t->dwarf, 1)) {
		uint64_t at = cursor_at(c);
		uint64_t directory;

		cursor_skip_string(c);
		if (c->bad)
			return false;
		if (cursor_at(c) == at + 1)
			return true;
		if (!files) {
			add_directory(t, DWARF_TEXT(DWARF_LINE, at));
			continue;
		}
		directory = cursor_uleb(c);
		cursor_uleb(c);			/* time of modification */
		cursor_uleb(c);			/* length in bytes */
		add_file(t, DWARF_TEXT(DWARF_LINE, at), directory);
	}
	return false;
}

/* Reads a table of DWARF 5: a description of its entries, their number, and these (6.2.4.1). */
static bool read_new(struct tables *t, struct cursor *c, const struct dwarf_unit *shape,
		     bool files)
{
	struct dwarf_attr format[16];
	unsigned formats = cursor_u8(c);
	uint64_t count;

	if (formats > sizeof(format) / sizeof(format[0]))
		return false;
	for (unsigned i = 0; i < formats; i++) {
		uint64_t name = cursor_uleb(c), form = cursor_uleb(c);

		format[i] = (struct dwarf_attr){
			.name = name <= UINT16_MAX ? (uint16_t)name : 0,
			.form = form <= UINT16_MAX ? (uint16_t)form : UINT16_MAX,
		};
	}
	for (count = cursor_uleb(c); count && !c->bad && dwarf_step(t->dwarf, 1); count--) {
		uint64_t name = 0, directory = 0;

		for (unsigned i = 0; i < formats; i++) {
			struct dwarf_value v = dwarf_value(c, shape, &format[i]);

			if (format[i].name == DW_LNCT_path)
				name = dwarf_text(t->dwarf, &t->dwarf->unit, v);
			else if (format[i].name == DW_LNCT_directory_index)
				directory = v.u;
		}
		if (c->bad)
			return false;
		if (files)
			add_file(t, name, directory);
		else
			add_directory(t, name);
	}
	return !count;
}

/* Reads the files that the program itself adds (DW_LNE_define_file), which no compiler does any
 * more. */
static void read_defined(struct tables *t, struct cursor *c)
{
	cursor_open(c, &t->dwarf->section[DWARF_LINE], t->line->program, t->line->end);
	while (cursor_left(c) && dwarf_step(t->dwarf, 1)) {
		unsigned opcode = cursor_u8(c);

		if (opcode >= t->line->opcode_base)
			continue;
		if (opcode == DW_LNS_fixed_advance_pc) {
			cursor_skip(c, 2);
		} else if (opcode) {
			skip_operands(t->line, c, opcode);
		} else {
			uint64_t end;

			if (open_extended(c, &end) == DW_LNE_define_file) {
				uint64_t at = cursor_at(c);

				cursor_skip_string(c);
				add_file(t, DWARF_TEXT(DWARF_LINE, at), cursor_uleb(c));
			}
			cursor_seek(c, end);
		}
	}
}

void dwarf_line_files(struct dwarf *d, const struct dwarf_line *line, struct dwarf_file *files,
		      size_t n)
{
	struct tables t = { .dwarf = d, .line = line, .files = files, .n = n };
	struct dwarf_unit shape = {
		.version = line->version, .address_bytes = line->address_bytes,
		.offset_bytes = line->offset_bytes,
	};
	struct cursor *c = &d->line;

	cursor_open(c, &d->section[DWARF_LINE], line->tables, line->program);
	if (line->version >= 5) {
		if (read_new(&t, c, &shape, false))
			read_new(&t, c, &shape, true);
		return;
	}
	t.number = 1;
	if (read_old(&t, c, false) && read_old(&t, c, true)) {
		if (t.next < t.n && files[n - 1].number >= t.number)
			read_defined(&t, c);
	}
}
