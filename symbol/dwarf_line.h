/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads from .debug_line the file and line numbers of addresses, and the names of the files. */
#ifndef SYMBOL_DWARF_LINE_H
#define SYMBOL_DWARF_LINE_H

#include "symbol/dwarf.h"
#include "symbol/dwarf_find.h"

/* A file of a unit's line table. Its path is made of the three parts; see lines.c. */
struct dwarf_file {
	uint32_t number;		/* in the unit's table */
	union {
		uint64_t text;		/* 0: none */
		const char *string;	/* the same, after lines.c has fetched it */
	} part[3];			/* directory of the compilation, of the file, and its name */
	const char *path;		/* set by lines.c; NULL: unknown */
};

/* The header of one unit's line table (6.2.4). */
struct dwarf_line {
	uint64_t offset, end;		/* in .debug_line */
	uint64_t tables;		/* offset of the directories, which the files follow */
	uint64_t program;		/* offset of the first instruction */
	uint16_t version;		/* 2 to 5 */
	uint8_t offset_bytes, address_bytes;
	uint8_t instruction_bytes;	/* minimum_instruction_length */
	uint8_t operations;		/* maximum_operations_per_instruction */
	int8_t line_base;
	uint8_t line_range, opcode_base;
	uint8_t lengths[256];		/* number of operands of each standard opcode */
	struct {
		uint8_t operations;	/* by which a special opcode advances */
		int16_t lines;
	} special[256];			/* from opcode_base on */
	bool usual;			/* the opcodes that every version has take as many operands as they should */
};

/* Reads the header of d->unit's line table. False: there is none, or it cannot be read. */
bool dwarf_line_open(struct dwarf *d, struct dwarf_line *line);
/* Runs the line number program. Sets row, file and line of n places, which are sorted by address,
 * as far as the table has them and `row` is not set before. */
void dwarf_line_run(struct dwarf *d, const struct dwarf_line *line, struct dwarf_place *places,
		    size_t n);
/* Sets the parts of files[0..n), which are sorted by `number`. */
void dwarf_line_files(struct dwarf *d, const struct dwarf_line *line, struct dwarf_file *files,
		      size_t n);

#endif
