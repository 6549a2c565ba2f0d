/* SPDX-License-Identifier: GPL-2.0-only */
/* See lookup.h. The tables are described in the System V ABI, chapter 5 ("Hash Table"), in
 * binutils' elflink.c (DT_GNU_HASH) and in the LSB, "Symbol Versioning". */
#include "lookup.h"

#include "base/atomics.h"
#include "headers.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

/* An entry of .gnu.version is the number of a version and a flag. */
#define VERSION_HIDDEN	0x8000u	/* the symbol is only for references that name its version */
#define VERSION_FIRST	2u	/* lower numbers mean that the symbol has no version */

/* The tables of one module. */
struct symbols {
	uintptr_t bias;
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Half) *versions;	/* NULL: no symbol has one */
	const uint32_t *gnu_hash;	/* NULL: there is none */
	const uint32_t *hash;		/* the older kind; NULL: there is none */
};

/* On most machines the loader replaces the addresses in a dynamic section by those in memory; on some machines the
 * section keeps the file's addresses. */
static const void *address_of(uintptr_t bias, const ElfW(Dyn) *d)
{
	uintptr_t at = (uintptr_t)d->d_un.d_ptr;

	return (const void *)(at < bias ? at + bias : at);
}

/* False: the module has no symbols that can be found by a hash table. */
static bool find_tables(const struct link_map *map, struct symbols *s)
{
	*s = (struct symbols){ .bias = (uintptr_t)map->l_addr };
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_SYMTAB:		s->symbols = address_of(s->bias, d); break;
		case DT_STRTAB:		s->strings = address_of(s->bias, d); break;
		case DT_VERSYM:		s->versions = address_of(s->bias, d); break;
		case DT_GNU_HASH:	s->gnu_hash = address_of(s->bias, d); break;
		case DT_HASH:		s->hash = address_of(s->bias, d); break;
		}
	}
	return s->symbols && s->strings && (s->gnu_hash || s->hash);
}

/* Whether symbol i defines this name for references that name no version. */
static bool defines(const struct symbols *s, uint32_t i, const char *name)
{
	const ElfW(Sym) *y = &s->symbols[i];
	unsigned type = ELF32_ST_TYPE(y->st_info), version = s->versions ? s->versions[i] : 0;

	if (y->st_shndx == SHN_UNDEF || !y->st_value || ELF32_ST_BIND(y->st_info) == STB_LOCAL ||
	    type == STT_TLS || type == STT_SECTION || type == STT_FILE)
		return false;
	if (version & VERSION_HIDDEN && (version & ~VERSION_HIDDEN) >= VERSION_FIRST)
		return false;
	return !strcmp(s->strings + y->st_name, name);
}

/* Returns the symbol's number; 0: the module does not define the name. */
static uint32_t find_by_gnu_hash(const struct symbols *s, const char *name)
{
	enum { WORD_BITS = 8 * sizeof(ElfW(Addr)) };
	uint32_t buckets = s->gnu_hash[0], first = s->gnu_hash[1], words = s->gnu_hash[2];
	const ElfW(Addr) *filter = (const ElfW(Addr) *)(const void *)(s->gnu_hash + 4);
	const uint32_t *bucket = (const uint32_t *)(const void *)(filter + words), *chain = bucket + buckets;
	uint32_t hash = headers_gnu_hash(name), i;
	ElfW(Addr) word;

	if (!buckets || !words)
		return 0;
	word = filter[hash / WORD_BITS & (words - 1)];
	if (!(word >> hash % WORD_BITS & word >> (hash >> s->gnu_hash[3]) % WORD_BITS & 1))
		return 0;
	i = bucket[hash % buckets];
	if (i < first)
		return 0;
	for (;; i++) {
		uint32_t seen = chain[i - first];

		if ((seen | 1) == (hash | 1) && defines(s, i, name))
			return i;
		if (seen & 1)		/* this was the bucket's last symbol */
			return 0;
	}
}

/* The same by the older kind of hash table (DT_HASH). */
static uint32_t find_by_hash(const struct symbols *s, const char *name)
{
	uint32_t buckets = s->hash[0], h = 0, i;
	const uint32_t *bucket = s->hash + 2, *chain = bucket + buckets;

	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		h = (h << 4) + *c;
		h ^= h >> 24 & 0xf0;
		h &= 0x0fffffff;
	}
	for (i = buckets ? bucket[h % buckets] : 0; i; i = chain[i]) {
		if (defines(s, i, name))
			return i;
	}
	return 0;
}

struct definition {
	void *address;			/* NULL: none has been found */
	const struct link_map *module;
};

/* The address of a symbol. Only the loader knows the result of a function that chooses one of several definitions
 * (STT_GNU_IFUNC). This dlsym() leaves no error text behind, because the name is defined. */
static void *resolve(const ElfW(Sym) *y, uintptr_t bias, const char *name, bool next)
{
	if (ELF32_ST_TYPE(y->st_info) == STT_GNU_IFUNC)
		return dlsym(next ? RTLD_NEXT : RTLD_DEFAULT, name);
	return (void *)(bias + (uintptr_t)y->st_value);
}

/* Searches one module for the names that have no definition yet. Returns the number of definitions that it added. */
static unsigned find_in_module(const struct link_map *map, const struct lookup *list, struct definition *found,
			unsigned count, bool next)
{
	struct symbols s;
	unsigned new = 0;

	if (!find_tables(map, &s))
		return 0;
	for (unsigned i = 0; i < count; i++) {
		uint32_t symbol = 0;

		if (!found[i].address)
			symbol = s.gnu_hash ? find_by_gnu_hash(&s, list[i].name) : find_by_hash(&s, list[i].name);
		if (!symbol)
			continue;
		found[i].address = resolve(&s.symbols[symbol], s.bias, list[i].name, next);
		found[i].module = map;
		new++;
	}
	return new;
}

/* This library's module in the loader's list of all modules, whose order is the order of the search. */
static const struct link_map *own_module(void)
{
	static struct link_map *own;
	struct link_map *map = load_relaxed(&own);
	Dl_info info;

	if (!map && dladdr1((const void *)(uintptr_t)own_module, &info, (void **)(void *)&map, RTLD_DL_LINKMAP))
		store_relaxed(&own, map);
	return map;
}

/* Searches the modules in the loader's order: all of them, or (next) those behind this library's. A name that no module
 * defines leaves its element of `found` all 0. */
static void find_all(const struct lookup *list, struct definition *found, unsigned count, bool next)
{
	/* The vdso is in the loader's list, but the loader does not search it for symbols. */
	uintptr_t kernel = (uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const struct link_map *map = own_module();
	int saved = errno;

	memset(found, 0, count * sizeof(*found));
	while (map && !next && map->l_prev)
		map = map->l_prev;
	if (map && next)
		map = map->l_next;
	for (unsigned left = count; map && left; map = map->l_next) {
		if (!kernel || (uintptr_t)map->l_addr != kernel)
			left -= find_in_module(map, list, found, count, next);
	}
	errno = saved;
}

void lookup_next(const struct lookup *list, unsigned count)
{
	struct definition found[count];

	find_all(list, found, count, true);
	for (unsigned i = 0; i < count; i++)
		store_release(list[i].address, found[i].address);
}

void *lookup_first(const char *name)
{
	struct lookup one = { name, NULL };
	struct definition found;

	find_all(&one, &found, 1, false);
	return found.address;
}

bool lookup_next_together(const char *name, const char *other)
{
	struct lookup both[] = { { name, NULL }, { other, NULL } };
	struct definition found[2];

	find_all(both, found, 2, true);
	return found[0].module && found[0].module == found[1].module;
}
