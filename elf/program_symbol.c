/* SPDX-License-Identifier: GPL-2.0-only */
/* See program_symbol.h. The file is read in pieces and not mapped, so that nothing can happen where it is truncated. */
#include "program_symbol.h"

#include "base/arena.h"
#include "base/read_at.h"
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

/* Calls one() for all symbols of functions that the program defines, in the order of the file. */
static void each_function(const struct file *f, const struct elf_section *symbols,
			  void (*one)(void *context, const ElfW(Sym) *y), void *context)
{
	size_t have;

	for (uint64_t at = 0; at < symbols->size_bytes; at += have) {
		const ElfW(Sym) *y = (const ElfW(Sym) *)(const void *)f->piece;

		have = read_piece(f, symbols->offset + at, symbols->size_bytes - at) / sizeof(*y) * sizeof(*y);
		for (size_t i = 0; i < have / sizeof(*y); i++) {
			if (ELF32_ST_TYPE(y[i].st_info) == STT_FUNC && y[i].st_shndx != SHN_UNDEF)
				one(context, &y[i]);
		}
		if (!have)
			break;
	}
}

/* The function whose name is at an offset. */
struct wanted {
	uint32_t name;
	uint64_t value;		/* 0: there is none */
};

static void note_value(void *context, const ElfW(Sym) *y)
{
	struct wanted *w = context;

	if (y->st_name == w->name && !w->value)
		w->value = y->st_value;
}

/* Finds the symbols of the program's open file, and their names. */
static bool find_symbols(struct file *f, struct elf_section *symbols, struct elf_section *names)
{
	return headers_decode(f->piece, read_piece(f, 0, HEADERS_BYTES), &f->header) == HEADERS_OK &&
	       f->header.wide == (sizeof(void *) == sizeof(uint64_t)) &&
	       f->header.section_bytes == headers_section_bytes(f->header.wide) &&
	       find_section(f, SHT_SYMTAB, 0, symbols) && symbols->entry_bytes == sizeof(ElfW(Sym)) &&
	       find_section(f, SHT_NULL, symbols->link, names) &&
	       symbols->size_bytes <= TABLE_MOST && names->size_bytes <= TABLE_MOST;
}

/* Opens the program's file and finds its symbols and their names. False: there are none, or too many. Then the file,
 * which stays the same, is not opened again: most programs are stripped, and a start asks twice. */
static bool open_symbols(struct file *f, struct elf_section *symbols, struct elf_section *names)
{
	static bool none;
	bool found;

	*f = (struct file){ .fd = -1 };
	if (none)
		return false;
	f->fd = safe_open_read(AT_FDCWD, "/proc/self/exe", O_RDONLY);
	f->piece = f->fd < 0 ? NULL : arena_map(PIECE_BYTES);
	if (!f->piece)
		return false;
	found = find_symbols(f, symbols, names);
	none = !found;
	return found;
}

static void close_symbols(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->piece)
		arena_unmap(f->piece, PIECE_BYTES);
}

/* The address in this process. The entry point tells how far the kernel has moved the program. */
static void *address_of(const struct file *f, uint64_t value)
{
	return (void *)(uintptr_t)(value + getauxval(AT_ENTRY) - f->header.entry);
}

void *program_symbol(const char *name)
{
	struct elf_section symbols, names;
	struct wanted w = { .value = 0 };
	struct file f;

	if (open_symbols(&f, &symbols, &names)) {
		w.name = find_name(&f, &names, name);
		if (w.name)
			each_function(&f, &symbols, note_value, &w);
	}
	close_symbols(&f);
	return w.value ? address_of(&f, w.value) : NULL;
}

/* ---- Families ---- */

#define BASE		"malloc"	/* with the NUL behind it */
#define BASES_MOST	64u		/* names with which a family may begin */

struct base {
	uint32_t name;		/* offset in the names */
	uint32_t family;
};

/*
 * Finds where among the names a prefix with "malloc" behind it stands, also at the end of a longer name, which the
 * linker lets it share. Returns the number of such places.
 */
static unsigned find_bases(const struct file *f, const struct elf_section *names, const char *const *prefixes,
			   unsigned count, struct base *bases)
{
	unsigned found = 0;
	size_t have;

	/* Pieces overlap by as much as a name can have. */
	for (uint64_t at = 0; (have = read_piece(f, names->offset + at, names->size_bytes - at)) > 0; at += have - NAME_BYTES) {
		const char *from = f->piece, *end = f->piece + have, *hit;

		while ((hit = memmem(from, (size_t)(end - from), BASE, sizeof(BASE))) && found < BASES_MOST) {
			from = hit + 1;
			for (unsigned i = 0; i < count && found < BASES_MOST; i++) {
				size_t bytes = strlen(prefixes[i]);

				if (bytes <= (size_t)(hit - f->piece) && !memcmp(hit - bytes, prefixes[i], bytes))
					bases[found++] = (struct base){ (uint32_t)(at + (size_t)(hit - f->piece) - bytes), i };
			}
		}
		if (have <= NAME_BYTES || at + have >= names->size_bytes)
			break;
	}
	return found;
}

struct search {
	const struct file *file;
	const char *const *prefixes;
	unsigned count, base_count;
	uint32_t families;		/* a bit for each prefix of which there is a function */
	struct base bases[BASES_MOST];
	char *names;
	size_t names_bytes;
	program_function *take;
	void *context;
};

static void note_base(void *context, const ElfW(Sym) *y)
{
	struct search *s = context;

	for (unsigned i = 0; i < s->base_count; i++) {
		if (y->st_name == s->bases[i].name)
			s->families |= 1u << s->bases[i].family;
	}
}

static void take_function(void *context, const ElfW(Sym) *y)
{
	struct search *s = context;
	const char *name = s->names + y->st_name;

	for (unsigned i = 0; i < s->count && y->st_name < s->names_bytes; i++) {
		if (s->families >> i & 1 && !strncmp(name, s->prefixes[i], strlen(s->prefixes[i])))
			s->take(s->context, i, name, address_of(s->file, y->st_value), y->st_size);
	}
}

void program_families(const char *const *prefixes, unsigned count, program_function *take, void *context)
{
	struct elf_section symbols, names;
	struct file f;
	struct search s = { .file = &f, .prefixes = prefixes, .count = count, .take = take, .context = context };

	if (open_symbols(&f, &symbols, &names)) {
		s.base_count = find_bases(&f, &names, prefixes, count, s.bases);
		if (s.base_count)
			each_function(&f, &symbols, note_base, &s);
		/* One byte more, which is 0, ends the last name. */
		s.names_bytes = (size_t)names.size_bytes;
		s.names = s.families ? arena_map(s.names_bytes + 1) : NULL;
		if (s.names) {
			if (read_whole(f.fd, s.names, s.names_bytes, names.offset))
				each_function(&f, &symbols, take_function, &s);
			arena_unmap(s.names, s.names_bytes + 1);
		}
	}
	close_symbols(&f);
}
