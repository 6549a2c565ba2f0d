/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See symbol.h. The file is opened, and it is checked that it is the one that runs. Each symbol
 * table is read once and compared with all addresses (match.h), and then the names of the best
 * symbols are fetched. Names come from:
 *
 *	.symtab		of the file, or else of its separate debug file (debugfile.h)
 *	.dynsym		of the file, for addresses that have no name yet
 *	PLT stubs	that is, from the file's code and relocations (plt.h)
 *
 * If the file's path does not lead to the file that runs, it is looked for in these places, as long
 * as the process lives. PROC is /proc/self or the directory of the other process:
 *
 *	PROC/map_files/	is exactly the mapped file, even if it was deleted or lies in another root or
 *			mount namespace; opening it needs a capability
 *	PROC/exe	is the program itself in the same way, and needs no capability
 *	PROC/root/	leads to where another process sees the file
 *	memory		has .dynsym; the rest comes from the debug file that the build id leads to
 *
 * Scratch memory has an arena of its own, so that a dump over a hundred modules does not keep a
 * hundred tables. The caller's arena gets the names only.
 */
#include "symbol/symbol.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/probe.h"
#include "symbol/debugfile.h"
#include "symbol/elf_file.h"
#include "symbol/lines.h"
#include "symbol/mapped.h"
#include "symbol/match.h"
#include "symbol/plt.h"
#include "symbol/symtab.h"

#define BUILD_ID_MAX	64	/* bytes that are compared; the longest known ids have 32 (sha256) */
#define PAGE_BYTES_MAX	65536u

/* One batch of addresses in one file. */
struct batch {
	struct symbol *syms;
	uint64_t *addrs;	/* those without a name, ascending */
	uint32_t *which;	/* the indices of addrs in syms */
	size_t n;		/* of addrs and which */
	uint64_t shift;		/* addrs are greater than those in syms by this */
	struct match match;
	struct elf_strings names;
	struct arena *arena;	/* the caller's, for names */
};

/* Returns SYMBOL_REPLACED if a build id is expected and the file does not have it, else SYMBOL_OK. */
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

/* Keeps only the addresses that have no name yet. */
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

/* Changes to another file, whose addresses are greater than those in syms by shift. */
static void change_file(struct batch *b, struct elf *e, uint64_t shift)
{
	uint64_t more = shift - b->shift;

	b->match.elf = e;
	b->shift = shift;
	for (size_t i = 0; more && i < b->n; i++) {
		b->addrs[i] += more;
		b->match.ends[i] += b->match.ends[i] ? more : 0;
	}
}

/* Sets the names. Neighbouring addresses in one function share the copy of its name. */
static int fetch_names(struct batch *b, const struct match_candidate *results)
{
	const struct match_candidate *last = NULL;
	char *name = NULL;

	/* This must work even if ranking the symbols has used up all that a file may cost. */
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
		sym->start = c->start - b->shift;
		sym->name = name;
	}
	return SYMBOL_OK;
}

/* Resolves from one symbol table. */
static int resolve_from(struct batch *b, struct elf *e, const struct symtab *t,
			struct arena *scratch)
{
	struct symtab_entry entry;
	struct elf_stream s;

	if (!b->n)
		return SYMBOL_OK;
	if (!elf_strings_open(&b->names, e, t->strings_offset, t->strings_bytes, scratch))
		return SYMBOL_NO_MEMORY;
	match_begin(&b->match);
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

/* A file and its separate debug file. */
struct files {
	struct elf main, debug;
	bool has_debug;			/* debug is open */
	uint64_t shift;			/* addresses in `debug` minus those in `main` */
	bool has_lines;			/* main has debug data itself */
	bool has_symbols;		/* there is a symbol table in either */
};

/*
 * The address of the first segment. It tells how far the addresses of a file and of its debug file
 * are apart, because prelink moved files after their debug files had been made. (GDB takes that
 * from the first section in the same way.)
 */
static uint64_t first_address(const struct elf *e)
{
	for (uint32_t i = 0; i < e->segments; i++) {
		if (e->segment[i].type == PT_LOAD)
			return e->segment[i].addr;
	}
	return 0;
}

/* Sets the names of at most MATCH_MAX addresses. */
static int resolve_names(struct files *f, struct symbol_file *file, struct symbol *syms, size_t n,
			 struct arena *arena)
{
	struct symtab table;
	struct arena scratch = { .spares = file->spares };
	struct elf *e = &f->main;
	struct batch b;
	int error = SYMBOL_NO_MEMORY;

