/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See symtab.h. Without section headers, no field says how many dynamic symbols there are. The hash
 * tables tell, because every defined symbol is in them (gABI, "Hash Table"; the format of
 * DT_GNU_HASH is that of GNU ld's bfd/elflink.c):
 *
 *	DT_HASH		nbucket nchain ...		nchain is the number of symbols
 *	DT_GNU_HASH	nbuckets first nbloom shift	header, 4 bytes each
 *			bloom[nbloom]			words of the file's class
 *			bucket[nbuckets]		lowest symbol of the bucket, 0: empty
 *			chain[symbols - first]		hashes; bit 0 ends a bucket
 *
 * So the last symbol is where the chain of the highest bucket ends. Symbols below `first` are
 * undefined and of no interest.
 */
#include "symbol/symtab.h"

#include <elf.h>
#include <string.h>


#define DYNAMIC_MAX	4096	/* entries of a dynamic section; real files have 20 to 40 */

static uint32_t entry_bytes(const struct elf *e)
{
	return e->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

static void bound_count(struct elf *e, struct symtab *t)
{
	if (t->count > ELF_SYMBOLS_MAX) {
		e->damaged = true;
		t->count = ELF_SYMBOLS_MAX;
	}
}

/* Finds the table by the section headers. False: there is none, or it is damaged. */
static bool from_section(struct elf *e, uint32_t type, struct symtab *t)
{
	struct elf_section symbols, strings;

	if (!elf_section_of_type(e, type, &symbols))
		return false;
	if (symbols.entry_bytes != entry_bytes(e) ||
	    !elf_section(e, symbols.link, &strings) || strings.type != SHT_STRTAB) {
		e->damaged = true;
		return false;
	}
	*t = (struct symtab){
		.offset = symbols.offset, .count = symbols.size_bytes / symbols.entry_bytes,
		.strings_offset = strings.offset, .strings_bytes = strings.size_bytes,
	};
	bound_count(e, t);
	return true;
}

/*
 * An address in a dynamic section, in the file's terms. In memory, the loader has added the bias
 * (glibc: _dl_relocate_object's setup of l_info), unless the section is read-only, as the vdso's
 * is.
 */
static uint64_t dynamic_address(const struct elf *e, uint64_t value)
{
	uint64_t offset, bytes;

	return e->mapped_at && elf_offset(e, value - e->bias, &offset, &bytes) ? value - e->bias
									       : value;
}

static void keep_entry(const struct elf *e, struct dynamic *d, uint64_t tag, uint64_t value)
{
	switch (tag) {
	case DT_SYMTAB:		d->symbols = dynamic_address(e, value); break;
	case DT_SYMENT:		d->symbol_bytes = value; break;
	case DT_STRTAB:		d->strings = dynamic_address(e, value); break;
	case DT_STRSZ:		d->strings_bytes = value; break;
	case DT_HASH:		d->hash = dynamic_address(e, value); break;
	case DT_GNU_HASH:	d->gnu_hash = dynamic_address(e, value); break;
	case DT_PLTGOT:		d->got = dynamic_address(e, value); break;
	case DT_JMPREL:		d->jumps = dynamic_address(e, value); break;
	case DT_PLTRELSZ:	d->jumps_bytes = value; break;
	case DT_PLTREL:		d->jumps_have_addends = value == DT_RELA; break;
	case DT_REL:		d->rel = dynamic_address(e, value); break;
	case DT_RELSZ:		d->rel_bytes = value; break;
	case DT_RELA:		d->rela = dynamic_address(e, value); break;
	case DT_RELASZ:		d->rela_bytes = value; break;
	}
}

bool symtab_read_dynamic(struct elf *e, struct dynamic *d)
{
	const struct elf_segment *segment = NULL;
	uint32_t bytes = headers_dynamic_bytes(e->wide);
	struct elf_stream s;
	const uint8_t *record;

	*d = (struct dynamic){ .symbols = 0 };
	for (uint32_t i = 0; i < e->segments && !segment; i++) {
		if (e->segment[i].type == PT_DYNAMIC)
			segment = &e->segment[i];
	}
	if (!segment || segment->file_bytes / bytes > DYNAMIC_MAX)
		return false;
	elf_stream_open(&s, e, segment->offset, segment->file_bytes / bytes, bytes);
	while ((record = elf_stream_next(&s))) {
		uint64_t tag, value;

		headers_decode_dynamic(record, e->wide, &tag, &value);
		if (tag == DT_NULL)
			break;
		keep_entry(e, d, tag, value);
	}
	return d->symbols && d->strings && d->symbol_bytes == entry_bytes(e);
}

/* The next record of 4 bytes; *more: there was one. */
static uint32_t next_u32(struct elf_stream *s, bool *more)
{
	const uint8_t *record = elf_stream_next(s);
	uint32_t value = 0;

	*more = record != NULL;
	if (record)
		memcpy(&value, record, sizeof(value));
	return value;
}

/* The number of symbols, from the table at an offset of the file. */
static uint64_t count_gnu_hash(struct elf *e, uint64_t offset)
{
	uint32_t header[4];		/* nbuckets, first, nbloom, shift */
	uint32_t last = 0, value;
	uint64_t buckets, chains;
	struct elf_stream s;
	bool more;

	if (!elf_read(e, offset, header, sizeof(header)))
		return 0;
	if (header[0] > ELF_SYMBOLS_MAX) {
		e->damaged = true;
		return 0;
	}
	buckets = offset + sizeof(header) + (uint64_t)header[2] * (e->wide ? 8 : 4);
	chains = buckets + (uint64_t)header[0] * 4;
	elf_stream_open(&s, e, buckets, header[0], 4);
	while (value = next_u32(&s, &more), more) {
		if (value > last)
			last = value;
	}
	if (last < header[1] || last >= ELF_SYMBOLS_MAX)
		return header[1];
	elf_stream_open(&s, e, chains + (uint64_t)(last - header[1]) * 4, 1, 4);
	s.left = s.left ? ELF_SYMBOLS_MAX - last : 0;
	if (s.left > (e->size_bytes - s.offset) / 4)
		s.left = (e->size_bytes - s.offset) / 4;
	while (value = next_u32(&s, &more), more) {
		last++;
		if (value & 1)
			break;
	}
	return last;
}

/* As count_gnu_hash(), from the older kind of table. */
static uint64_t count_hash(struct elf *e, uint64_t offset)
{
	uint32_t header[2];		/* nbucket, nchain */

	return elf_read(e, offset, header, sizeof(header)) ? header[1] : 0;
}

/* Finds the table by the dynamic section. False: there is none. */
static bool from_segments(struct elf *e, struct symtab *t)
{
	struct dynamic d;
	uint64_t hash, bytes;

	if (!symtab_read_dynamic(e, &d) || !elf_offset(e, d.symbols, &t->offset, &bytes) ||
	    !elf_offset(e, d.strings, &t->strings_offset, &t->strings_bytes))
		return false;
	if (t->strings_bytes > d.strings_bytes)
		t->strings_bytes = d.strings_bytes;
	if (d.gnu_hash && elf_offset(e, d.gnu_hash, &hash, &(uint64_t){ 0 }))
		t->count = count_gnu_hash(e, hash);
	else if (d.hash && elf_offset(e, d.hash, &hash, &(uint64_t){ 0 }))
		t->count = count_hash(e, hash);
	else
		return false;
	if (t->count > bytes / entry_bytes(e)) {
		e->damaged = true;
		t->count = bytes / entry_bytes(e);
	}
	bound_count(e, t);
	return true;
}

bool symtab_static(struct elf *e, struct symtab *t)
{
	return from_section(e, SHT_SYMTAB, t);
}

bool symtab_dynamic(struct elf *e, struct symtab *t)
{
	/* A file that has section headers but no .dynsym is a file of debug data, whose segments
	 * are not in the file. The dynamic section cannot be read there. */
	return e->sections ? from_section(e, SHT_DYNSYM, t) : from_segments(e, t);
}

void symtab_open(struct elf_stream *s, struct elf *e, const struct symtab *t)
{
	elf_stream_open(s, e, t->offset, t->count, entry_bytes(e));
}

static void decode(const struct elf *e, const uint8_t *record, struct symtab_entry *entry)
{
	uint8_t info;

	if (e->wide) {
		Elf64_Sym sym;

		memcpy(&sym, record, sizeof(sym));
		*entry = (struct symtab_entry){
			.value = sym.st_value, .size_bytes = sym.st_size,
			.name = sym.st_name, .section = sym.st_shndx,
		};
		info = sym.st_info;
	} else {
		Elf32_Sym sym;

		memcpy(&sym, record, sizeof(sym));
		*entry = (struct symtab_entry){
			.value = sym.st_value, .size_bytes = sym.st_size,
			.name = sym.st_name, .section = sym.st_shndx,
		};
		info = sym.st_info;
	}
	entry->type = ELF64_ST_TYPE(info);	/* the same in both classes */
	entry->bind = ELF64_ST_BIND(info);
}

bool symtab_next(struct elf_stream *s, struct symtab_entry *entry)
{
	const uint8_t *record = elf_stream_next(s);

	if (record)
		decode(s->elf, record, entry);
	return record != NULL;
}

bool symtab_entry(struct elf *e, const struct symtab *t, uint64_t i, struct symtab_entry *entry)
{
	uint8_t record[sizeof(Elf64_Sym)];
	uint32_t bytes = entry_bytes(e);

	if (i >= t->count || !elf_read(e, t->offset + i * bytes, record, bytes))
		return false;
	decode(e, record, entry);
	return true;
}
