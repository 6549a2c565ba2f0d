/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See plt.h. A stub jumps to the address in a slot of the global offset table, and the relocation
 * of that slot names the symbol. So the code of each stub is decoded to get the address of its
 * slot, and then the relocations, those of the PLT first, are searched for the slots.
 *
 *	.plt		ff 25 e2 2f 00 00	jmp *0x2fe2(%rip)	the slot
 *			68 00 00 00 00		push $0
 *			e9 e0 ff ff ff		jmp to the first entry
 *	.plt.sec	f3 0f 1e fa		endbr64
 *			ff 25 92 2f 00 00	jmp *0x2f92(%rip)	(f2 before it with -z bndplt)
 *
 * In files with .plt.sec, the entries of .plt only push the number of their relocation. The
 * instructions are those of the Intel SDM and of the Arm ARM, C6.2 (ADRP, LDR immediate), the
 * sections those of the x86-64 psABI, "Procedure Linkage Table".
 */
#include "symbol/plt.h"

#include <elf.h>
#include <string.h>

#include "base/reader.h"
#include "base/search.h"
#include "base/sort.h"
#include "symbol/hex.h"
#include "symbol/symtab.h"

#define STUB_BYTES	24	/* of the longest, which aarch64 has with bti */
#define SLOTS_MAX	((size_t)1 << 20)

static const char names[] = ".plt\0" ".plt.sec\0" ".plt.got\0" ".iplt";
#define SECTIONS	4

/* A stub that has some of the addresses to be resolved. */
struct stub {
	uint64_t start;
	uint64_t slot;		/* the slot's address; if `numbered`, the index of its relocation */
	uint32_t which;		/* the first of the addresses in the stub: index in syms */
	uint32_t symbol;	/* the relocation's symbol; NO_SYMBOL: no relocation was found */
	uint64_t addend;	/* the relocation's; if it has none, the value of the slot in the file */
	const char *target;	/* if symbol is 0: the name of the function at `addend`, with @plt */
	uint32_t next;		/* the next stub of the same chain: its index plus 1, or 0 */
	bool numbered;
};

/* The best symbol for the address that an addend is. */
struct target {
	uint32_t name, name_bytes;	/* name_bytes 0: none */
	unsigned rank;			/* less is better */
};

#define NO_SYMBOL	UINT32_MAX

static const char suffix[] = "@plt";

struct plt {
	struct elf *e;
	struct dynamic dynamic;
	struct elf_section section[SECTIONS];
	struct stub *stubs;
	uint32_t *chains;	/* a hash table by slot: the index of the first stub plus 1, or 0 */
	size_t count, chain_mask;
	size_t missing;		/* stubs whose relocation has not been found */
};

/* Where the PLT entry that contains addr begins. 0: addr is in no PLT, or in its header. */
static uint64_t entry_start(const struct plt *p, uint64_t addr)
{
	for (unsigned i = 0; i < SECTIONS; i++) {
		const struct elf_section *s = &p->section[i];
		uint64_t bytes = s->entry_bytes, head = 0;

		if (s->type != SHT_PROGBITS || addr < s->addr || addr - s->addr >= s->size_bytes)
			continue;
		if (bytes != 8 && bytes != 16 && bytes != STUB_BYTES)
			bytes = 16;
		if (p->e->machine == EM_AARCH64)
			head = 32;
		if (addr - s->addr < head)
			return 0;
		return addr - (addr - s->addr - head) % bytes;
	}
	return 0;
}

/* Decodes an entry at its start. False: the code is another one than linkers write. */
static bool decode_x86(const struct plt *p, const uint8_t *code, struct stub *stub)
{
	bool wide = p->e->machine == EM_X86_64;
	uint32_t at = 0, value;

	if (!memcmp(code, "\xf3\x0f\x1e", 3) && (code[3] | 1) == 0xfb)	/* endbr64, endbr32 */
		at = 4;
	if (code[at] == 0x68) {
		memcpy(&value, code + at + 1, 4);
		stub->numbered = true;
		/* i386 pushes the relocation's offset (psABI i386, figure 5-5). */
		stub->slot = wide ? value : value / sizeof(Elf32_Rel);
		return at != 0;		/* without endbr, this is not where an entry starts */
	}
	at += code[at] == 0xf2;
	memcpy(&value, code + at + 2, 4);
	if (code[at] != 0xff)
		return false;
	if (code[at + 1] == 0x25)
		stub->slot = wide ? stub->start + at + 6 + (uint64_t)(int32_t)value : value;
	else if (code[at + 1] == 0xa3 && !wide)		/* jmp *value(%ebx) */
		stub->slot = (uint32_t)(p->dynamic.got + value);
	else
		return false;
	return true;
}

