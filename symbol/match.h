/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Symbols against addresses, in one pass over the symbols in whatever order they come, for
 * up to MATCH_MAX addresses. O(log n) per symbol and 56 bytes per address, however much the
 * symbols overlap: a file whose 16 million symbols all cover everything takes seconds, not
 * days.
 */
#ifndef SYMBOL_MATCH_H
#define SYMBOL_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "symbol/elf.h"
#include "symbol/symtab.h"

#define MATCH_MAX	((size_t)1 << 17)

/* A symbol that some address may get. length_bytes 0: none. */
struct match_candidate {
	uint64_t start;
	uint32_t name;			/* offset in the string table */
	uint32_t length_bytes : 24;	/* of the name, without version */
	uint32_t rank : 8;		/* 0 global, 1 weak, 2 local */
};

struct match {
	const uint64_t *addrs;		/* ascending */
	size_t n;
	struct elf *elf;
	struct elf_strings *names;
	struct match_candidate *tree;	/* 2n */
	struct match_candidate *labels;	/* n */
	uint64_t *ends;			/* n */
};

/* n is 1 to MATCH_MAX. Returns false when the arena gives no memory. names is opened by the
 * caller before the first match_symbol(). */
bool match_open(struct match *m, struct elf *e, struct elf_strings *names, const uint64_t *addrs,
		size_t n, struct arena *arena);
/*
 * Starts over with another symbol table for the addresses that keep[0..n) (ascending indices)
 * names; addrs has been shortened the same way. What was learnt about the ends of functions
 * stays: a label of .dynsym must not reach where .symtab has said that nothing is.
 */
void match_reset(struct match *m, const uint32_t *keep, size_t n);
/* Takes one symbol into account. */
void match_symbol(struct match *m, const struct symtab_entry *sym);
/* After the last symbol: the answer for every address is in result[0..n) (which may not be
 * asked for twice). Returned memory is the match's own. */
const struct match_candidate *match_results(struct match *m);

#endif
