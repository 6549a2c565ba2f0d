/* SPDX-License-Identifier: GPL-2.0-only */
/* See lookup.h. The tables are described in the System V ABI, chapter 5 ("Hash Table"), in
 * binutils' elflink.c (DT_GNU_HASH) and in the LSB, "Symbol Versioning". */
#include "lookup.h"

#include "base/atomics.h"
#include "headers.h"
#include "symbol_tables.h"

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

/* On most machines the loader replaces the addresses in a dynamic section by those in memory; on some machines the
 * section keeps the file's addresses. */
static const void *address_of(uintptr_t bias, const ElfW(Dyn) *d)
{
	uintptr_t at = (uintptr_t)d->d_un.d_ptr;

	return (const void *)(at < bias ? at + bias : at);
}

bool symbol_tables_find(const struct link_map *map, struct symbol_tables *s)
{
	*s = (struct symbol_tables){ .bias = (uintptr_t)map->l_addr };
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_SYMTAB:		s->symbols = address_of(s->bias, d); break;
		case DT_STRTAB:		s->strings = address_of(s->bias, d); break;
		case DT_VERSYM:		s->versions = address_of(s->bias, d); break;
		case DT_GNU_HASH:	s->gnu_hash = address_of(s->bias, d); break;
		case DT_HASH:		s->hash = address_of(s->bias, d); break;
		case DT_RELA:		s->with_addends.start = address_of(s->bias, d); break;
		case DT_RELASZ:		s->with_addends.size_bytes = (size_t)d->d_un.d_val; break;
		case DT_REL:		s->without.start = address_of(s->bias, d); break;
		case DT_RELSZ:		s->without.size_bytes = (size_t)d->d_un.d_val; break;
		case DT_JMPREL:		s->of_plt.start = address_of(s->bias, d); break;
		case DT_PLTRELSZ:	s->of_plt.size_bytes = (size_t)d->d_un.d_val; break;
		case DT_PLTREL:		s->plt_has_addends = d->d_un.d_val == DT_RELA; break;
		}
	}
	return s->symbols && s->strings && (s->gnu_hash || s->hash);
}

/* Whether symbol i defines this name for references that name no version. */
static bool defines(const struct symbol_tables *s, uint32_t i, const char *name)
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

/*
 * DT_GNU_HASH: the numbers of buckets, of the first symbol in the table, of the filter's words, and of the filter's
 * shift; then the filter, the buckets, each with the number of its first symbol, and a word for each symbol: its hash,
 * whose lowest bit says that the symbol is the last one of its bucket.
 */
static const uint32_t *buckets_of(const struct symbol_tables *s)
{
	return (const uint32_t *)(const void *)((const ElfW(Addr) *)(const void *)(s->gnu_hash + 4) + s->gnu_hash[2]);
}

static uint32_t hash_of(const struct symbol_tables *s, uint32_t i)
{
	return buckets_of(s)[s->gnu_hash[0] + i - s->gnu_hash[1]];
}

uint32_t symbol_tables_bucket(const struct symbol_tables *s, uint32_t hash)
{
	uint32_t i = s->gnu_hash[0] ? buckets_of(s)[hash % s->gnu_hash[0]] : 0;

	return i < s->gnu_hash[1] ? 0 : i;
}

bool symbol_tables_bucket_ends(const struct symbol_tables *s, uint32_t i)
{
	return hash_of(s, i) & 1;
}

/* Returns the symbol's number; 0: the module does not define the name. */
static uint32_t find_by_gnu_hash(const struct symbol_tables *s, const char *name)
{
	enum { WORD_BITS = 8 * sizeof(ElfW(Addr)) };
	const ElfW(Addr) *filter = (const ElfW(Addr) *)(const void *)(s->gnu_hash + 4);
	uint32_t hash = headers_gnu_hash(name), words = s->gnu_hash[2], i;
	ElfW(Addr) word;

	if (!words)
		return 0;
	word = filter[hash / WORD_BITS & (words - 1)];
	if (!(word >> hash % WORD_BITS & word >> (hash >> s->gnu_hash[3]) % WORD_BITS & 1))
		return 0;
	for (i = symbol_tables_bucket(s, hash); i; i++) {
		if ((hash_of(s, i) | 1) == (hash | 1) && defines(s, i, name))
			return i;
		if (symbol_tables_bucket_ends(s, i))
			return 0;
	}
	return 0;
}

/* The same by the older kind of hash table (DT_HASH). */
static uint32_t find_by_hash(const struct symbol_tables *s, const char *name)
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

/* The address of a symbol. Only the loader knows the result of a function that chooses one of several definitions
 * (STT_GNU_IFUNC). This dlsym() leaves no error text behind, because the name is defined. */
