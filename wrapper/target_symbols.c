/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions that a module exports, for target.h: as its dynamic symbols in the process's memory have them. */
#include "target.h"

#include "elf/headers.h"
#include "quit.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX	(1u << 22)
#define CHAIN_MAX	4096		/* symbols of one bucket */

static bool is_function(const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);

	return s->st_value && s->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

static bool read_symbol(const struct target *t, const struct target_module *m, uint64_t i, Elf64_Sym *s)
{
	return target_read(t, m->symbols_at + i * sizeof(*s), s, sizeof(*s));
}

/* ---- By name ---- */

/* The parts of a table of DT_GNU_HASH (binutils' elflink.c; there is no other specification). */
struct gnu_hash {
	uint32_t buckets, first, bloom_words, shift;	/* as they lie in memory */
};

static uint64_t buckets_at(const struct target_module *m, const struct gnu_hash *g)
{
	return m->gnu_hash_at + sizeof(*g) + g->bloom_words * (uint64_t)sizeof(uint64_t);
}

static bool read_gnu_hash(const struct target *t, const struct target_module *m, struct gnu_hash *g)
{
	return m->gnu_hash_at && m->symbols_at && target_read(t, m->gnu_hash_at, g, sizeof(*g)) && g->buckets &&
	       g->buckets <= SYMBOLS_MAX && g->bloom_words <= SYMBOLS_MAX;
}

/* Whether symbol i is a function of that name. *address: where it is. */
static bool is_named(const struct target *t, const struct target_module *m, uint64_t i, const char *name,
		     uint64_t *address)
{
	char text[128];
	Elf64_Sym s;

	if (!read_symbol(t, m, i, &s) || !is_function(&s) || s.st_name >= m->strings_bytes ||
	    !target_read_text(t, m->strings_at + s.st_name, text, sizeof(text)) || strcmp(text, name))
		return false;
	*address = s.st_value + m->bias;
	return true;
}

uint64_t target_function(const struct target *t, struct target_module *m, const char *name)
{
	uint32_t hash = headers_gnu_hash(name), i, of_symbol;
	uint64_t chains, address;
	struct gnu_hash g;

	if (!read_gnu_hash(t, m, &g) ||
	    !target_read(t, buckets_at(m, &g) + hash % g.buckets * sizeof(i), &i, sizeof(i)) || i < g.first)
		return 0;
	chains = buckets_at(m, &g) + g.buckets * (uint64_t)sizeof(i);
	for (unsigned n = 0; n < CHAIN_MAX; n++, i++) {
		if (!target_read(t, chains + (i - g.first) * (uint64_t)sizeof(of_symbol), &of_symbol,
				 sizeof(of_symbol)))
			return 0;
		if ((of_symbol | 1) == (hash | 1) && is_named(t, m, i, name, &address))
			return address;
		if (of_symbol & 1)	/* the last one of the bucket */
			return 0;
	}
	return 0;
}

struct target_module *target_find(struct target *t, enum target_kind kind, const char *name, uint64_t *address)
{
	for (struct target_module *m = t->modules; m; m = m->next) {
		if (m->kind == kind && (*address = target_function(t, m, name)) != 0)
			return m;
	}
	return NULL;
}

/* ---- By address ---- */

/* Returns how many dynamic symbols the module has: one more than the last one that its hash table leads to. */
static uint64_t count_symbols(const struct target *t, const struct target_module *m)
{
	struct gnu_hash g;
	uint32_t *bucket, last = 0, of_symbol = 0, old_hash[2];
	uint64_t chains;

	if (!read_gnu_hash(t, m, &g))
		return m->hash_at && target_read(t, m->hash_at, old_hash, sizeof(old_hash)) ? old_hash[1] : 0;
	bucket = malloc(g.buckets * sizeof(*bucket));
	if (!bucket)
		quit_saying(EXIT_SETUP, "out of memory");
	if (target_read(t, buckets_at(m, &g), bucket, g.buckets * sizeof(*bucket))) {
		for (uint32_t i = 0; i < g.buckets; i++)
			last = bucket[i] > last ? bucket[i] : last;
	}
	free(bucket);
	if (last < g.first)
		return 0;
	chains = buckets_at(m, &g) + g.buckets * (uint64_t)sizeof(last);
	for (unsigned n = 0; n < CHAIN_MAX && !(of_symbol & 1); n++, last++) {
		if (!target_read(t, chains + (last - g.first) * (uint64_t)sizeof(last), &of_symbol,
				 sizeof(of_symbol)))
			return 0;
	}
	return last;
}

/* Reads all functions of the module. */
static void read_functions(const struct target *t, struct target_module *m)
{
	uint64_t count = count_symbols(t, m);
	Elf64_Sym *table;

	count = count > SYMBOLS_MAX ? 0 : count;
	table = malloc(count * sizeof(*table) + 1);
	m->symbol = malloc(count * sizeof(*m->symbol) + 1);
	m->strings = malloc(m->strings_bytes + 1);
	if (!table || !m->symbol || !m->strings)
		quit_saying(EXIT_SETUP, "out of memory");
	m->strings[m->strings_bytes] = 0;
	if (!target_read(t, m->symbols_at, table, count * sizeof(*table)) ||
	    !target_read(t, m->strings_at, m->strings, m->strings_bytes))
		count = 0;
	for (uint64_t i = 0; i < count; i++) {
		if (is_function(&table[i]) && table[i].st_name < m->strings_bytes)
			m->symbol[m->symbols++] = (struct target_symbol){
				table[i].st_value + m->bias, table[i].st_size, table[i].st_name,
			};
	}
	free(table);
}

unsigned target_names_at(const struct target *t, struct target_module *m, uint64_t address,
			 void (*visit)(const char *name, void *context), void *context)
{
	unsigned names = 0;

	if (!m->symbol)
		read_functions(t, m);
	for (size_t i = 0; i < m->symbols; i++) {
		const struct target_symbol *s = &m->symbol[i];

		if (address < s->start || address - s->start >= s->bytes)
			continue;
		names++;
		visit(m->strings + s->name, context);
	}
	return names;
}
