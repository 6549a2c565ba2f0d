/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See elf_file.h. Nothing in a file is trusted. Its size comes from fstat(), and each offset is compared
 * with the size before it is used (by subtraction, so that nothing can wrap). A read that returns
 * fewer bytes, because the file has become shorter meanwhile, ends the table that is being read.
 *
 * The two classes differ only in the layout of their records (elf/headers.h). Everything here works
 * with values of 64 bits.
 */
#define _FILE_OFFSET_BITS 64	/* a 32-bit build reads large files too */

#include "symbol/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/probe.h"
#include "base/reader.h"
#include "base/safe_open.h"
#include "base/search.h"
#include "symbol/symbol.h"

#define SECTION_NAME_BYTES	32	/* of a name that elf_sections_named() finds, with the NUL */
#define NAMED_SECTIONS_MAX	65536u	/* section headers that it reads, each in about 1 us */

/* Copies memory of this process, up to the first page that is not readable. Returns the number of
 * bytes. */
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

/* Reads at most size_bytes bytes, and fewer at the end of the file or after an error. Returns the
 * number. */
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
	for (int i = 0; i < ELF_KEPT; i++) {
		const struct elf_kept *k = &e->kept[i];

		if (offset >= k->offset && size_bytes <= k->size_bytes &&
		    offset - k->offset <= k->size_bytes - size_bytes) {
			memcpy(buf, k->bytes + (offset - k->offset), size_bytes);
			return true;
		}
	}
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

bool elf_stream_fill(struct elf_stream *s)
{
	uint64_t batch = ELF_CHUNK_BYTES / s->record_bytes;
	uint32_t bytes;

	if (batch > s->left)
		batch = s->left;
	bytes = (uint32_t)batch * s->record_bytes;
	s->at = s->have = 0;
	if (!bytes)
		return false;
	if (!elf_read(s->elf, s->offset, s->elf->chunk, bytes)) {
		s->left = 0;
		return false;
	}
	s->offset += bytes;
	s->left -= batch;
	s->have = bytes;
	return true;
}

/* Headers */

static bool read_section(struct elf *e, uint32_t i, struct elf_section *section)
{
	uint8_t record[HEADERS_RECORD_BYTES];
	uint32_t bytes = headers_section_bytes(e->wide);

	if (!elf_read(e, e->section_offset + (uint64_t)i * bytes, record, bytes))
		return false;
	headers_decode_section(record, e->wide, section);
	return true;
}

bool elf_section(struct elf *e, uint32_t i, struct elf_section *section)
{
	return i < e->sections && read_section(e, i, section);
}

bool elf_section_of_type(struct elf *e, uint32_t type, struct elf_section *section)
{
	struct elf_stream s;
	const uint8_t *record;

	elf_stream_open(&s, e, e->section_offset, e->sections, headers_section_bytes(e->wide));
	while ((record = elf_stream_next(&s))) {
		headers_decode_section(record, e->wide, section);
		if (section->type == type)
			return true;
	}
	return false;
}

void elf_sections_named(struct elf *e, const char *names, unsigned count,
			struct elf_section *found)
{
	struct elf_section strings = { .size_bytes = 0 }, section;
	struct elf_stream s;
	const uint8_t *record;
	uint32_t left = NAMED_SECTIONS_MAX;

	memset(found, 0, count * sizeof(*found));
	if (!e->name_section || !elf_section(e, e->name_section, &strings))
		return;
	elf_stream_open(&s, e, e->section_offset, e->sections, headers_section_bytes(e->wide));
	while (left-- && (record = elf_stream_next(&s))) {
		char name[SECTION_NAME_BYTES] = "";
		uint64_t room;

		headers_decode_section(record, e->wide, &section);
		if (section.type == SHT_NULL || section.name >= strings.size_bytes)
			continue;
		room = strings.size_bytes - section.name;
		if (room > sizeof(name) - 1)
			room = sizeof(name) - 1;
		if (!elf_read(e, strings.offset + section.name, name, room))
			return;
		for (unsigned i = 0, at = 0; i < count; at += (unsigned)strlen(names + at) + 1, i++) {
			if (found[i].type == SHT_NULL && !strcmp(name, names + at))
				found[i] = section;
		}
	}
}

/*
 * Sets the numbers of sections and segments, and the section of names. Numbers that do not fit into
 * 16 bits are in the header of section 0 instead: sh_size is e_shnum, sh_link is e_shstrndx, and
 * sh_info is e_phnum (gABI, "ELF Header"). If the file does not have the whole table of sections,
 * none of it is used.
 */
