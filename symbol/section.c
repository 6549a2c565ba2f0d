/* SPDX-License-Identifier: GPL-2.0-only */
/* See section.h. */
#include "symbol/section.h"

#include <elf.h>
#include <string.h>

#include "base/reader.h"

#define SECTIONS_MAX	65536u	/* section headers that are read; programs have 20 to 60 */
#define FILL_FIRST	1024u	/* bytes read after a jump; doubled while reading goes on */
#define COST_MIN	1024u	/* bytes that a read costs at least: a system call takes as long */

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2	/* gABI, 2022 */
#endif

/* Reads the header of a section with SHF_COMPRESSED. */
static void open_compressed(struct section *s, struct elf *e)
{
	uint8_t header[sizeof(Elf64_Chdr)] = { 0 };
	uint32_t bytes = e->wide ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
	struct reader r = reader_over(header, bytes);
	uint32_t type;

	s->size_bytes = 0;
	if (s->packed_bytes < bytes || !elf_read(e, s->offset, header, bytes))
		return;
	type = reader_u32(&r);
	if (e->wide)
		reader_u32(&r);		/* ch_reserved */
	s->zstd = type == ELFCOMPRESS_ZSTD;
	if (type != ELFCOMPRESS_ZLIB)
		return;
	s->compressed = true;
	s->size_bytes = e->wide ? reader_u64(&r) : reader_u32(&r);
	s->offset += bytes;
	s->packed_bytes -= bytes;
}

/* Reads "ZLIB" and the size at the start of .zdebug_*, which GNU as, gold and gcc -gz=zlib-gnu
 * wrote. */
static void open_zdebug(struct section *s, struct elf *e)
{
	uint8_t header[12];

	s->size_bytes = 0;
	if (s->packed_bytes < sizeof(header) || !elf_read(e, s->offset, header, sizeof(header)) ||
	    memcmp(header, "ZLIB", 4))
		return;
	s->compressed = true;
	for (int i = 4; i < 12; i++)
		s->size_bytes = s->size_bytes << 8 | header[i];
	s->offset += sizeof(header);
	s->packed_bytes -= sizeof(header);
}

/* Sets one section from its header. z: the name is .zdebug_*. Of several sections with one name, the
 * first one counts. */
static void open_one(struct section *s, struct elf *e, const struct elf_section *header, bool z)
{
	if (s->packed_bytes || header->type == SHT_NOBITS || !header->size_bytes)
		return;
	if (header->offset > e->size_bytes || header->size_bytes > e->size_bytes - header->offset) {
		e->damaged = true;
		return;
	}
	s->offset = header->offset;
	s->packed_bytes = s->size_bytes = header->size_bytes;
	if (header->flags & SHF_COMPRESSED)
		open_compressed(s, e);
	else if (z)
		open_zdebug(s, e);
}

void sections_open(struct section *section, const char *names, unsigned count,
		   struct elf *e, uint64_t *budget, struct arena *arena)
{
	uint32_t bytes = headers_section_bytes(e->wide);
	struct elf_section header;
	struct elf_strings strings;
	struct elf_stream stream;
	const uint8_t *record;

	for (unsigned i = 0; i < count; i++)
		section[i] = (struct section){ .elf = e, .arena = arena, .budget = budget,
			.id = (uint8_t)i, .first = section };
	if (!e->name_section || !elf_section(e, e->name_section, &header) ||
	    header.type == SHT_NOBITS ||
	    !elf_strings_open(&strings, e, header.offset, header.size_bytes, arena))
		return;
	elf_stream_open(&stream, e, e->section_offset,
			e->sections < SECTIONS_MAX ? e->sections : SECTIONS_MAX, bytes);
	while ((record = elf_stream_next(&stream))) {
		char name[32];
		char head[2];
		uint32_t length;
		bool z;

		headers_decode_section(record, e->wide, &header);
		length = elf_string_length(&strings, header.name, head);
		if (length < 8 || length >= sizeof(name) || head[0] != '.' ||
		    !elf_string_copy(&strings, header.name, length, name))
			continue;
		z = name[1] == 'z';
		if (memcmp(name + 1 + z, "debug_", 6))
			continue;
		for (unsigned j = 0, at = 0; j < count; at += (unsigned)strlen(names + at) + 1, j++) {
			if (!strcmp(name + 7 + z, names + at))
				open_one(&section[j], e, &header, z);
		}
	}
}

