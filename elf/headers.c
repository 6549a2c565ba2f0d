/* SPDX-License-Identifier: GPL-2.0-only */
/* See headers.h. */
#include "headers.h"

#include "base/probe.h"

#include <elf.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_DATA	ELFDATA2LSB
#else
#define OWN_DATA	ELFDATA2MSB
#endif

_Static_assert(HEADERS_BYTES == sizeof(Elf64_Ehdr) && HEADERS_RECORD_BYTES == sizeof(Elf64_Shdr),
	       "the largest records are those of ELFCLASS64");

/* An address, offset or size: 4 bytes in ELFCLASS32, 8 in ELFCLASS64. */
static uint64_t read_word(struct reader *r, bool wide)
{
	return wide ? reader_u64(r) : reader_u32(r);
}

static uint16_t read_half(struct reader *r, bool own_order)
{
	uint16_t half = reader_u16(r);

	return own_order ? half : __builtin_bswap16(half);
}

enum headers_status headers_decode(const void *bytes, size_t size_bytes, struct elf_header *h)
{
	struct reader r = reader_over(bytes, size_bytes);
	const uint8_t *ident = reader_bytes(&r, EI_NIDENT);
	bool own_order;

	*h = (struct elf_header){ .class = ELFCLASSNONE };
	if (!ident || memcmp(ident, ELFMAG, SELFMAG) ||
	    (ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32))
		return HEADERS_NOT_ELF;
	h->class = ident[EI_CLASS];
	h->data = ident[EI_DATA];
	h->wide = h->class == ELFCLASS64;
	own_order = h->data == OWN_DATA;
	h->type = read_half(&r, own_order);
	h->machine = read_half(&r, own_order);
	if (!own_order)
		return HEADERS_OTHER_ORDER;
	reader_u32(&r);				/* e_version */
	h->entry = read_word(&r, h->wide);
	h->segment_offset = read_word(&r, h->wide);
	h->section_offset = read_word(&r, h->wide);
	reader_skip(&r, 4 + 2);			/* e_flags, e_ehsize */
	h->segment_bytes = reader_u16(&r);
	h->segments = reader_u16(&r);
	h->section_bytes = reader_u16(&r);
	h->sections = reader_u16(&r);
	h->name_section = reader_u16(&r);
	return r.bad ? HEADERS_TRUNCATED : HEADERS_OK;
}

uint32_t headers_segment_bytes(bool wide)
{
	return wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

uint32_t headers_section_bytes(bool wide)
{
	return wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

uint32_t headers_dynamic_bytes(bool wide)
{
	return wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
}

void headers_decode_segment(const uint8_t *record, bool wide, struct elf_segment *to)
{
	struct reader r = reader_over(record, headers_segment_bytes(wide));

	to->type = reader_u32(&r);
	if (wide)		/* the flags' place is the only difference in the order of the fields */
		to->flags = reader_u32(&r);
	to->offset = read_word(&r, wide);
	to->addr = read_word(&r, wide);
	read_word(&r, wide);			/* p_paddr */
	to->file_bytes = read_word(&r, wide);
	to->memory_bytes = read_word(&r, wide);
	if (!wide)
		to->flags = reader_u32(&r);
	to->align = read_word(&r, wide);
}

void headers_decode_section(const uint8_t *record, bool wide, struct elf_section *to)
{
	Elf64_Shdr s64;
	Elf32_Shdr s32;

	/* A dump decodes some thousand of these, so they are not read field by field. */
	if (wide) {
		memcpy(&s64, record, sizeof(s64));
		*to = (struct elf_section){
			.name = s64.sh_name, .type = s64.sh_type, .link = s64.sh_link, .info = s64.sh_info,
			.flags = s64.sh_flags, .addr = s64.sh_addr, .offset = s64.sh_offset,
			.size_bytes = s64.sh_size, .entry_bytes = s64.sh_entsize,
		};
	} else {
		memcpy(&s32, record, sizeof(s32));
		*to = (struct elf_section){
			.name = s32.sh_name, .type = s32.sh_type, .link = s32.sh_link, .info = s32.sh_info,
			.flags = s32.sh_flags, .addr = s32.sh_addr, .offset = s32.sh_offset,
			.size_bytes = s32.sh_size, .entry_bytes = s32.sh_entsize,
		};
	}
}

void headers_decode_dynamic(const uint8_t *record, bool wide, uint64_t *tag, uint64_t *value)
{
	struct reader r = reader_over(record, headers_dynamic_bytes(wide));

	*tag = read_word(&r, wide);
	*value = read_word(&r, wide);
}

/*
 * Notes are {name size, descriptor size, type}, name, descriptor, the latter two padded to
 * the segment's alignment (8 only where p_align is 8; gABI and Linux's ABI differ):
 *
 *	04 00 00 00  14 00 00 00  03 00 00 00  "GNU\0"  d6 0f ... (20 bytes)
 */
const uint8_t *headers_build_id(struct reader notes, uint64_t align, uint32_t *size_bytes)
{
	struct reader *r = &notes;
	uint64_t unit = align == 8 ? 8 : 4;

	while (reader_left(r)) {
		uint32_t name_bytes = reader_u32(r);
		uint32_t id_bytes = reader_u32(r);
		uint32_t type = reader_u32(r);
		const uint8_t *name = reader_bytes(r, name_bytes);
		const uint8_t *id;

		reader_skip(r, -(uint64_t)(r->p - r->start) & (unit - 1));
		id = reader_bytes(r, id_bytes);
		if (r->bad)
			return NULL;
		if (type == NT_GNU_BUILD_ID && name_bytes == 4 && !memcmp(name, "GNU", 4) && id_bytes) {
			*size_bytes = id_bytes;
			return id;
		}
		reader_skip(r, -(uint64_t)(r->p - r->start) & (unit - 1));
	}
	return NULL;
}

uint32_t headers_gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = hash * 33 + *c;
	return hash;
}

const ElfW(Phdr) *headers_at(uintptr_t base, unsigned *count)
{
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)base;

	*count = 0;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_phentsize != sizeof(ElfW(Phdr)) ||
	    eh->e_phoff >= PROBE_PAGE || eh->e_phnum > (PROBE_PAGE - eh->e_phoff) / sizeof(ElfW(Phdr)))
		return NULL;
	*count = eh->e_phnum;
	return (const ElfW(Phdr) *)(base + eh->e_phoff);
}

bool headers_extent(uintptr_t base, uintptr_t bias, uint32_t flags, uintptr_t *start, uintptr_t *end)
{
	unsigned count;
	const ElfW(Phdr) *segment = headers_at(base, &count);

	*start = UINTPTR_MAX;
	*end = 0;
	for (unsigned i = 0; i < count; i++) {
		uintptr_t first = bias + (uintptr_t)segment[i].p_vaddr;

		if (segment[i].p_type != PT_LOAD || (segment[i].p_flags & flags) != flags)
			continue;
		if (first < *start)
			*start = first;
		if (first + segment[i].p_memsz > *end)
			*end = first + (uintptr_t)segment[i].p_memsz;
	}
	return *end > *start;
}
