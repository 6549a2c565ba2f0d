/* SPDX-License-Identifier: GPL-2.0-only */
/* See interpose.h. */
#include "interpose.h"

#include "base/arena.h"
#include "base/atomics.h"
#include "base/mappings.h"
#include "headers.h"
#include "lookup.h"
#include "symbol_tables.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* The types of relocations that put the address of a function into a word. */
#if defined(__x86_64__) && defined(__LP64__)
#define IS_SLOT(type)	((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_SLOT(type)	((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_ABS64)
#elif defined(__i386__)
#define IS_SLOT(type)	((type) == R_386_JMP_SLOT || (type) == R_386_GLOB_DAT || (type) == R_386_32)
#else
#define IS_SLOT(type)	0
#endif

#if UINTPTR_MAX > 0xffffffff
#define RELOCATION_TYPE(info)	ELF64_R_TYPE(info)
#define RELOCATION_SYMBOL(info)	ELF64_R_SYM(info)
#else
#define RELOCATION_TYPE(info)	ELF32_R_TYPE(info)
#define RELOCATION_SYMBOL(info)	ELF32_R_SYM(info)
#endif

/* ---- The functions ---- */

#define FUNCTIONS_MAX	160u

static const char *names[FUNCTIONS_MAX];
static struct lookup_definition reals[FUNCTIONS_MAX];
static uintptr_t ours[FUNCTIONS_MAX];
static unsigned count;			/* of the functions that have a real one */
static unsigned range_first, range_end;		/* those that the words are searched for now */
static bool to_ours;			/* false: from our functions back to the real ones */

static void add_function(const struct symbol_tables *s, uint32_t i)
{
	const ElfW(Sym) *y = &s->symbols[i];

	if (y->st_shndx == SHN_UNDEF || ELF32_ST_TYPE(y->st_info) != STT_FUNC || count == FUNCTIONS_MAX)
		return;
	names[count] = s->strings + y->st_name;
	ours[count++] = s->bias + (uintptr_t)y->st_value;
}

/* Puts those functions whose names are listed in front of the others from place `sorted` on. Returns the place
 * behind. */
static unsigned sort_functions(unsigned sorted, const char *listed)
{
	for (unsigned i = sorted; i < count; i++) {
		const char *name = names[i];
		struct lookup_definition real = reals[i];
		uintptr_t our = ours[i];

		if (!strstr(listed, name))
			continue;
		names[i] = names[sorted], reals[i] = reals[sorted], ours[i] = ours[sorted];
		names[sorted] = name, reals[sorted] = real, ours[sorted++] = our;
	}
	return sorted;
}

/* Lists what this library exports, as DT_GNU_HASH has it, and finds the real functions. */
static void find_functions(void)
{
	const struct link_map *own = lookup_own_module();
	struct symbol_tables s;
	unsigned kept = 0;

	count = 0;
	if (!own || !symbol_tables_find(own, &s) || !s.gnu_hash)
		return;
	for (uint32_t bucket = 0; bucket < s.gnu_hash[0]; bucket++) {
		for (uint32_t i = symbol_tables_bucket(&s, bucket); i; i = symbol_tables_bucket_ends(&s, i) ? 0 : i + 1)
			add_function(&s, i);
	}
	lookup_definitions(names, reals, count);
	for (unsigned i = 0; i < count; i++) {
		if (!reals[i].address)
			continue;
		names[kept] = names[i];
		reals[kept] = reals[i];
		ours[kept++] = ours[i];
	}
	count = kept;
}

static uintptr_t from(unsigned i)
{
	return to_ours ? (uintptr_t)reals[i].address : ours[i];
}

static uintptr_t to(unsigned i)
{
	return to_ours ? ours[i] : (uintptr_t)reals[i].address;
}

/* Whether a slot of this name is for function i. NULL: a word of the loader's data, which is for malloc's family
 * only. */