/* Reads the compressed bytes of a section: an inflate_source. */
static bool read_packed(void *from, uint64_t offset, void *buf, size_t size_bytes)
{
	struct section *s = from;

	return elf_read(s->elf, s->offset + offset, buf, size_bytes);
}

/* How many bytes have to be unpacked before those at an offset: see inflate_read(). */
static uint64_t unpacking_cost(const struct section *s, uint64_t offset)
{
	uint64_t spacing = s->size_bytes / INFLATE_CHECKPOINTS;

	if (offset >= s->unpacked_to)
		return offset - s->unpacked_to;
	return spacing > INFLATE_SPACING ? spacing : INFLATE_SPACING;
}

static bool unpack(struct section *s, uint64_t offset, void *buf, size_t size_bytes)
{
	if (!s->unpacking) {
		struct inflate *spare = &s->first->spare;

		if (spare->state) {
			s->inflate = *spare;
			spare->state = NULL;
			inflate_reopen(&s->inflate, read_packed, s, s->packed_bytes, s->size_bytes);
		} else if (!inflate_open(&s->inflate, read_packed, s, s->packed_bytes, s->size_bytes, s->arena)) {
			return false;
		}
		s->unpacking = true;
	}
	s->unpacked_to = offset + size_bytes;
	return inflate_read(&s->inflate, offset, buf, size_bytes);
}

void section_close(struct section *s)
{
	if (s->unpacking)
		s->first->spare = s->inflate;
	s->unpacking = false;
	s->unpacked_to = 0;
}

bool section_read(struct section *s, uint64_t offset, void *buf, size_t size_bytes)
{
	uint64_t cost = size_bytes > COST_MIN ? size_bytes : COST_MIN;

	if (offset > s->size_bytes || size_bytes > s->size_bytes - offset)
		return false;
	if (s->compressed)
		cost += unpacking_cost(s, offset);
	if (*s->budget < cost) {
		*s->budget = 0;
		return false;
	}
	*s->budget -= cost;
	if (s->compressed)
		return unpack(s, offset, buf, size_bytes);
	return elf_read(s->elf, s->offset + offset, buf, size_bytes);
}

/* Cursors */

bool cursor_init(struct cursor *c, uint32_t room, struct arena *arena)
{
	*c = (struct cursor){ .room = room, .bad = true };
	c->window = arena_alloc_buffer(arena, room);
	return c->window != NULL;
}

/* Sets how much of the window belongs to the stretch, after the window or the stretch has changed. */
static void set_stop(struct cursor *c)
{
	uint64_t left = c->end - c->base;

	c->stop = left < c->have ? (uint32_t)left : c->have;
}

void cursor_open(struct cursor *c, struct section *s, uint64_t offset, uint64_t end)
{
	if (c->section != s) {
		c->section = s;
		c->have = c->next = c->stop = 0;
		c->base = 0;
		c->fill_bytes = FILL_FIRST;
	}
	if (end > s->size_bytes)
		end = s->size_bytes;
	c->bad = offset > end;
	if (c->bad) {
		c->end = c->base;
		c->next = c->stop = 0;
		return;
	}
	c->end = end;
	cursor_seek(c, offset);
}

void cursor_seek(struct cursor *c, uint64_t offset)
{
	if (c->bad || offset > c->end) {
		c->bad = true;
		c->next = c->stop;
		return;
	}
	if (offset < c->base || offset - c->base > c->have) {
		c->base = offset;
		c->have = 0;
		c->fill_bytes = FILL_FIRST;
	}
	c->next = (uint32_t)(offset - c->base);
	set_stop(c);
}

