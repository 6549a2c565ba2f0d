/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See symbol.h: open the file, check that it is the one that runs, stream each symbol table
 * past the addresses (match.h), fetch the winners' names.
 *
 * Scratch memory has an arena of its own, so that a dump over a hundred modules does not
 * keep a hundred tables of it; the caller's arena gets the names only.
 */
#include "symbol/symbol.h"

#include <errno.h>
#include <string.h>

#include "symbol/elf.h"
#include "symbol/lines.h"
#include "symbol/match.h"
#include "symbol/symtab.h"

#define BUILD_ID_MAX	64	/* compared; the longest known are 32 (sha256) */

/* One batch of addresses in one file. */
struct batch {
	struct symbol *syms;
	uint64_t *addrs;	/* of those without a name, ascending */
	uint32_t *which;	/* their indices in syms */
	size_t n;
	struct match match;
	struct elf_strings names;
	struct arena *arena;	/* of the caller: for names */
};

static int expect_build_id(struct elf *e, const uint8_t *build_id, size_t bytes)
{
	uint8_t own[BUILD_ID_MAX];
	int length;

	if (!build_id || !bytes)
		return SYMBOL_OK;
	length = elf_build_id(e, own, sizeof(own));
	if ((size_t)length != bytes)
		return SYMBOL_REPLACED;
	if (bytes > sizeof(own))
		bytes = sizeof(own);
	return memcmp(own, build_id, bytes) ? SYMBOL_REPLACED : SYMBOL_OK;
}

/* Keeps only what has no name yet. */
static void drop_named(struct batch *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->syms[i].name)
			continue;
		b->which[kept] = (uint32_t)i;
		b->addrs[kept++] = b->addrs[i];
	}
	b->n = kept;
	match_reset(&b->match, b->which, kept);
}

/* Neighbours in one function share the copy of its name. */
static int fetch_names(struct batch *b, const struct match_candidate *results)
{
	const struct match_candidate *last = NULL;
	char *name = NULL;

	/* Even if ranking the symbols has used up what a file may cost. */
	b->names.fills_left = ELF_FILLS_MAX;
	for (size_t i = 0; i < b->n; i++) {
		const struct match_candidate *c = &results[i];
		struct symbol *sym = &b->syms[b->which[i]];

		if (!c->length_bytes)
			continue;
		if (!last || c->start != last->start || c->name != last->name) {
			name = arena_alloc(b->arena, (size_t)c->length_bytes + 1);
			if (!name)
				return SYMBOL_NO_MEMORY;
			if (!elf_string_copy(&b->names, c->name, c->length_bytes, name))
				name = NULL;
			last = c;
		}
		sym->start = c->start;
		sym->name = name;
	}
	return SYMBOL_OK;
}

static int resolve_from(struct batch *b, struct elf *e, const struct symtab *t,
			struct arena *scratch)
{
	struct symtab_entry entry;
	struct elf_stream s;

	if (!b->n)
		return SYMBOL_OK;
	if (!elf_strings_open(&b->names, e, t->strings_offset, t->strings_bytes, scratch))
		return SYMBOL_NO_MEMORY;
	symtab_open(&s, e, t);
	while (symtab_next(&s, &entry))
		match_symbol(&b->match, &entry);
	return fetch_names(b, match_results(&b->match));
}

static bool batch_open(struct batch *b, struct elf *e, struct symbol *syms, size_t n,
		       struct arena *scratch, struct arena *arena)
{
	*b = (struct batch){ .syms = syms, .n = n, .arena = arena };
	b->addrs = arena_alloc(scratch, n * sizeof(b->addrs[0]));
	b->which = arena_alloc(scratch, n * sizeof(b->which[0]));
	if (!b->addrs || !b->which)
		return false;
	for (size_t i = 0; i < n; i++) {
		b->addrs[i] = syms[i].addr;
		b->which[i] = (uint32_t)i;
	}
	return match_open(&b->match, e, &b->names, b->addrs, n, scratch);
}

static int resolve(struct elf *e, struct symbol *syms, size_t n, struct arena *arena)
{
	struct symtab table;
	struct arena scratch = { .chunk = NULL };
	struct batch b;
	int error = SYMBOL_NO_MEMORY;
	bool found;

	if (!batch_open(&b, e, syms, n, &scratch, arena))
		goto out;
	error = SYMBOL_OK;
	found = symtab_static(e, &table);
	if (found)
		error = resolve_from(&b, e, &table, &scratch);
	drop_named(&b);
	if (!error && symtab_dynamic(e, &table)) {
		error = resolve_from(&b, e, &table, &scratch);
		found = true;
	}
	if (!error && !found)
		error = SYMBOL_NO_SYMBOLS;
out:
	arena_release(&scratch);
	return error;
}

int symbol_resolve(struct symbol_file *file, struct symbol *syms, size_t n, struct arena *arena)
{
	struct arena scratch = { .chunk = NULL };
	int saved = errno;
	struct elf e;
	int error;

	file->unread = 0;
	for (size_t i = 0; i < n; i++)
		syms[i] = (struct symbol){ .addr = syms[i].addr };
	error = elf_open(&e, file->path, &scratch);
	if (!error) {
		error = expect_build_id(&e, file->build_id, file->build_id_bytes);
		for (size_t done = 0; !error && done < n; done += MATCH_MAX) {
			size_t some = n - done < MATCH_MAX ? n - done : MATCH_MAX;

			error = resolve(&e, syms + done, some, arena);
		}
		if (file->lines && (!error || error == SYMBOL_NO_SYMBOLS) &&
		    lines_resolve(&e, file, syms, n, arena) == SYMBOL_NO_MEMORY)
			error = SYMBOL_NO_MEMORY;
		if (e.damaged && (!error || error == SYMBOL_NO_SYMBOLS))
			error = SYMBOL_DAMAGED;
		elf_close(&e);
	}
	arena_release(&scratch);
	errno = saved;
	return error;
}

int symbol_build_id(const char *path, uint8_t *buf, size_t size_bytes)
{
	struct arena scratch = { .chunk = NULL };
	int saved = errno;
	struct elf e;
	int result = elf_open(&e, path, &scratch);

	if (!result) {
		result = elf_build_id(&e, buf, size_bytes);
		elf_close(&e);
	}
	arena_release(&scratch);
	errno = saved;
	return result;
}

const char *symbol_error_text(int error)
{
	switch (error) {
	case SYMBOL_OK:		return "no error";
	case SYMBOL_NO_FILE:	return "cannot be read";
	case SYMBOL_NOT_ELF:	return "not an ELF file";
	case SYMBOL_FOREIGN:	return "not a program or library of this byte order";
	case SYMBOL_REPLACED:	return "the file was replaced: its build id differs";
	case SYMBOL_DAMAGED:	return "damaged ELF file";
	case SYMBOL_NO_SYMBOLS:	return "no symbols";
	case SYMBOL_NO_MEMORY:	return "no memory for symbols";
	default:		return "unknown error";
	}
}
