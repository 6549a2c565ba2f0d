/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a file's symbol tables are, and their entries. .dynsym is also found in a file whose
 * section headers are gone (sstrip), the way the dynamic loader finds it.
 */
#ifndef SYMBOL_SYMTAB_H
#define SYMBOL_SYMTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "symbol/elf.h"

/* A symbol table and its strings, as offsets in the file (not checked: the stream and the
 * strings do). count <= ELF_SYMBOLS_MAX. */
struct symtab {
	uint64_t offset;
	uint64_t count;
	uint64_t strings_offset, strings_bytes;
};

struct symtab_entry {
	uint64_t value, size_bytes;
	uint32_t name;		/* offset in the strings */
	uint16_t section;	/* index or SHN_* */
	uint8_t type;		/* STT_* */
	uint8_t bind;		/* STB_* */
};

/* The file's first SHT_SYMTAB, or false. */
bool symtab_static(struct elf *e, struct symtab *t);
/* The file's dynamic symbols, or false. */
bool symtab_dynamic(struct elf *e, struct symtab *t);

/* One entry after the other; false after the last one. Uses the one stream of the file. */
void symtab_open(struct elf_stream *s, struct elf *e, const struct symtab *t);
bool symtab_next(struct elf_stream *s, struct symtab_entry *entry);
/* Entry i; false: not there. Does not disturb the stream. */
bool symtab_entry(struct elf *e, const struct symtab *t, uint64_t i, struct symtab_entry *entry);

/* What the dynamic section says (gABI, "Dynamic Section"): addresses in the file's terms, and
 * sizes in bytes; 0: not there. */
struct dynamic {
	uint64_t symbols, symbol_bytes;		/* symbol_bytes: of one */
	uint64_t strings, strings_bytes;
	uint64_t hash, gnu_hash;
	uint64_t got;				/* DT_PLTGOT */
	uint64_t jumps, jumps_bytes;		/* DT_JMPREL: relocations of the PLT's slots */
	uint64_t rel, rel_bytes;
	uint64_t rela, rela_bytes;
	bool jumps_have_addends;
};

/* False: the file has none, or none with symbols. Uses the file's stream. */
bool symtab_read_dynamic(struct elf *e, struct dynamic *d);

#endif