static bool is_named(unsigned i, const char *name)
{
	return name ? !strcmp(names[i], name) : strstr("malloc calloc realloc free", names[i]) != NULL;
}

/* Finds the function that a slot with this value leads to. Functions of several names may have the same address.
 * Returns range_end if there is none. */
static unsigned find_function(uintptr_t value, const char *name)
{
	unsigned i = range_first;

	while (i < range_end && (from(i) != value || !is_named(i, name)))
		i++;
	return i;
}

/* A set of the addresses in from(), by some of their bits: nearly all words are in no doubt at once. */
static uint64_t seldom[64];

static unsigned set_bit(uintptr_t value)
{
	return (unsigned)((value >> 4 ^ value >> 16) % (64 * 64));
}

static bool may_be_function(uintptr_t value)
{
	return seldom[set_bit(value) / 64] >> set_bit(value) % 64 & 1;
}

/* ---- Writing ---- */

struct span {
	uintptr_t start, end;
	int protection;
};

static struct span *spans;		/* the kernel's list of mappings; interpose_end() reads it anew */
static unsigned span_count, span_room;
static unsigned changed, failed;

static void add_span(const struct mapping *m)
{
	if (span_count < span_room)
		spans[span_count] = (struct span){ (uintptr_t)m->start, (uintptr_t)m->end,
			(m->access[0] == 'r' ? PROT_READ : 0) | (m->access[1] == 'w' ? PROT_WRITE : 0) |
			(m->access[2] == 'x' ? PROT_EXEC : 0) };
	span_count++;
}

/* Goes through the list twice, to count the mappings, and to note them. Other threads may map more meanwhile, but not
 * those of modules. */
static bool read_spans(void)
{
	struct mappings list;
	struct mapping m;

	span_room = 0;
	for (unsigned pass = 0; pass < 2; pass++) {
		if (!mappings_open(&list, 0))
			return false;
		span_count = 0;
		while (mappings_next(&list, &m))
			add_span(&m);
		mappings_close(&list);
		if (!pass) {
			span_room = span_count + 64;
			spans = arena_map(span_room * sizeof(*spans));
			if (!spans)
				return false;
		}
	}
	if (span_count > span_room)
		span_count = span_room;
	return true;
}

static const struct span *find_span(uintptr_t address)
{
	static unsigned last;		/* neighbours are asked for one after the other */

	for (unsigned i = 0; i < span_count; i++, last++) {
		const struct span *s = &spans[last % span_count];

		if (address - s->start < s->end - s->start)
			return s;
	}
	return NULL;
}

static void write_word(const void *word, uintptr_t value)
{
	uintptr_t *at = (uintptr_t *)(uintptr_t)word, page = (uintptr_t)at & ~((uintptr_t)getauxval(AT_PAGESZ) - 1);
	const struct span *s = find_span((uintptr_t)at);
	size_t bytes = (size_t)((uintptr_t)(at + 1) - page);

	if (!s || (uintptr_t)at % sizeof(*at) ||
	    (!(s->protection & PROT_WRITE) && mprotect((void *)page, bytes, s->protection | PROT_READ | PROT_WRITE))) {
		failed++;
		return;
	}
	store_release(at, value);
	if (!(s->protection & PROT_WRITE))
		mprotect((void *)page, bytes, s->protection);
	changed++;
}

/* ---- Slots ---- */

static void take_word(uintptr_t *word, const char *name)
{
	uintptr_t value = load_relaxed(word);
	unsigned i = may_be_function(value) ? find_function(value, name) : range_end;

	if (i < range_end)
		write_word(word, to(i));
}