/* As decode_x86(). */
static bool decode_aarch64(const uint8_t *code, struct stub *stub)
{
	uint64_t pc = stub->start;
	uint32_t adrp, ldr;

	memcpy(&adrp, code, 4);
	if (adrp == 0xd503245f) {	/* bti c */
		code += 4;
		pc += 4;
		memcpy(&adrp, code, 4);
	}
	memcpy(&ldr, code + 4, 4);
	/* adrp x16, page; ldr x17, [x16, #offset] */
	if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
		return false;
	stub->slot = (pc & ~(uint64_t)0xfff) + ((uint64_t)(ldr >> 10 & 0xfff) << 3) +
		     ((uint64_t)((int64_t)((uint64_t)adrp << 40) >> 45) << 14) +
		     ((uint64_t)(adrp >> 29 & 3) << 12);
	return true;
}

static bool decode(const struct plt *p, struct stub *stub)
{
	uint8_t code[STUB_BYTES] = { 0 };
	uint64_t offset, bytes;

	if (!elf_offset(p->e, stub->start, &offset, &bytes))
		return false;
	if (bytes > sizeof(code))
		bytes = sizeof(code);
	if (bytes > p->e->size_bytes - offset)
		bytes = p->e->size_bytes - offset;
	if (!elf_read(p->e, offset, code, bytes))
		return false;
	return p->e->machine == EM_AARCH64 ? decode_aarch64(code, stub)
					   : decode_x86(p, code, stub);
}

static uint32_t *chain_of(const struct plt *p, uint64_t slot)
{
	return &p->chains[(slot / 8 * 0x9e3779b97f4a7c15u >> 32) & p->chain_mask];
}

/* Makes stubs of all addresses without a name that lie in PLT entries. */
static void collect(struct plt *p, const struct symbol *syms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct stub *stub = &p->stubs[p->count];
		uint64_t start = syms[i].name ? 0 : entry_start(p, syms[i].addr);
		uint32_t *chain;

		if (!start || (p->count && p->stubs[p->count - 1].start == start))
			continue;
		*stub = (struct stub){ .start = start, .which = (uint32_t)i, .symbol = NO_SYMBOL };
		if (!decode(p, stub))
			continue;
		chain = chain_of(p, stub->slot);
		stub->next = *chain;
		*chain = (uint32_t)++p->count;
	}
	p->missing = p->count;
}

/* The addend of relocations that have none themselves is the value of the slot in the file. */
static uint64_t slot_addend(struct elf *e, uint64_t slot)
{
	uint64_t offset, bytes;
	uint32_t value;

	return elf_offset(e, slot, &offset, &bytes) && bytes >= sizeof(value) &&
	       elf_read(e, offset, &value, sizeof(value)) ? value : 0;
}

/* Sets the symbol of the stubs that use a slot. */
static void set_symbol(struct plt *p, uint64_t slot, bool numbered, uint64_t symbol, bool has_addend,
		  uint64_t addend)
{
	for (uint32_t i = *chain_of(p, slot); i; i = p->stubs[i - 1].next) {
		struct stub *stub = &p->stubs[i - 1];

		if (stub->slot == slot && stub->numbered == numbered && stub->symbol == NO_SYMBOL &&
		    symbol < NO_SYMBOL) {
			stub->symbol = (uint32_t)symbol;
			stub->addend = has_addend ? addend : slot_addend(p->e, slot);
			p->missing--;
		}
	}
}

/* Searches a table of relocations. Each has the words offset, info and, if there are addends,
 * addend, in the size of the file's class. */
