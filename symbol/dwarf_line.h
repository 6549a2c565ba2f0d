/* SPDX-License-Identifier: GPL-2.0-only */
/* .debug_line: addresses to numbers of files and lines, and the names of such files. */
#ifndef SYMBOL_DWARF_LINE_H
#define SYMBOL_DWARF_LINE_H

#include "symbol/dwarf.h"
#include "symbol/dwarf_find.h"

/* A file of a unit's line table. Its name is the three parts joined; see lines.c. */
struct dwarf_file {
	uint32_t number;		/* in the unit's table */
	union {
		uint64_t text;		/* 0: none */
		const char *string;	/* in the end */
	} part[3];			/* the compilation's directory, the file's, its name */
	const char *path;
};

/* The header of one unit's line table (6.2.4). */
struct dwarf_line {
	uint64_t offset, end;		/* in .debug_line */
	uint64_t tables;		/* directories, then files */
	uint64_t program;
	uint16_t version;		/* 2 to 5 */
	uint8_t offset_bytes, address_bytes;
	uint8_t instruction_bytes, operations;
	int8_t line_base;
	uint8_t line_range, opcode_base;
	uint8_t lengths[256];		/* operands of standard opcodes, by opcode */
};

/* Reads the header of d->unit's table. False when there is none that we can read. */
bool dwarf_line_open(struct dwarf *d, struct dwarf_line *line);
/* Runs the program: sets row, file and line of the places (n of one unit, by address). */
void dwarf_line_run(struct dwarf *d, const struct dwarf_line *line, struct dwarf_place *places,
		    size_t n);
/* Sets the parts of files[0..n), which have ascending numbers. */
void dwarf_line_files(struct dwarf *d, const struct dwarf_line *line, struct dwarf_file *files,
		      size_t n);

#endif