	if (!batch_open(&b, e, syms, n, &scratch, arena))
		goto out;
	error = SYMBOL_OK;
	if (symtab_static(e, &table)) {
		f->has_symbols = true;
		error = resolve_from(&b, e, &table, &scratch);
	} else if (f->has_debug && symtab_static(&f->debug, &table)) {
		f->has_symbols = true;
		change_file(&b, &f->debug, f->shift);
		error = resolve_from(&b, &f->debug, &table, &scratch);
		change_file(&b, e, 0);
	}
	drop_named(&b);
	if (!error && symtab_dynamic(e, &table)) {
		f->has_symbols = true;
		error = resolve_from(&b, e, &table, &scratch);
	}
	if (!error)
		plt_resolve(e, f->has_debug ? &f->debug : NULL, f->shift, syms, n, &scratch, arena);
out:
	arena_release(&scratch);
	return error;
}

/* Opens the debug file if the file itself lacks symbols, or debug data that is needed for lines. */
static void look_for_debug(struct files *f, struct symbol_file *file, struct arena *scratch)
{
	static const char names[] = ".debug_line\0" ".zdebug_line\0" ".debug_info\0" ".zdebug_info\0" ".gnu_debugdata";
	struct elf_section section[5];
	struct symtab table;
	bool symbols = symtab_static(&f->main, &table);

	elf_sections_named(&f->main, names, 5, section);
	for (int i = 0; i < 4; i++)
		f->has_lines |= section[i].type == SHT_PROGBITS;
	if (symbols && (f->has_lines || !file->lines))
		return;
	f->has_debug = debugfile_open(&f->debug, &f->main, file, scratch);
	if (f->has_debug)
		f->shift = first_address(&f->debug) - first_address(&f->main);
	else if (!symbols && section[4].type)
		file->unread |= SYMBOL_UNREAD_MINIDEBUG;
}

static bool is_vdso(const char *path)
{
	return !strcmp(path, "linux-vdso.so.1") || !strcmp(path, "linux-gate.so.1") ||
	       !strcmp(path, "[vdso]");
}

/* Opens a file unless it has another build id than the expected one. */
static int open_checked(struct elf *e, const struct symbol_file *file, const char *path,
			struct arena *scratch)
{
	int error = elf_open(e, path, scratch);

	if (!error) {
		error = expect_build_id(e, file->build_id, file->build_id_bytes);
		if (error)
			elf_close(e);
	}
	return error;
}

/* The directory in /proc of the process that has the file in memory. */
static const char *proc_of(const struct symbol_file *file)
{
	return file->proc ? file->proc : "/proc/self";
}

/* As open_checked(), for the image in memory at an address. */
static int open_mapped(struct elf *e, const struct symbol_file *file, const char *proc,
		       uint64_t at, bool stays, struct arena *scratch)
{
	int error = elf_open_mapped(e, proc, at, stays, scratch);

	if (!error) {
		error = expect_build_id(e, file->build_id, file->build_id_bytes);
		if (error)
			elf_close(e);
	}
	return error;
}

/*
 * Whether a file's last segment ends where the loaded one does. `wanted` comes from the loader, which
 * knows the end to the byte, or from the kernel's list of mappings, which has the end of its page.
 */
static bool ends_like(const struct elf *e, uint64_t wanted)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < e->segments; i++) {
		const struct elf_segment *s = &e->segment[i];

		if (s->type == PT_LOAD && s->addr + s->memory_bytes > end)
			end = s->addr + s->memory_bytes;
	}
	return wanted == end || (!(wanted & (PROBE_PAGE - 1)) && wanted > end &&
				 wanted - end < PAGE_BYTES_MAX);
}

/*
 * Whether a file without a build id has the same segments as the image in memory. Another build of
 * a program hardly ever has. If memory cannot be read, only the end of the last segment is
 * compared.
 */
static bool has_same_segments(const struct elf *e, const struct symbol_file *file, struct arena *scratch)
{
	struct elf there;
	bool same = true;

	if (!file->mapped_at ||
	    elf_open_mapped(&there, proc_of(file), file->mapped_at, file->stays, scratch))
		return !file->end || ends_like(e, file->end);
	for (uint32_t i = 0; same && i < e->segments && i < there.segments; i++) {
		const struct elf_segment *a = &e->segment[i], *b = &there.segment[i];

		same = a->type == b->type && a->flags == b->flags && a->addr == b->addr &&
		       a->memory_bytes == b->memory_bytes;
	}
	same &= e->segments == there.segments && e->entry == there.entry;
	elf_close(&there);
	return same;
}

/* Opens a file if it is the one that runs, by its build id, or without one by its segments. */
static int open_same(struct elf *e, const struct symbol_file *file, const char *path,
		     struct arena *scratch)
{
	int error = open_checked(e, file, path, scratch);

	if (!error && !file->build_id_bytes && !has_same_segments(e, file, scratch)) {
		elf_close(e);
		error = SYMBOL_REPLACED;
	}
	return error;
}

