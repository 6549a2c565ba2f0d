/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug sections: found by name, read in pieces, never whole. A cursor is a reader over a
 * small window of a section that moves along with it, with the sticky error of base/reader.h.
 *
 * Compressed sections look like plain ones: SHF_COMPRESSED with ELFCOMPRESS_ZLIB (gABI,
 * "Section Compression") and the older .zdebug_* ("ZLIB", the unpacked size as 8 bytes big
 * endian, a zlib stream). All offsets are those of the unpacked bytes.
 *
 * Everything here is async-signal-safe; memory comes from the arena given to
 * sections_open(), which has to live as long as they are used.
 */
#ifndef SYMBOL_SECTION_H
#define SYMBOL_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "inflate/inflate.h"
#include "symbol/elf.h"

struct section {
	struct elf *elf;
	struct arena *arena;
	uint64_t offset;		/* in the file: of the bytes, or of the zlib stream */
	uint64_t packed_bytes;		/* in the file */
	uint64_t size_bytes;		/* unpacked; 0: there is no such section */
	uint64_t *budget;		/* bytes that may still be read, of all sections */
	uint8_t id;			/* its place in sections_open()'s list */
	bool compressed;
	bool unpacking;			/* inflate is open */
	bool zstd;			/* there is one, but packed with what we cannot unpack */
	struct inflate inflate;
	uint64_t unpacked_to;		/* where the last read of it ended */
};

/*
 * Fills section[0..count) for ".debug_" + names[i]. What is not there, has no bytes or lies
 * past the file's end has size_bytes 0. *budget is counted down by what is read or unpacked on
 * the way to it (in bytes, 1 KB at least each time, so that it bounds the time); at 0 reads
 * fail.
 */
void sections_open(struct section *section, const char *const *names, unsigned count,
		   struct elf *e, uint64_t *budget, struct arena *arena);

/* Reads exactly size_bytes bytes; false: not there, damaged, or the budget is used up. */
bool section_read(struct section *s, uint64_t offset, void *buf, size_t size_bytes);

/*
 * Invariants: next <= stop <= have <= room; window[0..have) are the section's bytes from
 * `base` on; base + stop <= end <= the section's size.
 */
struct cursor {
	struct section *section;
	uint8_t *window;
	uint32_t room;			/* bytes of window */
	uint32_t fill_bytes;		/* read next time: small after a jump, then more */
	uint32_t next, stop, have;
	uint64_t base;
	uint64_t end;			/* offset where the cursor's stretch ends */
	bool bad;
};

/* room: 64 or more bytes. False: no memory. */
bool cursor_init(struct cursor *c, uint32_t room, struct arena *arena);
/* Goes to an offset of a section, for reading up to `end` (cut at the section's end). Not
 * bad any more, unless the offset is past the end. Costs nothing until something is read. */
void cursor_open(struct cursor *c, struct section *s, uint64_t offset, uint64_t end);
/* Goes to another offset of the same stretch: offset <= end, else bad. */
void cursor_seek(struct cursor *c, uint64_t offset);
/* Makes `bytes` (at most 16) bytes contiguous at window + next. */
bool cursor_refill(struct cursor *c, uint32_t bytes);
/* Past a NUL-terminated string. */
void cursor_skip_string(struct cursor *c);
/* The next 1, 2, 4 or 8 bytes as a number; 0 when they are not there. */
uint64_t cursor_word(struct cursor *c, unsigned bytes);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
/* LEB128, unsigned and signed (DWARF 5, 7.6); what does not fit 64 bits is cut. */
uint64_t cursor_uleb_long(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);
/* The NUL-terminated string here, copied into the arena, or NULL (none, longer than
 * ELF_NAME_MAX, or no memory). */
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

/* Most are one byte long. */
static inline uint64_t cursor_uleb(struct cursor *c)
{
	if (c->next < c->stop && c->window[c->next] < 0x80)
		return c->window[c->next++];
	return cursor_uleb_long(c);
}

#endif