bool cursor_refill(struct cursor *c, uint32_t bytes)
{
	uint32_t kept = c->have - c->next;
	uint64_t at = cursor_at(c);
	uint64_t more;

	if (c->bad || bytes > c->end - at) {
		c->bad = true;
		c->next = c->stop;
		return false;
	}
	/* Less than `bytes` are kept here. (Where more are in the window, the stretch ends before
	 * them, and the test above has failed.) Bytes behind the stretch's end are read as well,
	 * because the next stretch often begins there. */
	if (c->fill_bytes > c->room)
		c->fill_bytes = c->room;
	more = c->section->size_bytes - at - kept;
	if (more > c->fill_bytes - kept)
		more = c->fill_bytes - kept;
	memmove(c->window, c->window + c->next, kept);
	c->base = at;
	c->next = 0;
	if (!section_read(c->section, at + kept, c->window + kept, (size_t)more)) {
		c->have = c->stop = 0;
		c->bad = true;
		return false;
	}
	c->have = kept + (uint32_t)more;
	c->fill_bytes *= 2;
	set_stop(c);
	return bytes <= c->stop;
}

uint64_t cursor_word(struct cursor *c, unsigned bytes)
{
	const uint8_t *p;
	uint16_t v2;
	uint32_t v4;
	uint64_t v8;

	if (bytes > c->stop - c->next && !cursor_refill(c, bytes))
		return 0;
	p = c->window + c->next;
	c->next += bytes;
	switch (bytes) {
	case 1:
		return *p;
	case 2:
		memcpy(&v2, p, sizeof(v2));
		return v2;
	case 4:
		memcpy(&v4, p, sizeof(v4));
		return v4;
	case 8:
		memcpy(&v8, p, sizeof(v8));
		return v8;
	}
	c->bad = true;
	return 0;
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_word(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_word(c, 4);
}

void cursor_skip_string(struct cursor *c)
{
	for (;;) {
		const uint8_t *p = c->window + c->next;
		const uint8_t *nul = memchr(p, 0, c->stop - c->next);

		if (nul) {
			c->next += (uint32_t)(nul - p) + 1;
			return;
		}
		c->next = c->stop;
		if (!cursor_refill(c, 1))
			return;
	}
}

/* Reads a LEB128 number as unsigned; bits beyond 64 are dropped. *shift: the number of bits read,
 * if less than 64; *last: the last byte. */
static uint64_t leb(struct cursor *c, unsigned *shift, uint8_t *last)
{
	uint64_t v = 0;

	*shift = 0;
	do {
		*last = cursor_u8(c);
		if (*shift < 64)
			v |= (uint64_t)(*last & 0x7f) << *shift;
		*shift += *shift < 64 ? 7 : 0;
	} while (*last & 0x80);
	return v;
}

uint64_t cursor_uleb_long(struct cursor *c)
{
	unsigned shift;
	uint8_t last;

	return leb(c, &shift, &last);
}

int64_t cursor_sleb(struct cursor *c)
{
	unsigned shift;
	uint8_t last;
	uint64_t v = leb(c, &shift, &last);

	if ((last & 0x40) && shift < 64)
		v |= ~(uint64_t)0 << shift;
	return (int64_t)v;
}

const char *cursor_string(struct cursor *c, struct arena *arena)
{
	uint64_t start = cursor_at(c);
	uint64_t length;
	char *copy;

	cursor_skip_string(c);
	length = cursor_at(c) - start;		/* with the NUL */
	if (c->bad || length > ELF_NAME_MAX)
		return NULL;
	copy = arena_alloc(arena, (size_t)length);
	if (!copy)
		return NULL;
	if (length <= c->next)			/* still in the window */
		memcpy(copy, c->window + c->next - length, (size_t)length);
	else if (!section_read(c->section, start, copy, (size_t)length - 1))
		return NULL;
	return copy;
}