static void check_counts(struct elf *e, const struct elf_header *h)
{
	struct elf_section first;
	bool there = e->section_offset != 0;
	uint64_t sections = h->sections;
	uint32_t name_section = h->name_section;

	e->segments_promised = h->segments;
	if (there && (!sections || h->segments == PN_XNUM || name_section == SHN_XINDEX)) {
		there = read_section(e, 0, &first);
		if (there && !sections)
			sections = first.size_bytes;
		if (there && h->segments == PN_XNUM)
			e->segments_promised = first.info;
		if (there && name_section == SHN_XINDEX)
			name_section = first.link;
	}
	if (there && (e->section_offset > e->size_bytes ||
		      sections > (e->size_bytes - e->section_offset) / headers_section_bytes(e->wide) ||
		      sections > UINT32_MAX)) {
		e->damaged = true;
		there = false;
	}
	e->sections = there ? (uint32_t)sections : 0;
	e->name_section = name_section < e->sections ? name_section : 0;
}

static int read_header(struct elf *e)
{
	uint8_t bytes[HEADERS_BYTES];
	struct elf_header h;
	size_t there = sizeof(bytes);

	if (!e->kept[0].size_bytes || !elf_read(e, 0, bytes, sizeof(bytes)))
		there = read_some(e, 0, bytes, sizeof(bytes));
	switch (headers_decode(bytes, there, &h)) {
	case HEADERS_NOT_ELF:		return SYMBOL_NOT_ELF;
	case HEADERS_OTHER_ORDER:	return SYMBOL_FOREIGN;
	case HEADERS_TRUNCATED:		return SYMBOL_DAMAGED;
	case HEADERS_OK:		break;
	}
	e->wide = h.wide;
	e->machine = h.machine;
	e->entry = h.entry;
	e->segment_offset = h.segment_offset;
	/* The loader does not map section headers. */
	e->section_offset = e->mapped_at ? 0 : h.section_offset;
	if (h.type != ET_EXEC && h.type != ET_DYN)
		return SYMBOL_FOREIGN;
	if (h.segments && h.segment_bytes != headers_segment_bytes(e->wide)) {
		e->damaged = true;
		h.segments = 0;
	}
	if (e->section_offset && h.section_bytes != headers_section_bytes(e->wide)) {
		/* sstrip may leave e_shentsize 0, but then there is no table. */
		e->damaged = true;
		e->section_offset = 0;
	}
	check_counts(e, &h);
	return SYMBOL_OK;
}

/* False: no memory. */
static bool read_segments(struct elf *e, struct arena *arena)
{
	uint32_t room = e->segments_promised < ELF_SEGMENTS_MAX ? e->segments_promised : ELF_SEGMENTS_MAX;
	struct elf_stream s;
	const uint8_t *record;

	e->segment = arena_alloc(arena, room * sizeof(e->segment[0]));
	if (!e->segment)
		return false;
	elf_stream_open(&s, e, e->segment_offset, e->segments_promised, headers_segment_bytes(e->wide));
	while (e->segments < room && (record = elf_stream_next(&s))) {
		struct elf_segment *segment = &e->segment[e->segments];

		headers_decode_segment(record, e->wide, segment);
		if (segment->type == PT_LOAD || segment->type == PT_DYNAMIC ||
		    segment->type == PT_NOTE)
			e->segments++;
	}
	return true;
}

/* Code */

/* The number of ranges that start at or before addr. */
static uint32_t codes_up_to(const struct elf *e, uint64_t addr)
{
	return (uint32_t)search_first(e->codes, i, e->code[i].start <= addr);
}

const struct elf_code *elf_code_at(const struct elf *e, uint64_t addr)
{
	uint32_t i = codes_up_to(e, addr);

	return i && addr < e->code[i - 1].end ? &e->code[i - 1] : NULL;
}

/* Inserts a range. Linkers write sections in the order of their addresses, so this nearly always
 * appends. */
static void add_code(struct elf *e, uint64_t start, uint64_t size_bytes, uint32_t section)
{
	uint32_t i = codes_up_to(e, start);

	if (!size_bytes)
		return;
	if (size_bytes > UINT64_MAX - start || e->codes == e->code_room) {
		e->damaged = true;
		return;
	}
	memmove(&e->code[i + 1], &e->code[i], (e->codes - i) * sizeof(e->code[0]));
	e->code[i] = (struct elf_code){ start, start + size_bytes, section };
	e->codes++;
}

/* Returns how many executable sections there are, and adds their ranges if `add` is true. */
static uint32_t walk_sections(struct elf *e, bool add)
{
	const uint64_t code_flags = SHF_ALLOC | SHF_EXECINSTR;
	struct elf_section section;
	struct elf_stream s;
	const uint8_t *record;
	uint32_t count = 0;

	elf_stream_open(&s, e, e->section_offset, e->sections, headers_section_bytes(e->wide));
	for (uint32_t i = 0; (record = elf_stream_next(&s)); i++) {
		headers_decode_section(record, e->wide, &section);
		if (!i || (section.flags & code_flags) != code_flags)
			continue;
		count++;
		if (add)
			add_code(e, section.addr, section.size_bytes, i);
	}
	return count;
}

