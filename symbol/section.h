/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug sections are found by name and read in pieces, never as a whole. A cursor is a reader over
 * a small window of a section. The window moves along with it, and like base/reader.h it has a
 * sticky error: after a read past the end, `bad` is set, and each read returns 0.
 *
 * Compressed sections are read like plain ones. Two kinds are known: SHF_COMPRESSED with
 * ELFCOMPRESS_ZLIB (gABI, "Section Compression"), and the older .zdebug_* ("ZLIB", the unpacked
 * size as 8 bytes big endian, a zlib stream). All offsets are those of the unpacked bytes.
 *
 * Everything here is async-signal-safe. Memory comes from the arena given to sections_open(), which
 * has to live as long as the sections are used.
 */
#ifndef SYMBOL_SECTION_H
#define SYMBOL_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "inflate/inflate.h"
#include "symbol/elf_file.h"

struct section {
	struct elf *elf;
	struct arena *arena;
	uint64_t offset;		/* in the file: of the bytes, or of the zlib stream */
	uint64_t packed_bytes;		/* size in the file */
	uint64_t size_bytes;		/* unpacked size; 0: there is no such section */
	uint64_t *budget;		/* bytes that may still be read, for all sections together */
	uint8_t id;			/* index in the list given to sections_open() */
	bool compressed;
	bool unpacking;			/* `inflate` is open */
	bool zstd;			/* the section is there, but packed with zstd, which is not read */
	struct inflate inflate;
	uint64_t unpacked_to;		/* if compressed: where the last read ended */
	struct section *first;		/* of the list given to sections_open() */
	struct inflate spare;		/* first->spare: of a section that was closed; or its state is NULL */
};

/*
 * Fills section[0..count): section i is ".debug_" and the name i of `names`, where each has a NUL behind it. A section
 * that is missing, has no bytes or lies past the file's end gets size_bytes 0. Each read counts *budget down by the
 * bytes that it reads or has to unpack, and by 1 KB at least, so that the budget bounds the time. When it is used up,
 * reads fail.
 */
void sections_open(struct section *section, const char *names, unsigned count,
		   struct elf *e, uint64_t *budget, struct arena *arena);

/* Says that the section will hardly be read any more, so that its memory serves for the next compressed one. Reading it
 * all the same begins from its start. */
void section_close(struct section *s);
/* Reads exactly size_bytes bytes. False: they are not there or damaged, or the budget is used up. */
bool section_read(struct section *s, uint64_t offset, void *buf, size_t size_bytes);

/*
 * Invariants: next <= stop <= have <= room; window[0..have) are the section's bytes from
 * `base` on; base + stop <= end <= the section's size.
 */
struct cursor {
	struct section *section;
	uint8_t *window;
	uint32_t room;			/* size of the window in bytes */
	uint32_t fill_bytes;		/* how much to read next time: little after a jump, then more */
	uint32_t next;			/* index of the next byte to be read */
	uint32_t stop;			/* index behind the last byte that may be read */
	uint32_t have;			/* number of valid bytes in the window */
	uint64_t base;			/* offset of window[0] in the section */
	uint64_t end;			/* offset where the stretch ends that the cursor may read */
	bool bad;
};

/* Makes a cursor with a window of `room` bytes, 64 at least. It is bad until it is opened. False:
 * no memory. */
bool cursor_init(struct cursor *c, uint32_t room, struct arena *arena);
/* Goes to an offset of a section, to read up to `end` or the section's end. The cursor is bad
 * afterwards only if the offset is past that end. Nothing is read yet. */
void cursor_open(struct cursor *c, struct section *s, uint64_t offset, uint64_t end);
/* Goes to another offset of the same stretch. The cursor gets bad if that is past the stretch's
 * end. */
void cursor_seek(struct cursor *c, uint64_t offset);
/* Makes `bytes` (16 at most) bytes readable at window + next. False, and bad: they are not there. */
bool cursor_refill(struct cursor *c, uint32_t bytes);
/* Goes past a NUL-terminated string. */
void cursor_skip_string(struct cursor *c);
/* Reads 1, 2, 4 or 8 bytes as a number of the machine's byte order. 0, and bad: they are not there. */
uint64_t cursor_word(struct cursor *c, unsigned bytes);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
/* Reads numbers in LEB128, unsigned and signed (DWARF 5, 7.6). Bits beyond 64 are dropped. */
uint64_t cursor_uleb_long(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);
/* Reads a NUL-terminated string and copies it into the arena. NULL: there is none, it is longer
 * than ELF_NAME_MAX, or there is no memory. */
const char *cursor_string(struct cursor *c, struct arena *arena);

static inline uint64_t cursor_at(const struct cursor *c)
{
	return c->base + c->next;
}

static inline uint64_t cursor_left(const struct cursor *c)
{
	return c->bad ? 0 : c->end - cursor_at(c);
}

static inline void cursor_skip(struct cursor *c, uint64_t bytes)
{
	if (bytes <= c->stop - c->next)
		c->next += (uint32_t)bytes;
	else if (bytes <= cursor_left(c))
		cursor_seek(c, cursor_at(c) + bytes);
	else
		c->bad = true;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	if (c->next < c->stop)
		return c->window[c->next++];
	return (uint8_t)cursor_word(c, 1);
}

/* Most numbers have one byte. */
static inline uint64_t cursor_uleb(struct cursor *c)
{
	if (c->next < c->stop && c->window[c->next] < 0x80)
		return c->window[c->next++];
	return cursor_uleb_long(c);
}

#endif