static void take_relocations(const struct symbol_tables *s, const struct relocations *r, bool addends)
{
	size_t each = addends ? sizeof(ElfW(Rela)) : sizeof(ElfW(Rel));

	for (size_t at = 0; r->start && at + each <= r->size_bytes; at += each) {
		const ElfW(Rel) *entry = (const ElfW(Rel) *)(const void *)(r->start + at);
		size_t symbol = (size_t)RELOCATION_SYMBOL(entry->r_info);

		if (symbol && IS_SLOT(RELOCATION_TYPE(entry->r_info)))
			take_word((uintptr_t *)(s->bias + (uintptr_t)entry->r_offset),
				  s->strings + s->symbols[symbol].st_name);
	}
}

/* The loader's pointers to the functions of malloc's family. */
static void take_loader(uintptr_t base)
{
	unsigned headers;
	const ElfW(Phdr) *ph = headers_at(base, &headers);

	for (unsigned i = 0; ph && i < headers; i++) {
		uintptr_t *word = (uintptr_t *)(base + ph[i].p_vaddr), *end = word + ph[i].p_memsz / sizeof(*word);

		if (ph[i].p_type != PT_LOAD || !(ph[i].p_flags & PF_W))
			continue;
		for (; word < end; word++)
			take_word(word, NULL);
	}
}

static void take_modules(void)
{
	uintptr_t loader = (uintptr_t)getauxval(AT_BASE);

	for (const struct link_map *map = lookup_first_module(); map; map = map->l_next) {
		struct symbol_tables s;

		if (map == lookup_own_module() || lookup_is_kernels(map) || !symbol_tables_find(map, &s))
			continue;
		take_relocations(&s, &s.with_addends, true);
		if (sizeof(void *) < 8)
			take_relocations(&s, &s.without, false);
		take_relocations(&s, &s.of_plt, s.plt_has_addends);
		if (loader && (uintptr_t)map->l_addr == loader)
			take_loader(loader);
	}
}

/* ---- Symbols ---- */

/* Changes the symbols of a real function: there is one for each version of the name. */
static void take_symbol(unsigned i)
{
	uintptr_t bias = (uintptr_t)reals[i].module->l_addr;
	uint32_t hash = headers_gnu_hash(names[i]), at;
	struct symbol_tables s;

	if (ELF32_ST_TYPE(reals[i].symbol->st_info) == STT_GNU_IFUNC || !symbol_tables_find(reals[i].module, &s))
		return;
	if (!s.gnu_hash) {
		write_word(&reals[i].symbol->st_value, to(i) - bias);
		return;
	}
	for (at = symbol_tables_bucket(&s, hash); at; at = symbol_tables_bucket_ends(&s, at) ? 0 : at + 1) {
		const ElfW(Sym) *y = &s.symbols[at];

		if (y->st_shndx != SHN_UNDEF && bias + (uintptr_t)y->st_value == from(i) &&
		    !strcmp(s.strings + y->st_name, names[i]))
			write_word(&y->st_value, to(i) - bias);
	}
}

/* Changes the symbols and slots of these functions. */
static void take_functions(unsigned from_first, unsigned to_end)
{
	range_first = from_first;
	range_end = to_end;
	memset(seldom, 0, sizeof(seldom));
	for (unsigned i = range_first; i < range_end; i++) {
		seldom[set_bit(from(i)) / 64] |= (uint64_t)1 << set_bit(from(i)) % 64;
		take_symbol(i);
	}
	take_modules();
}

static unsigned change_all(bool begins)
{
	unsigned frees = sort_functions(0, "__libc_free cfree free_sized free_aligned_sized");
	unsigned both = sort_functions(frees, "__libc_realloc reallocarray");
	int saved = errno;

	to_ours = begins;
	changed = failed = 0;
	if (count && read_spans()) {
		take_functions(0, frees);
		take_functions(frees, both);
		take_functions(both, count);
	}
	arena_unmap(spans, span_room * sizeof(*spans));
	spans = NULL;
	errno = saved;
	return begins ? changed : failed;
}

unsigned interpose_begin(void)
{
	find_functions();
	return change_all(true);
}

unsigned interpose_end(void)
{
	return change_all(false);
}