static void *resolve(const ElfW(Sym) *y, uintptr_t bias, const char *name, bool next)
{
	if (ELF32_ST_TYPE(y->st_info) == STT_GNU_IFUNC)
		return dlsym(next ? RTLD_NEXT : RTLD_DEFAULT, name);
	return (void *)(bias + (uintptr_t)y->st_value);
}

/* This library, as the linker names its beginning and end in memory. */
extern const char __ehdr_start[] HIDDEN, _end[] HIDDEN;

static bool is_own(const void *address)
{
	return (uintptr_t)address - (uintptr_t)__ehdr_start < (uintptr_t)(_end - __ehdr_start);
}

/* Searches one module for the names that have no definition yet. Returns the number of definitions that it added.
 * Definitions that lead to this library (elf/interpose.h) do not count as others'. */
static unsigned find_in_module(const struct link_map *map, const char *const *names, struct lookup_definition *found,
			unsigned count, bool next)
{
	struct symbol_tables s;
	unsigned new = 0;

	if (!symbol_tables_find(map, &s))
		return 0;
	for (unsigned i = 0; i < count; i++) {
		uint32_t symbol = 0;
		void *address;

		if (!found[i].address)
			symbol = s.gnu_hash ? find_by_gnu_hash(&s, names[i]) : find_by_hash(&s, names[i]);
		if (!symbol)
			continue;
		address = resolve(&s.symbols[symbol], s.bias, names[i], next && !lookup_is_late());
		if (next && is_own(address))
			continue;
		found[i] = (struct lookup_definition){ address, map, &s.symbols[symbol] };
		new++;
	}
	return new;
}

const struct link_map *lookup_own_module(void)
{
	static struct link_map *own;
	struct link_map *map = load_relaxed(&own);
	Dl_info info;

	if (!map && dladdr1((const void *)(uintptr_t)lookup_own_module, &info, (void **)(void *)&map, RTLD_DL_LINKMAP))
		store_relaxed(&own, map);
	return map;
}

const struct link_map *lookup_first_module(void)
{
	const struct link_map *map = lookup_own_module();

	while (map && map->l_prev)
		map = map->l_prev;
	return map;
}

bool lookup_is_kernels(const struct link_map *map)
{
	uintptr_t kernel = (uintptr_t)getauxval(AT_SYSINFO_EHDR);

	return kernel && (uintptr_t)map->l_addr == kernel;
}

/* Searches these modules for all names. A name that none of them defines leaves its element of `found` all 0. next:
 * only modules other than this one that were loaded when the program was started: the loader itself comes last of
 * them. */
static void find_from(const struct link_map *map, const char *const *names, struct lookup_definition *found,
		      unsigned count, bool next)
{
	uintptr_t loader = (uintptr_t)getauxval(AT_BASE);
	unsigned left = count;
	int saved = errno;

	memset(found, 0, count * sizeof(*found));
	for (; map && left; map = map->l_next) {
		if (!lookup_is_kernels(map) && !(next && map == lookup_own_module()))
			left -= find_in_module(map, names, found, count, next);
		if (next && loader && (uintptr_t)map->l_addr == loader && lookup_is_late())
			break;
	}
	errno = saved;
}

bool lookup_is_late(void)
{
	const char *name = "__libc_start_main";
	static uint32_t order;		/* 1: this library comes before libc; 2: it comes later; 0: not known yet */
	const struct link_map *own;
	struct lookup_definition found = { NULL, NULL, NULL };

	if (load_relaxed(&order))
		return load_relaxed(&order) == 2;
	own = lookup_own_module();
	find_from(own ? own->l_next : NULL, &name, &found, 1, false);
	store_relaxed(&order, found.address ? 1u : 2u);
	return !found.address;
}

void lookup_definitions(const char *const *names, struct lookup_definition *found, unsigned count)
{
	const struct link_map *own = lookup_own_module();

	find_from(lookup_is_late() ? lookup_first_module() : own ? own->l_next : NULL, names, found, count, true);
}

void lookup_next(const char *names, unsigned count, void *addresses)
{
	struct lookup_definition found[count];
	const char *name[count];
	void **address = addresses;

	if (!count)
		return;
	for (unsigned i = 0; i < count; names += strlen(names) + 1)
		name[i++] = names;
	lookup_definitions(name, found, count);
	for (unsigned i = 0; i < count; i++)
		store_release(&address[i], found[i].address);
}

struct lookup_definition lookup_first_definition(const char *name)
{
	struct lookup_definition found;

	find_from(lookup_first_module(), &name, &found, 1, false);
	return found;
}

void *lookup_first(const char *name)
{
	return lookup_first_definition(name).address;
}

bool lookup_next_together(const char *name, const char *other)
{
	const char *both[] = { name, other };
	struct lookup_definition found[2];

	lookup_definitions(both, found, 2);
	return found[0].module && found[0].module == found[1].module;
}

bool lookup_call_resolver(const char *name)
{
	return dlsym((void *)(uintptr_t)lookup_own_module(), name) != NULL;
}
