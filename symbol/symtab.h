/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds a file's symbol tables and reads their entries. In a file without section headers (after
 * sstrip, or in memory), .dynsym is found by the dynamic section, as the dynamic loader finds it.
 *
 * Everything here is async-signal-safe and takes no memory.
 */
#ifndef SYMBOL_SYMTAB_H
#define SYMBOL_SYMTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "symbol/elf_file.h"

/* A symbol table and its strings, as offsets in the file. They are not checked here: reading the
 * stream and the strings does. Invariant: count <= ELF_SYMBOLS_MAX. */
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

/* Finds the file's first SHT_SYMTAB. False: there is none. */
bool symtab_static(struct elf *e, struct symtab *t);
/* Finds the file's dynamic symbols. False: there are none. */
bool symtab_dynamic(struct elf *e, struct symtab *t);

/* Reads one entry after the other, through the file's stream. False: there are no more. */
void symtab_open(struct elf_stream *s, struct elf *e, const struct symtab *t);
bool symtab_next(struct elf_stream *s, struct symtab_entry *entry);
/* Reads entry i without using the stream. False: there is no such entry. */
bool symtab_entry(struct elf *e, const struct symtab *t, uint64_t i, struct symtab_entry *entry);

/* The entries of a dynamic section (gABI, "Dynamic Section"): addresses in the file's terms, and
 * sizes in bytes. 0: there is no such entry. */
struct dynamic {
	uint64_t symbols, symbol_bytes;		/* symbol_bytes: the size of one */
	uint64_t strings, strings_bytes;
	uint64_t hash, gnu_hash;
	uint64_t got;				/* DT_PLTGOT */
	uint64_t jumps, jumps_bytes;		/* DT_JMPREL: relocations of the PLT's slots */
	uint64_t rel, rel_bytes;
	uint64_t rela, rela_bytes;
	bool jumps_have_addends;
};

/* Reads the dynamic section through the file's stream. False: there is none, or it has no symbols. */
bool symtab_read_dynamic(struct elf *e, struct dynamic *d);

#endif