/* Collects the executable sections, or in a file without section headers the executable segments. False: no memory. */
static bool read_code(struct elf *e, struct arena *arena)
{
	uint32_t sections = walk_sections(e, false), room = sections > e->segments ? sections : e->segments;

	e->code_room = room < ELF_CODE_MAX ? room : ELF_CODE_MAX;
	e->code = arena_alloc(arena, e->code_room * sizeof(e->code[0]));
	if (!e->code)
		return false;
	walk_sections(e, true);
	for (uint32_t i = 0; !e->codes && i < e->segments; i++) {
		const struct elf_segment *segment = &e->segment[i];

		if (segment->type == PT_LOAD && (segment->flags & PF_X))
			add_code(e, segment->addr, segment->memory_bytes, 0);
	}
	return true;
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
	/* Opening a FIFO must not block, and a terminal must not become the controlling terminal. */
	int fd = safe_open_read(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
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

/* Keeps bytes of the file in memory, unless that fails or they are too many. */
static void keep(struct elf *e, unsigned i, uint64_t offset, uint64_t size_bytes, struct arena *arena)
{
	uint8_t *bytes;

	if (offset > e->size_bytes || size_bytes > e->size_bytes - offset || size_bytes > ELF_KEPT_BYTES)
		return;
	bytes = arena_alloc_buffer(arena, (size_t)size_bytes);
	if (bytes && read_some(e, offset, bytes, (size_t)size_bytes) == size_bytes)
		e->kept[i] = (struct elf_kept){ offset, (size_t)size_bytes, bytes };
}

static void keep_sections(struct elf *e, struct arena *arena)
{
	struct elf_section names;

	keep(e, 1, e->section_offset, (uint64_t)e->sections * headers_section_bytes(e->wide), arena);
	if (e->name_section && elf_section(e, e->name_section, &names))
		keep(e, 2, names.offset, names.size_bytes, arena);
}

/* Reads the header and the segments of what has just been opened, and closes it on an error. */
static int begin_reading(struct elf *e, struct arena *arena)
{
	int error = SYMBOL_NO_MEMORY;

	e->chunk = arena_alloc_buffer(arena, ELF_CHUNK_BYTES);
	if (e->chunk)
		error = read_header(e);
	if (!error && !read_segments(e, arena))
		error = SYMBOL_NO_MEMORY;
	if (error)
		elf_close(e);
	return error;
}

static int finish_reading(struct elf *e, struct arena *arena)
{
	if (read_code(e, arena))
		return SYMBOL_OK;
	elf_close(e);
	return SYMBOL_NO_MEMORY;
}

int elf_open(struct elf *e, const char *path, struct arena *arena)
{
	int error;

	*e = (struct elf){ .fd = -1 };
	e->fd = open_regular(path, &e->size_bytes);
	if (e->fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? SYMBOL_GONE : SYMBOL_NO_FILE;
	keep(e, 0, 0, e->size_bytes < ELF_START_BYTES ? e->size_bytes : ELF_START_BYTES, arena);
	error = begin_reading(e, arena);
	if (error)
		return error;
	keep_sections(e, arena);
	return finish_reading(e, arena);
}

/*
 * Replaces the segments' offsets in the file by those in the image in memory, so that all other
 * functions read an image as they read a file. Segments are sorted by address (gABI, "Program
 * Header"). Bytes between two segments are not read, because nothing says that they are mapped.
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
	char path[32];
	int error;

	*e = (struct elf){ .fd = -1, .mapped_at = address, .size_bytes = ELF_CHUNK_BYTES };
	strcpy(stpcpy(path, proc), "/mem");
	e->fd = safe_open_read(AT_FDCWD, path, O_RDONLY);
	e->no_proc = e->fd < 0 && errno == ENOENT;
	e->direct = e->fd < 0 && stays;
	if (e->fd < 0 && !stays)
		return SYMBOL_NO_FILE;
	error = begin_reading(e, arena);
	if (error)
		return error;
	move_segments(e);
	return finish_reading(e, arena);
}

void elf_close(struct elf *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

/* Build id */

int elf_build_id(struct elf *e, uint8_t *buf, size_t size_bytes)
{
	for (uint32_t i = 0; i < e->segments; i++) {
		const struct elf_segment *s = &e->segment[i];
		uint64_t bytes = s->file_bytes < ELF_CHUNK_BYTES ? s->file_bytes : ELF_CHUNK_BYTES;
		const uint8_t *id;
		uint32_t length;

		if (s->type != PT_NOTE || !elf_read(e, s->offset, e->chunk, bytes))
			continue;
		id = headers_build_id(reader_over(e->chunk, bytes), s->align, &length);
		if (id) {
			memcpy(buf, id, length < size_bytes ? length : size_bytes);
			return (int)length;
		}
	}
	return 0;
}
