/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbol and relocation tables of the modules in this process, as their dynamic sections name them (System V ABI,
 * chapter 5). For elf/lookup.c and elf/interpose.c. No module may be loaded or unloaded meanwhile.
 */
#ifndef ELF_SYMBOL_TABLES_H
#define ELF_SYMBOL_TABLES_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A table of relocations. Its entries are ElfW(Rel) or ElfW(Rela), which begin with the same two fields. */
struct relocations {
	const char *start;		/* NULL: there are none */
	size_t size_bytes;
};

struct symbol_tables {
	uintptr_t bias;
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Half) *versions;	/* NULL: no symbol has one */
	const uint32_t *gnu_hash;	/* NULL: there is none */
	const uint32_t *hash;		/* the older kind; NULL: there is none */
	struct relocations with_addends, without, of_plt;
	bool plt_has_addends;
};

/* False: the module has no symbols that can be found by a hash table. */
bool symbol_tables_find(const struct link_map *map, struct symbol_tables *s);

/* The number of the first symbol with the lowest bits of this hash in DT_GNU_HASH, and whether symbol i, which is in
 * the same list, is the last one of the list. 0: the list is empty. */
uint32_t symbol_tables_bucket(const struct symbol_tables *s, uint32_t hash);
bool symbol_tables_bucket_ends(const struct symbol_tables *s, uint32_t i);

#endif