static void search_relocations(struct plt *p, uint64_t addr, uint64_t table_bytes, bool addends,
			 bool numbered)
{
	struct elf *e = p->e;
	uint32_t bytes = (e->wide ? 8u : 4u) * (addends ? 3u : 2u);
	uint64_t offset, room;
	const uint8_t *record;
	struct elf_stream s;

	if (!addr || !p->missing || !elf_offset(e, addr, &offset, &room))
		return;
	if (table_bytes > room)
		table_bytes = room;
	elf_stream_open(&s, e, offset, table_bytes / bytes, bytes);
	for (uint64_t i = 0; p->missing && (record = elf_stream_next(&s)); i++) {
		struct reader r = reader_over(record, bytes);
		uint64_t slot = e->wide ? reader_u64(&r) : reader_u32(&r);
		uint64_t info = e->wide ? reader_u64(&r) : reader_u32(&r);
		uint64_t addend = !addends ? 0 : e->wide ? reader_u64(&r) : reader_u32(&r);
		uint64_t symbol = e->wide ? ELF64_R_SYM(info) : ELF32_R_SYM((uint32_t)info);

		set_symbol(p, slot, false, symbol, addends, addend);
		if (numbered)
			set_symbol(p, i, true, symbol, addends, addend);
	}
}

/* Joins "malloc" and "@plt". NULL: no memory, or the name cannot be read. */
static const char *at_plt(struct elf_strings *strings, uint32_t name, uint32_t length,
			  struct arena *arena)
{
	char *text = length ? arena_alloc(arena, (size_t)length + sizeof(suffix)) : NULL;

	if (!text || !elf_string_copy(strings, name, length, text))
		return NULL;
	memcpy(text + length, suffix, sizeof(suffix));
	return text;
}

/* Indirect functions */

/* Whether the stub calls an indirect function whose name has not been found. */
static bool lacks_target(const struct stub *stub)
{
	return !stub->symbol && stub->addend && !stub->target;
}

/* Keeps the better symbol. An indirect function comes before its resolver; then the order is that
 * of match.c. */
static void offer_target(struct target *best, const struct symtab_entry *entry,
			 struct elf_strings *strings)
{
	unsigned rank = (entry->type != STT_GNU_IFUNC) * 4u +
			(entry->bind == STB_LOCAL ? 2u : entry->bind == STB_WEAK);
	uint32_t length;
	char head[2];

	if (best->name_bytes && rank > best->rank)
		return;
	length = elf_string_length(strings, entry->name, head);
	if (length && (!best->name_bytes || rank < best->rank || length < best->name_bytes))
		*best = (struct target){ entry->name, length, rank };
}

/* Searches one symbol table for the functions at the stubs' addends. Its addresses are greater by
 * shift. */
static void find_targets(struct plt *p, struct elf *e, const struct symtab *t, uint64_t shift,
			 struct arena *scratch, struct arena *arena)
{
	struct sort_entry *order = arena_alloc(scratch, (p->count + 1) * sizeof(*order));
	struct target *targets = arena_alloc(scratch, (p->count + 1) * sizeof(*targets));
	struct elf_strings strings;
	struct symtab_entry entry;
	struct elf_stream s;
	size_t n = 0, first = 0;

	for (size_t i = 0; order && i < p->count; i++) {
		if (lacks_target(&p->stubs[i]))
			order[n++] = (struct sort_entry){ ~(p->stubs[i].addend + shift), (uint32_t)i };
	}
	if (!n || !targets || !elf_strings_open(&strings, e, t->strings_offset, t->strings_bytes, scratch))
		return;
	sort_largest(order, n, n);
	symtab_open(&s, e, t);
	while (symtab_next(&s, &entry)) {
		size_t at;

		if ((entry.type != STT_GNU_IFUNC && entry.type != STT_FUNC) ||
		    entry.section == SHN_UNDEF)
			continue;
		at = search_first(n, i, ~order[i].key < entry.value);
		if (at < n && ~order[at].key == entry.value)
			offer_target(&targets[at], &entry, &strings);
	}
	/* Stubs with the same addend share the name of the first one. */
	for (size_t i = 0; i < n; i++) {
		if (order[i].key != order[first].key)
			first = i;
		p->stubs[order[i].index].target =
			i != first ? p->stubs[order[first].index].target
				   : at_plt(&strings, targets[i].name, targets[i].name_bytes, arena);
	}
}

