/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the best symbol for each of up to MATCH_MAX addresses, in one pass over the symbols, which
 * may come in any order. It takes O(log n) for each symbol and 56 bytes for each address, however
 * much the symbols overlap: a file whose 16 million symbols all cover everything takes seconds, not
 * days.
 *
 * Async-signal-safe. A struct match belongs to one user at a time.
 */
#ifndef SYMBOL_MATCH_H
#define SYMBOL_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "symbol/elf_file.h"
#include "symbol/symtab.h"

#define MATCH_MAX	((size_t)1 << 17)
#define MATCH_BUCKETS	256u

/* A symbol that may name some address. length_bytes 0: there is none. */
struct match_candidate {
	uint64_t start;
	uint32_t name;			/* offset in the string table */
	uint32_t length_bytes : 24;	/* of the name, without its version */
	uint32_t rank : 8;		/* 0: global, 1: weak, 2: local */
};

struct match {
	const uint64_t *addrs;		/* ascending */
	size_t n;
	struct elf *elf;
	struct elf_strings *names;
	struct match_candidate *tree;	/* 2n nodes; the leaf of address i is tree[n + i] */
	struct match_candidate *labels;	/* for each address, the best label that starts at or before it
					 * and behind the address before */
	uint64_t *ends;			/* likewise, the greatest end of a sized symbol; 0: none */
	uint32_t *buckets;		/* buckets[b]: the index of the first address in bucket b or behind it; a bucket
					 * has 2^bucket_log2 values, and bucket 0 begins at addrs[0] */
	unsigned bucket_log2;
};

/* Begins with addrs[0..n), which must be sorted and live as long as the match; n is 1 to MATCH_MAX.
 * The caller opens `names`, the strings of the symbol table, before the first match_symbol().
 * False: the arena gives no memory. */
bool match_open(struct match *m, struct elf *e, struct elf_strings *names, const uint64_t *addrs,
		size_t n, struct arena *arena);
/*
 * Starts over with another symbol table, for the addresses with the indices keep[0..n), which
 * ascend. The caller has shortened addrs to these. The ends of functions are kept, because a label
 * of .dynsym must not extend to where .symtab has said that nothing is.
 */
void match_reset(struct match *m, const uint32_t *keep, size_t n);
/* To be called before the first symbol of a table, after addrs were changed. */
void match_begin(struct match *m);
/* Takes one symbol into account. */
void match_symbol(struct match *m, const struct symtab_entry *sym);
/* To be called once after the last symbol. Returns the best symbols of all n addresses, in the
 * match's own memory. */
const struct match_candidate *match_results(struct match *m);

#endif
