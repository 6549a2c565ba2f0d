/* SPDX-License-Identifier: GPL-2.0-only */
/* See program_symbol.h. The file is read in pieces and not mapped, so that nothing can happen where it is truncated. */
#include "program_symbol.h"

#include "base/arena.h"
#include "base/safe_open.h"
#include "headers.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define PIECE_BYTES	((size_t)64 << 10)
#define TABLE_MOST	((uint64_t)16 << 20)	/* bytes of names, and of symbols */
#define NAME_BYTES	64u			/* with a NUL before and one behind it */

struct file {
	int fd;
	char *piece;
	struct elf_header header;
};

/* Reads up to a piece. Returns the number of bytes; 0: there are none, or they cannot be read. */
static size_t read_piece(const struct file *f, uint64_t offset, uint64_t bytes)
{
	ssize_t n = pread(f->fd, f->piece, bytes < PIECE_BYTES ? (size_t)bytes : PIECE_BYTES, (off_t)offset);

	return n > 0 ? (size_t)n : 0;
}

/* Finds the first section of a type (SHT_*), or the one with a number if type is SHT_NULL. */
static bool find_section(const struct file *f, uint32_t type, uint32_t number, struct elf_section *s)
{
	uint32_t each = headers_section_bytes(f->header.wide), count = f->header.sections;
	size_t have = read_piece(f, f->header.section_offset, (uint64_t)count * each);

	for (uint32_t i = 0; i < count && (i + 1) * each <= have; i++) {
		headers_decode_section((const uint8_t *)f->piece + i * each, f->header.wide, s);
		if (type ? s->type == type : i == number)
			return true;
	}
	return false;
}

/* The offset of a name in a section of names; 0: it is not there. */
static uint32_t find_name(const struct file *f, const struct elf_section *names, const char *name)
{
	size_t len = strlen(name) + 2, have;
	char whole[NAME_BYTES] = { '\0' };

	memcpy(whole + 1, name, len - 2);
	for (uint64_t at = 0; (have = read_piece(f, names->offset + at, names->size_bytes - at)) >= len;
	     at += have - len + 1) {
		const char *found = memmem(f->piece, have, whole, len);

		if (found)
			return (uint32_t)(at + (uint64_t)(found - f->piece) + 1);
	}
	return 0;
}

/* The value of the function whose name is at an offset; 0: there is none. */
static uint64_t find_value(const struct file *f, const struct elf_section *symbols, uint32_t name)
{
	size_t have;

	for (uint64_t at = 0; at < symbols->size_bytes; at += have) {
		const ElfW(Sym) *y = (const ElfW(Sym) *)(const void *)f->piece;

		have = read_piece(f, symbols->offset + at, symbols->size_bytes - at) / sizeof(*y) * sizeof(*y);
		for (size_t i = 0; i < have / sizeof(*y); i++) {
			if (y[i].st_name == name && ELF32_ST_TYPE(y[i].st_info) == STT_FUNC && y[i].st_shndx != SHN_UNDEF)
				return y[i].st_value;
		}
		if (!have)
			break;
	}
	return 0;
}

static uint64_t find(struct file *f, const char *name)
{
	size_t have = read_piece(f, 0, HEADERS_BYTES);
	struct elf_section symbols, names;
	uint32_t at;

	if (headers_decode(f->piece, have, &f->header) != HEADERS_OK ||
	    f->header.wide != (sizeof(void *) == sizeof(uint64_t)) ||
	    f->header.section_bytes != headers_section_bytes(f->header.wide) ||
	    !find_section(f, SHT_SYMTAB, 0, &symbols) || symbols.entry_bytes != sizeof(ElfW(Sym)) ||
	    !find_section(f, SHT_NULL, symbols.link, &names) ||
	    symbols.size_bytes > TABLE_MOST || names.size_bytes > TABLE_MOST)
		return 0;
	at = find_name(f, &names, name);
	return at ? find_value(f, &symbols, at) : 0;
}

void *program_symbol(const char *name)
{
	struct file f = { .fd = safe_open_read(AT_FDCWD, "/proc/self/exe", O_RDONLY), .piece = arena_map(PIECE_BYTES) };
	uint64_t value = f.fd >= 0 && f.piece ? find(&f, name) : 0;

	if (f.fd >= 0)
		close(f.fd);
	if (f.piece)
		arena_unmap(f.piece, PIECE_BYTES);
	/* The entry point tells how far the kernel has moved the program. */
	return value ? (void *)(uintptr_t)(value + getauxval(AT_ENTRY) - f.header.entry) : NULL;
}
