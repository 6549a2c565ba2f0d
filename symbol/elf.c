/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See elf.h. The order of trust: the file's size comes from fstat(); every offset is held
 * against it before it is used (by subtraction, so nothing can wrap); and a read that comes
 * back short, because the file shrank meanwhile, ends the table it belongs to.
 *
 * The class is handled where bytes become structs (section_decode and its like), nowhere
 * else: everything above works on 64-bit values.
 */
#define _FILE_OFFSET_BITS 64	/* a 32-bit build reads large files too */

#include "symbol/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/opened.h"
#include "base/probe.h"
#include "base/reader.h"
#include "symbol/symbol.h"

#define CHUNK_BYTES	ELF_CHUNK_BYTES
/* Of a section's name, as far as we ask for one; how many we look at, about 1 us each. */
#define SECTION_NAME_BYTES	32
#define NAMED_SECTIONS_MAX	65536u

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA	ELFDATA2LSB
#else
#define NATIVE_DATA	ELFDATA2MSB
#endif

/* An address, offset or size: 4 bytes in ELFCLASS32, 8 in ELFCLASS64. */
static uint64_t word(struct reader *r, bool wide)
{
	return wide ? reader_u64(r) : reader_u32(r);
}

/* Copies memory of this process, as far as it can be read. */
static size_t read_memory(uint64_t address, char *buf, size_t size_bytes)
{
	size_t done = 0;

	while (done < size_bytes && probe_readable((uintptr_t)(address + done))) {
		size_t some = PROBE_PAGE - ((address + done) & (PROBE_PAGE - 1));

		if (some > size_bytes - done)
			some = size_bytes - done;
		memcpy(buf + done, (const char *)(uintptr_t)(address + done), some);
		done += some;
	}
	return done;
}