/* Opens the file by way of the process that has it in memory. */
static bool open_in_process(struct elf *e, const struct symbol_file *file, struct arena *scratch)
{
	const char *proc = proc_of(file);
	size_t len = strlen(file->path);
	char *path = arena_alloc(scratch, MAPPED_PATH_BYTES + len + 1), *to;

	if (!path)
		return false;
	if (mapped_path(proc, file->mapped_at, path, scratch) &&
	    !open_checked(e, file, path, scratch))
		return true;
	if (!file->build_id_bytes && !file->end)
		return false;
	to = stpcpy(path, proc);
	strcpy(to, "/exe");
	if (!open_same(e, file, path, scratch))
		return true;
	strcpy(stpcpy(to, "/root"), file->path);
	return file->proc && file->path[0] == '/' && !open_same(e, file, path, scratch);
}

/*
 * Opens the file, or if that fails, its image in memory. *opened: e is open. Returns SYMBOL_OK, or
 * the reason why e is not the file.
 */
static int open_main(struct elf *e, struct symbol_file *file, bool *opened, struct arena *scratch)
{
	int error;

	if (is_vdso(file->path)) {	/* all processes have the same one */
		uint64_t at = file->mapped_at && !file->proc ? file->mapped_at
							     : getauxval(AT_SYSINFO_EHDR);

		error = at ? open_mapped(e, file, "/proc/self", at, true, scratch) : SYMBOL_NO_FILE;
		*opened = !error;
		return error;
	}
	error = file->path[0] ? open_same(e, file, file->path, scratch) : SYMBOL_NO_PATH;
	*opened = !error;
	if (error == SYMBOL_NO_FILE)
		file->why = errno;
	if (!error || error == SYMBOL_NO_MEMORY || !file->mapped_at)
		return error;
	*opened = open_in_process(e, file, scratch);
	if (*opened)
		return SYMBOL_OK;
	*opened = !open_mapped(e, file, proc_of(file), file->mapped_at, file->stays, scratch);
	return error == SYMBOL_GONE && e->no_proc ? SYMBOL_NO_PROC : error;
}

/* Adds shift to all addresses, because those in the debug file are greater by it. */
static void shift_all(struct symbol *syms, size_t n, uint64_t shift)
{
	for (size_t i = 0; shift && i < n; i++) {
		syms[i].addr += shift;
		syms[i].start += shift;
	}
}

/* Sets the lines, from the debug data of the file itself, or else of its debug file. */
static int resolve_lines(struct files *f, struct symbol_file *file, struct symbol *syms, size_t n,
			 struct arena *arena)
{
	bool in_debug = f->has_debug && !f->has_lines;
	int error;

	if (!file->lines)
		return SYMBOL_OK;
	if (!in_debug)
		return lines_resolve(&f->main, file, syms, n, arena);
	shift_all(syms, n, f->shift);
	error = lines_resolve(&f->debug, file, syms, n, arena);
	shift_all(syms, n, -f->shift);
	return error;
}

/* Sets names and lines of any number of addresses. */
static int resolve_all(struct files *f, struct symbol_file *file, struct symbol *syms, size_t n,
		       struct arena *arena)
{
	int error = SYMBOL_OK;

	for (size_t done = 0; !error && done < n; done += MATCH_MAX) {
		size_t some = n - done < MATCH_MAX ? n - done : MATCH_MAX;

		error = resolve_names(f, file, syms + done, some, arena);
	}
	if (!error)
		error = resolve_lines(f, file, syms, n, arena);
	if (!error && !f->has_symbols)
		error = SYMBOL_NO_SYMBOLS;
	if ((f->main.damaged || (f->has_debug && f->debug.damaged)) &&
	    (!error || error == SYMBOL_NO_SYMBOLS))
		error = SYMBOL_DAMAGED;
	return error;
}

int symbol_resolve(struct symbol_file *file, struct symbol *syms, size_t n, struct arena *arena)
{
	struct arena scratch = { .spares = file->spares };
	struct files f = { .main.fd = -1, .has_debug = false };
	int saved = errno, error, later;
	bool opened;

	file->unread = 0;
	file->why = 0;
	for (size_t i = 0; i < n; i++)
		syms[i] = (struct symbol){ .addr = syms[i].addr, .no_lines = syms[i].no_lines };
	error = open_main(&f.main, file, &opened, &scratch);
	if (opened) {
		look_for_debug(&f, file, &scratch);
		later = resolve_all(&f, file, syms, n, arena);
		if (!error)
			error = later;
		if (f.has_debug)
			elf_close(&f.debug);
		elf_close(&f.main);
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
	case SYMBOL_REPLACED:	return "the file was replaced";
	case SYMBOL_DAMAGED:	return "damaged ELF file";
	case SYMBOL_NO_SYMBOLS:	return "no symbols";
	case SYMBOL_GONE:	return "the file is no longer there";
	case SYMBOL_NO_PROC:	return "not in this root, nor is /proc";
	case SYMBOL_NO_PATH:	return "its path is not known";
	case SYMBOL_NO_MEMORY:	return "no memory for symbols";
	default:		return "unknown error";
	}
}
