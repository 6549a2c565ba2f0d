/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decodes the headers of ELF files, whose layout is known here only (gABI 4.1 and its extensions).
 *
 *	file header	Elf64_Ehdr	where the two tables are, and how many records each has
 *	segments	Elf64_Phdr	what the kernel and the loader map; notes and the dynamic section
 *	sections	Elf64_Shdr	what linkers and debuggers read
 *	dynamic entry	Elf64_Dyn	a tag (DT_*) and a value
 *	note		Elf64_Nhdr	a name, a type and a descriptor, for example the build id
 *
 * The headers_decode_*() functions turn the bytes of such a record into the structs below, for both
 * classes (ELFCLASS32, ELFCLASS64) in the machine's own byte order. Where the bytes come from is the
 * caller's business: from a file by pread(2) (elf/program.c, symbol/elf_file.c) or from the memory of a
 * process. Nothing in the bytes is trusted, and nothing beyond them is read.
 *
 * headers_at() and headers_extent() serve for modules that the loader has mapped into this process.
 *
 * Everything here is async-signal-safe and allocates nothing.
 */
#ifndef ELF_HEADERS_H
#define ELF_HEADERS_H

#include "base/reader.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_header {
	bool wide;			/* ELFCLASS64 */
	uint8_t class, data;		/* ELFCLASS*, ELFDATA* */
	uint16_t type, machine;		/* ET_*, EM_* */
	uint64_t entry;
	uint64_t segment_offset, section_offset;	/* of the tables in the file; 0: there is none */
	uint16_t segment_bytes, section_bytes;		/* of one record, as the file says */
	uint16_t segments, sections, name_section;	/* large counts are elsewhere: see symbol/elf_file.c */
};

struct elf_segment {
	uint32_t type, flags;		/* PT_*, PF_* */
	uint64_t offset, file_bytes;
	uint64_t addr, memory_bytes;
	uint64_t align;
};

struct elf_section {
	uint32_t name;			/* its offset in the section of names */
	uint32_t type, link, info;	/* type: SHT_* */
	uint64_t flags;			/* SHF_* */
	uint64_t addr, offset, size_bytes;
	uint64_t entry_bytes;
};

enum headers_status {
	HEADERS_OK,
	HEADERS_NOT_ELF,
	HEADERS_OTHER_ORDER,	/* the byte order is not this machine's: class, data, type, machine are valid */
	HEADERS_TRUNCATED,	/* the bytes end before the header does */
};

#define HEADERS_BYTES		64u	/* sizeof(Elf64_Ehdr): the file header, of either class, has at most these */
#define HEADERS_RECORD_BYTES	64u	/* sizeof(Elf64_Shdr): any other record has at most these */

/* Decodes a file header from the first bytes of a file. */
enum headers_status headers_decode(const void *bytes, size_t size_bytes, struct elf_header *h);

/* The bytes of one record in a file of a class. */
uint32_t headers_segment_bytes(bool wide);
uint32_t headers_section_bytes(bool wide);
uint32_t headers_dynamic_bytes(bool wide);

/* Decodes a record, which must have the number of bytes that the function above returns. */
void headers_decode_segment(const uint8_t *record, bool wide, struct elf_segment *to);
void headers_decode_section(const uint8_t *record, bool wide, struct elf_section *to);
void headers_decode_dynamic(const uint8_t *record, bool wide, uint64_t *tag, uint64_t *value);

/*
 * Looks for the build id (the note NT_GNU_BUILD_ID of "GNU") among the notes of a segment, whose p_align
 * is given. Returns its descriptor, which lies in the reader's bytes, and its length; NULL where there is none.
 */
const uint8_t *headers_build_id(struct reader notes, uint64_t align, uint32_t *size_bytes);

/* The hash of a symbol's name, as tables of DT_GNU_HASH have it (binutils' elflink.c). */
uint32_t headers_gnu_hash(const char *name);

/*
 * The program headers of the module whose ELF header is at base in this process, and in *count how many there
 * are. NULL, and 0: there is no ELF header of this machine's word size, or the program headers do not end in
 * the first page (PROBE_PAGE bytes), as they do in nearly every file. That page must be readable.
 */
const ElfW(Phdr) *headers_at(uintptr_t base, unsigned *count);

/*
 * The addresses from the start of the first to the end of the last mapped segment that has all these flags (PF_X,
 * PF_W; 0: of all segments). bias: what the loader has added to the file's addresses, which for a module that
 * is linked at 0 is base. False: there is no such segment, or headers_at() finds none at all.
 */
bool headers_extent(uintptr_t base, uintptr_t bias, uint32_t flags, uintptr_t *start, uintptr_t *end);

#endif