/* Reads up to size_bytes; less at the end of the file or on an error. */
static size_t read_some(const struct elf *e, uint64_t offset, void *buf, size_t size_bytes)
{
	size_t done = 0;

	if (e->direct)
		return read_memory(e->mapped_at + offset, buf, size_bytes);
	while (done < size_bytes) {
		ssize_t got = pread(e->fd, (char *)buf + done, size_bytes - done,
				    (off_t)(e->mapped_at + offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

bool elf_read(struct elf *e, uint64_t offset, void *buf, size_t size_bytes)
{
	if (offset <= e->size_bytes && size_bytes <= e->size_bytes - offset &&
	    read_some(e, offset, buf, size_bytes) == size_bytes)
		return true;
	e->damaged = true;
	return false;
}

void elf_stream_open(struct elf_stream *s, struct elf *e, uint64_t offset, uint64_t records,
		     uint32_t record_bytes)
{
	uint64_t room = offset <= e->size_bytes ? (e->size_bytes - offset) / record_bytes : 0;

	if (records > room) {
		e->damaged = true;
		records = room;
	}
	*s = (struct elf_stream){
		.elf = e, .offset = offset, .left = records, .record_bytes = record_bytes,
	};
}

const uint8_t *elf_stream_next(struct elf_stream *s)
{
	const uint8_t *record;

	if (s->at == s->have) {
		uint64_t batch = CHUNK_BYTES / s->record_bytes;
		uint32_t bytes;

		if (batch > s->left)
			batch = s->left;
		bytes = (uint32_t)batch * s->record_bytes;
		if (!bytes)
			return NULL;
		if (!elf_read(s->elf, s->offset, s->elf->chunk, bytes)) {
			s->left = 0;
			s->at = s->have = 0;
			return NULL;
		}
		s->offset += bytes;
		s->left -= batch;
		s->at = 0;
		s->have = bytes;
	}
	record = s->elf->chunk + s->at;
	s->at += s->record_bytes;
	return record;
}

/* Headers */

static uint32_t section_header_bytes(const struct elf *e)
{
	return e->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

static uint32_t segment_header_bytes(const struct elf *e)
{
	return e->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static uint32_t section_decode(const struct elf *e, const uint8_t *record,
			       struct elf_section *section)
{
	struct reader r = reader_over(record, section_header_bytes(e));
	uint32_t info;

	section->name = reader_u32(&r);
	section->type = reader_u32(&r);
	section->flags = word(&r, e->wide);
	section->addr = word(&r, e->wide);
	section->offset = word(&r, e->wide);
	section->size_bytes = word(&r, e->wide);
	section->link = reader_u32(&r);
	info = reader_u32(&r);
	word(&r, e->wide);		/* sh_addralign */
	section->entry_bytes = word(&r, e->wide);
	return info;
}

static void segment_decode(const struct elf *e, const uint8_t *record, struct elf_segment *s)
{
	struct reader r = reader_over(record, segment_header_bytes(e));

	s->type = reader_u32(&r);
	if (e->wide)
		s->flags = reader_u32(&r);
	s->offset = word(&r, e->wide);
	s->addr = word(&r, e->wide);
	word(&r, e->wide);		/* p_paddr */
	s->file_bytes = word(&r, e->wide);
	s->memory_bytes = word(&r, e->wide);
	if (!e->wide)
		s->flags = reader_u32(&r);
	s->align = word(&r, e->wide);
}

static bool section_read(struct elf *e, uint32_t i, struct elf_section *section, uint32_t *info)
{
	uint8_t record[sizeof(Elf64_Shdr)];
	uint32_t bytes = section_header_bytes(e);

	if (!elf_read(e, e->section_offset + (uint64_t)i * bytes, record, bytes))
		return false;
	*info = section_decode(e, record, section);
	return true;
}

bool elf_section(struct elf *e, uint32_t i, struct elf_section *section)
{
	uint32_t info;

	return i < e->sections && section_read(e, i, section, &info);
}

bool elf_section_of_type(struct elf *e, uint32_t type, struct elf_section *section)
{
	struct elf_stream s;
	const uint8_t *record;

	elf_stream_open(&s, e, e->section_offset, e->sections, section_header_bytes(e));
	while ((record = elf_stream_next(&s))) {
		section_decode(e, record, section);
		if (section->type == type)
			return true;
	}
	return false;
}

void elf_sections_named(struct elf *e, const char *const *names, unsigned count,
			struct elf_section *found)
{
	struct elf_section strings = { .size_bytes = 0 }, section;
	struct elf_stream s;
	const uint8_t *record;
	uint32_t left = NAMED_SECTIONS_MAX;

	memset(found, 0, count * sizeof(*found));
	if (!e->name_section || !elf_section(e, e->name_section, &strings))
		return;
	elf_stream_open(&s, e, e->section_offset, e->sections, section_header_bytes(e));
	while (left-- && (record = elf_stream_next(&s))) {
		char name[SECTION_NAME_BYTES] = "";
		uint64_t room;

		section_decode(e, record, &section);
		if (section.type == SHT_NULL || section.name >= strings.size_bytes)
			continue;
		room = strings.size_bytes - section.name;
		if (room > sizeof(name) - 1)
			room = sizeof(name) - 1;
		if (!elf_read(e, strings.offset + section.name, name, room))
			return;
		for (unsigned i = 0; i < count; i++) {
			if (found[i].type == SHT_NULL && !strcmp(name, names[i]))
				found[i] = section;
		}
	}
}

/* What the header says about the tables before it is checked. */
struct counts {
	uint64_t segment_offset;
	uint32_t segments;
	uint32_t sections;
	uint32_t name_section;
};

/*
 * The counts that do not fit the header's 16 bits are in section 0: sh_size, sh_link and
 * sh_info stand for e_shnum, e_shstrndx and e_phnum (gABI, "ELF Header"). A section table
 * that is not wholly in the file does not exist for us.
 */
static void check_counts(struct elf *e, struct counts *c)
{
	uint32_t bytes = section_header_bytes(e);
	struct elf_section first;
	uint32_t info;
	bool there = e->section_offset != 0;
	uint64_t sections = c->sections;

	if (there && (!sections || c->segments == PN_XNUM || c->name_section == SHN_XINDEX)) {
		there = section_read(e, 0, &first, &info);
		if (there && !sections)
			sections = first.size_bytes;
		if (there && c->segments == PN_XNUM)
			c->segments = info;
		if (there && c->name_section == SHN_XINDEX)
			c->name_section = first.link;
	}
	if (there && (e->section_offset > e->size_bytes ||
		      sections > (e->size_bytes - e->section_offset) / bytes ||
		      sections > UINT32_MAX)) {
		e->damaged = true;
		there = false;
	}
	e->sections = there ? (uint32_t)sections : 0;
	e->name_section = c->name_section < e->sections ? c->name_section : 0;
}

static int read_header(struct elf *e, struct counts *c)
{
	union {
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
		uint8_t bytes[sizeof(Elf64_Ehdr)];
	} h;
	struct reader r;
	uint16_t type, segment_bytes, section_bytes;
	size_t got = read_some(e, 0, &h, sizeof(h));

	if (got < EI_NIDENT || memcmp(h.bytes, ELFMAG, SELFMAG))
		return SYMBOL_NOT_ELF;
	if (h.bytes[EI_CLASS] != ELFCLASS64 && h.bytes[EI_CLASS] != ELFCLASS32)
		return SYMBOL_NOT_ELF;
	if (h.bytes[EI_DATA] != NATIVE_DATA)
		return SYMBOL_FOREIGN;
	e->wide = h.bytes[EI_CLASS] == ELFCLASS64;
	r = reader_over(h.bytes, got);
	reader_skip(&r, EI_NIDENT);
	type = reader_u16(&r);
	e->machine = reader_u16(&r);
	reader_u32(&r);				/* e_version */
	e->entry = word(&r, e->wide);
	c->segment_offset = word(&r, e->wide);
	e->section_offset = word(&r, e->wide);
	reader_skip(&r, 4 + 2);			/* e_flags, e_ehsize */
	segment_bytes = reader_u16(&r);
	c->segments = reader_u16(&r);
	section_bytes = reader_u16(&r);
	c->sections = reader_u16(&r);
	c->name_section = reader_u16(&r);
	if (r.bad)
		return SYMBOL_DAMAGED;
	if (e->mapped_at)	/* section headers are not loaded */
		e->section_offset = 0;
	if (type != ET_EXEC && type != ET_DYN)
		return SYMBOL_FOREIGN;
	if (c->segments && segment_bytes != segment_header_bytes(e)) {
		e->damaged = true;
		c->segments = 0;
	}
	if (e->section_offset && section_bytes != section_header_bytes(e)) {
		/* sstrip may leave e_shentsize 0, but then there is no table. */
		e->damaged = true;
		e->section_offset = 0;
	}
	check_counts(e, c);
	return SYMBOL_OK;
}

static void read_segments(struct elf *e, const struct counts *c)
{
	struct elf_stream s;
	const uint8_t *record;

	elf_stream_open(&s, e, c->segment_offset, c->segments, segment_header_bytes(e));
	while (e->segments < ELF_SEGMENTS_MAX && (record = elf_stream_next(&s))) {
		struct elf_segment *segment = &e->segment[e->segments];

		segment_decode(e, record, segment);
		if (segment->type == PT_LOAD || segment->type == PT_DYNAMIC ||
		    segment->type == PT_NOTE)
			e->segments++;
	}
}

/* Code */

/* The number of ranges that start at or before addr. */
static uint32_t codes_up_to(const struct elf *e, uint64_t addr)
{
	uint32_t low = 0, high = e->codes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (e->code[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct elf_code *elf_code_at(const struct elf *e, uint64_t addr)
{
	uint32_t i = codes_up_to(e, addr);

	return i && addr < e->code[i - 1].end ? &e->code[i - 1] : NULL;
}

/* Linkers write sections in the order of their addresses, so this appends. */
static void add_code(struct elf *e, uint64_t start, uint64_t size_bytes, uint32_t section)
{
	uint32_t i = codes_up_to(e, start);

	if (!size_bytes)
		return;
	if (size_bytes > UINT64_MAX - start || e->codes == ELF_CODE_MAX) {
		e->damaged = true;
		return;
	}
	memmove(&e->code[i + 1], &e->code[i], (e->codes - i) * sizeof(e->code[0]));
	e->code[i] = (struct elf_code){ start, start + size_bytes, section };
	e->codes++;
}

static void read_code(struct elf *e)
{
	const uint64_t wanted = SHF_ALLOC | SHF_EXECINSTR;
	struct elf_section section;
	struct elf_stream s;
	const uint8_t *record;
	uint32_t i;

	elf_stream_open(&s, e, e->section_offset, e->sections, section_header_bytes(e));
	for (i = 0; (record = elf_stream_next(&s)); i++) {
		section_decode(e, record, &section);
		if (i && (section.flags & wanted) == wanted)
			add_code(e, section.addr, section.size_bytes, i);
	}
	if (e->codes)
		return;
	for (i = 0; i < e->segments; i++) {
		const struct elf_segment *segment = &e->segment[i];

		if (segment->type == PT_LOAD && (segment->flags & PF_X))
			add_code(e, segment->addr, segment->memory_bytes, 0);
	}
}

bool elf_offset(const struct elf *e, uint64_t addr, uint64_t *offset, uint64_t *bytes)
{
	for (uint32_t i = 0; i < e->segments; i++) {
		const struct elf_segment *s = &e->segment[i];
		uint64_t into = addr - s->addr;

		if (s->type == PT_LOAD && addr >= s->addr && into < s->file_bytes &&
		    s->offset <= e->size_bytes && into <= e->size_bytes - s->offset) {
			*offset = s->offset + into;
			*bytes = s->file_bytes - into;
			return true;
		}
	}
	return false;
}

static int open_regular(const char *path, uint64_t *size_bytes)
{
	/* A FIFO must not block us and a terminal must not become ours. */
	int fd = opened_read(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 0) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	*size_bytes = (uint64_t)st.st_size;
	return fd;
}

static bool take_memory(struct elf *e, struct arena *arena)
{
	e->chunk = arena_alloc(arena, CHUNK_BYTES);
	e->segment = arena_alloc(arena, ELF_SEGMENTS_MAX * sizeof(e->segment[0]));
	e->code = arena_alloc(arena, ELF_CODE_MAX * sizeof(e->code[0]));
	return e->chunk && e->segment && e->code;
}

int elf_open(struct elf *e, const char *path, struct arena *arena)
{
	struct counts counts;
	int error;

	*e = (struct elf){ .fd = -1 };
	e->fd = open_regular(path, &e->size_bytes);
	if (e->fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? SYMBOL_GONE : SYMBOL_NO_FILE;
	error = take_memory(e, arena) ? read_header(e, &counts) : SYMBOL_NO_MEMORY;
	if (error) {
		elf_close(e);
		return error;
	}
	read_segments(e, &counts);
	read_code(e);
	return SYMBOL_OK;
}

/*
 * The segments' places in memory become their places in the "file", so that everything else
 * reads it as any file. They follow each other by address (gABI, "Program Header"), and what
 * lies between them is not read: nothing says that it is there.
 */
static void move_segments(struct elf *e)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < e->segments; i++) {
		if (e->segment[i].type == PT_LOAD && e->segment[i].addr < first)
			first = e->segment[i].addr;
	}
	e->size_bytes = 0;
	for (uint32_t i = 0; i < e->segments; i++) {
		struct elf_segment *s = &e->segment[i];

		s->offset = s->addr - first;
		if (s->addr < first || s->file_bytes > UINT32_MAX || s->offset > INT64_MAX / 2) {
			s->file_bytes = 0;
			e->damaged = true;
		} else if (s->type == PT_LOAD && s->offset + s->file_bytes > e->size_bytes) {
			e->size_bytes = s->offset + s->file_bytes;
		}
	}
	e->bias = e->mapped_at - first;
}

int elf_open_mapped(struct elf *e, const char *proc, uint64_t address, bool stays,
		    struct arena *arena)
{
	struct counts counts;
	char path[32];
	int error;

	*e = (struct elf){ .fd = -1, .mapped_at = address, .size_bytes = CHUNK_BYTES };
	strcpy(stpcpy(path, proc), "/mem");
	e->fd = opened_read(AT_FDCWD, path, O_RDONLY);
	e->no_proc = e->fd < 0 && errno == ENOENT;
	e->direct = e->fd < 0 && stays;
	if (e->fd < 0 && !stays)
		return SYMBOL_NO_FILE;
	error = take_memory(e, arena) ? read_header(e, &counts) : SYMBOL_NO_MEMORY;
	if (error) {
		elf_close(e);
		return error;
	}
	read_segments(e, &counts);
	move_segments(e);
	read_code(e);
	return SYMBOL_OK;
}

void elf_close(struct elf *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

/* Build id */

/*
 * Notes are {name size, descriptor size, type}, name, descriptor, the latter two padded to
 * the segment's alignment (8 only where p_align is 8; gABI and Linux's ABI differ):
 *
 *	04 00 00 00  14 00 00 00  03 00 00 00  "GNU\0"  d6 0f ... (20 bytes)
 */
static int find_build_id(struct reader *r, uint64_t align, uint8_t *buf, size_t size_bytes)
{
	while (reader_left(r)) {
		uint32_t name_bytes = reader_u32(r);
		uint32_t id_bytes = reader_u32(r);
		uint32_t type = reader_u32(r);
		const uint8_t *name = reader_bytes(r, name_bytes);
		const uint8_t *id;

		reader_skip(r, -(uint64_t)(r->p - r->start) & (align - 1));
		id = reader_bytes(r, id_bytes);
		if (r->bad)
			return 0;
		if (type == NT_GNU_BUILD_ID && name_bytes == 4 && !memcmp(name, "GNU", 4) &&
		    id_bytes) {
			memcpy(buf, id, id_bytes < size_bytes ? id_bytes : size_bytes);
			return (int)id_bytes;
		}
		reader_skip(r, -(uint64_t)(r->p - r->start) & (align - 1));
	}
	return 0;
}

int elf_build_id(struct elf *e, uint8_t *buf, size_t size_bytes)
{
	for (uint32_t i = 0; i < e->segments; i++) {
		const struct elf_segment *s = &e->segment[i];
		uint64_t bytes = s->file_bytes < CHUNK_BYTES ? s->file_bytes : CHUNK_BYTES;
		struct reader r;
		int length;

		if (s->type != PT_NOTE || !elf_read(e, s->offset, e->chunk, bytes))
			continue;
		r = reader_over(e->chunk, bytes);
		length = find_build_id(&r, s->align == 8 ? 8 : 4, buf, size_bytes);
		if (length)
			return length;
	}
	return 0;
}
