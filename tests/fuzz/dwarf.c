/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: debug sections, put into a small ELF file in a memfd. The input is a byte of
 * flags (1: ELFCLASS32; 2: the odd sections are compressed with SHF_COMPRESSED, whose header
 * is in the input), ten sizes of two bytes, then the sections' bytes one after another;
 * tests/fuzz/dwarf.pl makes such inputs of programs. Code is at 0x1000 to 0x3000.
 */
#ifndef _GNU_SOURCE
#endif
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/dwarf.h"
#include "symbol/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTIONS	(3 + DWARF_SECTIONS)	/* none, code, names, debug */
#define ADDRESSES	64
#define CODE		0x1000u
#define CODE_BYTES	0x2000u
#define HEAD		(1 + 2 * DWARF_SECTIONS)

/* In the order of enum dwarf_section, 16 bytes each. */
static const char names[] =
	"\0names\0\0\0\0\0\0\0\0\0\0" ".debug_info\0\0\0\0\0" ".debug_abbrev\0\0\0"
	".debug_line\0\0\0\0\0" ".debug_str\0\0\0\0\0\0" ".debug_line_str\0"
	".debug_str_offse" ".debug_addr\0\0\0\0\0" ".debug_ranges\0\0\0" ".debug_rnglists\0"
	".debug_aranges\0\0" ".debug_str_offsets";

static uint32_t name_of(unsigned section)
{
	return section == DWARF_STR_OFFSETS ? 16 * 11 : 16 * (section + 1);
}

static int make(const uint8_t *data, size_t size)
{
	static uint8_t file[1 << 20];
	bool narrow = data[0] & 1;
	size_t at = sizeof(Elf64_Ehdr), from = HEAD;
	Elf64_Shdr s[SECTIONS] = { { .sh_type = SHT_NULL } };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	memcpy(file + at, names, sizeof(names));
	s[1] = (Elf64_Shdr){ .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			     .sh_addr = CODE, .sh_size = CODE_BYTES };
	s[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = sizeof(names) };
	at += sizeof(names);
	for (unsigned i = 0; i < DWARF_SECTIONS; i++) {
		size_t bytes = data[1 + 2 * i] | (size_t)data[2 + 2 * i] << 8;

		if (bytes > size - from)
			bytes = size - from;
		s[3 + i] = (Elf64_Shdr){
			.sh_name = name_of(i), .sh_type = SHT_PROGBITS, .sh_offset = at,
			.sh_size = bytes, .sh_flags = (data[0] & 2) && (i & 1) ? SHF_COMPRESSED : 0,
		};
		memcpy(file + at, data + from, bytes);
		from += bytes;
		at += bytes;
	}
	if (narrow) {
		Elf32_Ehdr h = { .e_ident = ELFMAG "\1\1\1", .e_type = ET_DYN, .e_shoff = at,
				 .e_shentsize = sizeof(Elf32_Shdr), .e_shnum = SECTIONS,
				 .e_shstrndx = 2 };

		memcpy(file, &h, sizeof(h));
		for (unsigned i = 0; i < SECTIONS; i++, at += sizeof(Elf32_Shdr))
			memcpy(file + at, &(Elf32_Shdr){
				.sh_name = s[i].sh_name, .sh_type = s[i].sh_type,
				.sh_flags = (Elf32_Word)s[i].sh_flags,
				.sh_addr = (Elf32_Addr)s[i].sh_addr,
				.sh_offset = (Elf32_Off)s[i].sh_offset,
				.sh_size = (Elf32_Word)s[i].sh_size }, sizeof(Elf32_Shdr));
	} else {
		Elf64_Ehdr h = { .e_ident = ELFMAG "\2\1\1", .e_type = ET_DYN, .e_shoff = at,
				 .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = SECTIONS,
				 .e_shstrndx = 2 };

		memcpy(file, &h, sizeof(h));
		memcpy(file + at, s, sizeof(s));
		at += sizeof(s);
	}
	if (fd < 0 || write(fd, file, at) != (ssize_t)at)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol syms[ADDRESSES] = { { 0 } };
	struct symbol_file file;
	struct arena arena = { .chunk = NULL };
	char path[64];
	int fd;

	if (size < HEAD || size > 500000)
		return 0;
	fd = make(data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < ADDRESSES; i++)
		syms[i].addr = CODE - 16 + i * 16 + (i > 32 ? (i - 32) * 240 : 0);
	file = (struct symbol_file){ .path = path, .lines = true };
	if (symbol_resolve(&file, syms, ADDRESSES, &arena) == SYMBOL_NO_MEMORY)
		abort();
	for (size_t i = 0; i < ADDRESSES; i++) {
		if (syms[i].call_count > DWARF_DEPTH_MAX || !syms[i].call_count != !syms[i].calls)
			abort();
		for (uint32_t j = 0; j < syms[i].call_count; j++) {
			const struct symbol_call *call = &syms[i].calls[j];

			if (call->function && strlen(call->function) > ELF_NAME_MAX)
				abort();
			if (call->file && strlen(call->file) > 3 * (ELF_NAME_MAX + 1))
				abort();
		}
	}
	arena_release(&arena);
	close(fd);
	return 0;
}
