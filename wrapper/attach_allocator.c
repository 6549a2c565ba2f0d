/* SPDX-License-Identifier: GPL-2.0-only */
/* See attach_allocator.h. */
#include "attach_allocator.h"

#include "base/path.h"
#include "elf/headers.h"
#include "elf/program_symbol.h"
#include "quit.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_MOST	((uint64_t)256 << 20)	/* bytes of symbols, and of their names, that are read */

/* Those of allocators that are known, and that of --allocator. */
static const char *prefixes[] = { PROGRAM_FAMILIES, NULL };
#define PREFIXES	(sizeof(prefixes) / sizeof(prefixes[0]))

/* ---- The file's own symbols ---- */

/* Reads a part of a file into memory that the caller frees. One byte more is 0. NULL: it cannot be read. */
static void *read_part(int fd, uint64_t offset, uint64_t bytes)
{
	char *part = bytes <= TABLE_MOST ? calloc(1, (size_t)bytes + 1) : NULL;

	if (part && pread(fd, part, (size_t)bytes, (off_t)offset) == (ssize_t)bytes)
		return part;
	free(part);
	return NULL;
}

/* Marks the prefixes with which one of the symbols is a function PREFIX + "malloc". */
static void mark_symbols(const Elf64_Sym *symbol, uint64_t count, const char *names, uint64_t names_bytes,
			 bool found[PREFIXES])
{
	for (uint64_t i = 0; i < count; i++) {
		if (ELF64_ST_TYPE(symbol[i].st_info) != STT_FUNC || symbol[i].st_shndx == SHN_UNDEF ||
		    symbol[i].st_name >= names_bytes)
			continue;
		for (size_t p = 0; p < PREFIXES; p++) {
			const char *name = names + symbol[i].st_name;
			size_t bytes = prefixes[p] ? strlen(prefixes[p]) : 0;

			if (prefixes[p] && !strncmp(name, prefixes[p], bytes) && !strcmp(name + bytes, "malloc"))
				found[p] = true;
		}
	}
}

static void mark_section(int fd, const struct elf_section *s, const struct elf_section *names, bool found[PREFIXES])
{
	Elf64_Sym *symbols = read_part(fd, s->offset, s->size_bytes);
	char *text = read_part(fd, names->offset, names->size_bytes);

	if (symbols && text)
		mark_symbols(symbols, s->size_bytes / sizeof(*symbols), text, names->size_bytes, found);
	free(symbols);
	free(text);
}

/* Marks the prefixes of which the program's file has functions in .symtab. */
static void mark_file(int fd, bool found[PREFIXES])
{
	struct elf_section section, names;
	uint8_t bytes[HEADERS_BYTES] = { 0 }, *table;
	struct elf_header h;

	if (pread(fd, bytes, sizeof(bytes), 0) <= 0 || headers_decode(bytes, sizeof(bytes), &h) != HEADERS_OK ||
	    !h.wide || h.section_bytes != headers_section_bytes(true))
		return;
	table = read_part(fd, h.section_offset, h.sections * (uint64_t)h.section_bytes);
	for (uint32_t i = 0; table && i < h.sections; i++) {
		headers_decode_section(table + i * (size_t)h.section_bytes, true, &section);
		if (section.type != SHT_SYMTAB || section.link >= h.sections)
			continue;
		headers_decode_section(table + section.link * (size_t)h.section_bytes, true, &names);
		mark_section(fd, &section, &names, found);
		break;		/* a file has one */
	}
	free(table);
}

/* ---- All modules ---- */

static void add(char text[ATTACH_ALLOCATOR_BYTES], const char *what, const char *star, const char *path)
{
	size_t at = strlen(text);

	snprintf(text + at, ATTACH_ALLOCATOR_BYTES - at, "%s%.60s%s of %.100s", at ? ", " : "", what, star,
		 path_name(path));
}

static void add_exported(struct target *t, struct target_module *m, char text[ATTACH_ALLOCATOR_BYTES],
			 bool found[PREFIXES])
{
	char name[128];

	if (m->kind == TARGET_OWN_ALLOCATOR)
		add(text, "malloc()", "", m->path);
	if ((m->kind == TARGET_OWN_ALLOCATOR || m->kind == TARGET_ALLOCATOR) && target_function(t, m, "_Znwm"))
		add(text, "operator new", "", m->path);
	for (size_t p = 0; p < PREFIXES && m->kind != TARGET_TRACER; p++) {
		if (!prefixes[p] || found[p] ||
		    snprintf(name, sizeof(name), "%smalloc", prefixes[p]) >= (int)sizeof(name) ||
		    !target_function(t, m, name))
			continue;
		found[p] = true;
		add(text, prefixes[p], "*", m->path);
	}
}

bool attach_allocator_find(struct target *t, const char *prefix, char text[ATTACH_ALLOCATOR_BYTES])
{
	bool found[PREFIXES] = { false }, hidden[PREFIXES] = { false };
	char *path = formatted("/proc/%d/exe", (int)t->pid);
	char program[4096];
	ssize_t bytes = readlink(path, program, sizeof(program) - 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text[0] = 0;
	program[bytes > 0 ? bytes : 0] = 0;
	prefixes[PREFIXES - 1] = prefix && strcmp(prefix, "auto") ? prefix : NULL;
	for (struct target_module *m = t->modules; m; m = m->next)
		add_exported(t, m, text, found);
	if (fd >= 0)
		mark_file(fd, hidden);
	for (size_t p = 0; p < PREFIXES; p++) {
		if (hidden[p] && !found[p])
			add(text, prefixes[p], "*", program);
	}
	free(path);
	if (fd >= 0)
		close(fd);
	return text[0] && !(prefix && !strcmp(prefix, "no"));
}