/* Finds the indirect functions in .dynsym and in .symtab, which the debug file may have. */
static void name_targets(struct plt *p, struct elf *debug, uint64_t shift, struct arena *scratch,
			 struct arena *arena)
{
	struct symtab t;
	bool missing = false;

	for (size_t i = 0; i < p->count; i++)
		missing |= lacks_target(&p->stubs[i]);
	if (!missing)
		return;
	if (symtab_dynamic(p->e, &t))
		find_targets(p, p->e, &t, 0, scratch, arena);
	if (symtab_static(p->e, &t))
		find_targets(p, p->e, &t, 0, scratch, arena);
	else if (debug && symtab_static(debug, &t))
		find_targets(p, debug, &t, shift, scratch, arena);
}

/* Names */

/* NULL: no memory, or there is no usable name. */
static const char *stub_name(struct plt *p, const struct stub *stub, const struct symtab *t,
			     struct elf_strings *strings, struct arena *arena)
{
	struct symtab_entry entry;
	char head[2], *name, *end;

	if (stub->symbol)
		return !symtab_entry(p->e, t, stub->symbol, &entry) ? NULL :
		       at_plt(strings, entry.name, elf_string_length(strings, entry.name, head), arena);
	if (stub->target)
		return stub->target;
	name = arena_alloc(arena, 32);
	if (!name)
		return NULL;
	memcpy(name, "*ABS*+0x", 8);
	end = stub->addend ? hex_put(name + 8, stub->addend) : name + 5;
	memcpy(end, suffix, sizeof(suffix));
	return name;
}

static void set_names(struct plt *p, struct symbol *syms, size_t n, struct arena *scratch,
		      struct arena *arena)
{
	struct elf_strings strings;
	struct symtab t;

	if (!symtab_dynamic(p->e, &t) ||
	    !elf_strings_open(&strings, p->e, t.strings_offset, t.strings_bytes, scratch))
		return;
	for (size_t i = 0; i < p->count; i++) {
		const struct stub *stub = &p->stubs[i];
		const char *name;

		if (stub->symbol == NO_SYMBOL)
			continue;
		name = stub_name(p, stub, &t, &strings, arena);
		for (size_t j = stub->which; name && j < n; j++) {
			if (entry_start(p, syms[j].addr) != stub->start)
				break;
			syms[j].name = name;
			syms[j].start = stub->start;
		}
	}
}

void plt_resolve(struct elf *e, struct elf *debug, uint64_t shift, struct symbol *syms, size_t n,
		 struct arena *scratch, struct arena *arena)
{
	struct plt p = { .e = e };
	size_t inside = 0, chains = 16;

	if (e->machine != EM_X86_64 && e->machine != EM_386 && e->machine != EM_AARCH64)
		return;
	for (size_t i = 0; i < n && !inside; i++)
		inside = !syms[i].name && elf_code_at(e, syms[i].addr);
	if (!inside)
		return;
	elf_sections_named(e, names, SECTIONS, p.section);
	inside = 0;
	for (size_t i = 0; i < n; i++)
		inside += !syms[i].name && entry_start(&p, syms[i].addr);
	if (!inside || inside > SLOTS_MAX || !symtab_read_dynamic(e, &p.dynamic))
		return;
	while (chains < 2 * inside)
		chains *= 2;
	p.chain_mask = chains - 1;
	p.stubs = arena_alloc(scratch, (inside + 1) * sizeof(*p.stubs));
	p.chains = arena_alloc(scratch, chains * sizeof(*p.chains));
	if (!p.stubs || !p.chains)
		return;
	collect(&p, syms, n);
	search_relocations(&p, p.dynamic.jumps, p.dynamic.jumps_bytes, p.dynamic.jumps_have_addends, true);
	search_relocations(&p, p.dynamic.rela, p.dynamic.rela_bytes, true, false);
	search_relocations(&p, p.dynamic.rel, p.dynamic.rel_bytes, false, false);
	name_targets(&p, debug, shift, scratch, arena);
	set_names(&p, syms, n, scratch, arena);
}
