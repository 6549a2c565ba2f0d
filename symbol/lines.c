/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See lines.h. These steps lead from an address to lines and functions:
 *
 *	dwarf_find_units()	finds its unit. The others go unit by unit, in the order of the file:
 *	dwarf_line_run()	finds the number of its file, and its line
 *	dwarf_info_walk()	finds the innermost scope, which is linked to those around it
 *	dwarf_info_names()	finds where the scopes' names are
 *	dwarf_line_files()	finds where the files' names are
 *
 * At the end, all strings are fetched in the order in which they lie in the file, so that a
 * compressed section is unpacked once, front to back. Then the chains of calls are written.
 */
#include "symbol/lines.h"

#include <string.h>

#include "base/sort.h"
#include "symbol/dwarf.h"
#include "symbol/dwarf_find.h"
#include "symbol/dwarf_info.h"
#include "symbol/dwarf_line.h"

#define FILES_MAX	((uint32_t)1 << 20)

struct lines {
	struct dwarf dwarf;
	struct symbol *syms;
	struct arena *arena;		/* of the caller */
	struct dwarf_place *places;
	size_t n;
	struct dwarf_scopes scopes;
	struct dwarf_file *files;
	uint32_t file_count, file_room;
};

/* Makes a place of each address that lies in code, if its lines are wanted. Other addresses cannot have a line, so
 * their units need not be searched. False: no memory. */
static bool make_places(struct lines *l, size_t n)
{
	struct dwarf *d = &l->dwarf;

	l->places = arena_alloc(d->scratch, (n + 1) * sizeof(l->places[0]));
	if (!l->places)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!l->syms[i].no_lines && elf_code_at(d->elf, l->syms[i].addr))
			l->places[l->n++] = (struct dwarf_place){
				.addr = l->syms[i].addr, .unit = DWARF_NO_UNIT,
				.which = (uint32_t)i, .file = DWARF_NO_FILE,
			};
	}
	return true;
}

/* Sorts the places by unit, those without a unit last, and by address within a unit. False: no
 * memory. */
static bool sort_places(struct lines *l)
{
	struct arena work = { .spares = l->dwarf.file->spares };
	struct sort_entry *order = arena_alloc(&work, (l->n + 1) * sizeof(*order));
	struct dwarf_place *sorted = arena_alloc(l->dwarf.scratch,
						 (l->n + 1) * sizeof(*sorted));

	if (order && sorted) {
		for (size_t i = 0; i < l->n; i++)
			order[i] = (struct sort_entry){ ~l->places[i].unit, (uint32_t)i };
		sort_largest(order, l->n, l->n);
		for (size_t i = 0; i < l->n; i++)
			sorted[i] = l->places[order[i].index];
		l->places = sorted;
	}
	arena_release(&work);
	return order && sorted;
}

/*
 * Replaces the line table's numbers of files by indices of l->files, in n places and in the scopes
 * from `first` on, and finds the files' names. line: the unit's line table, or NULL.
 */
static void number_files(struct lines *l, const struct dwarf_line *line,
			 struct dwarf_place *places, size_t n, uint32_t first)
{
	struct dwarf_scope *scope = l->scopes.scope;
	uint32_t old = l->file_count;
	size_t count = n + l->scopes.count - first;
	struct arena work = { .spares = l->dwarf.file->spares };
	struct sort_entry *order = arena_alloc(&work, count * sizeof(*order) + 1);

	l->dwarf.no_memory |= !order;
	for (size_t i = 0; order && i < count; i++)
		order[i] = (struct sort_entry){
			~(uint64_t)(i < n ? places[i].file : scope[first + i - n].call_file),
			(uint32_t)i,
		};
	if (order)
		sort_largest(order, count, count);
	for (size_t i = 0; order && i < count; i++) {
		uint32_t j = order[i].index;
		uint32_t *file = j < n ? &places[j].file : &scope[first + j - n].call_file;

		if (*file == DWARF_NO_FILE)
			continue;
		if (l->file_count == old || l->files[l->file_count - 1].number != *file) {
			if (!dwarf_grow(&l->dwarf, (void **)&l->files, l->file_count,
					&l->file_room, FILES_MAX, sizeof(l->files[0]))) {
				*file = DWARF_NO_FILE;
				continue;
			}
			l->files[l->file_count++] = (struct dwarf_file){ .number = *file };
		}
		*file = l->file_count - 1;
	}
	if (line && l->file_count > old)
		dwarf_line_files(&l->dwarf, line, &l->files[old], l->file_count - old);
	arena_release(&work);
}

/* Does the steps of one unit, for the n places that belong to it. */
static void resolve_unit(struct lines *l, struct dwarf_line *line, struct dwarf_place *places,
			 size_t n)
{
	struct dwarf *d = &l->dwarf;
	uint32_t first = l->scopes.count;
	bool has_lines;

	if (!dwarf_unit_load(d, &d->info, places->unit, &d->unit, &d->abbrevs))
		return;
	if (d->unit.split)
		d->file->unread |= SYMBOL_UNREAD_SPLIT;
	has_lines = dwarf_line_open(d, line);
	if (has_lines)
		dwarf_line_run(d, line, places, n);
	dwarf_info_walk(d, &l->scopes, places, n);
	dwarf_info_names(d, &l->scopes, first);
	number_files(l, has_lines ? line : NULL, places, n, first);
}

/* Texts */

/* Returns the place of text i. The first texts are the names of the functions, one for each scope;
 * then come the three parts of each file. */
static uint64_t *text_slot(struct lines *l, uint32_t i)
{
	uint32_t scopes = l->scopes.count;

	if (i < scopes)
		return &l->scopes.scope[i].function.text;
	return &l->files[(i - scopes) / 3].part[(i - scopes) % 3].text;
}

/* Closes all sections but that of a text, since texts are all that is still read, one section after the other. */
static void close_others(struct dwarf *d, uint64_t text)
{
	for (unsigned i = 0; i < DWARF_SECTIONS; i++) {
		if (i != DWARF_TEXT_SECTION(text))
			section_close(&d->section[i]);
	}
}

/* Replaces all texts by their strings: from here on the unions hold strings. False: no memory. */
static bool fetch_texts(struct lines *l)
{
	uint32_t count = l->scopes.count + 3 * l->file_count;
	struct arena work = { .spares = l->dwarf.file->spares };
	struct sort_entry *order = arena_alloc(&work, count * sizeof(*order) + 1);
	const char *string = NULL;
	uint64_t last = 0;

	for (uint32_t i = 0; order && i < count; i++)
		order[i] = (struct sort_entry){ ~*text_slot(l, i), i };
	if (order)
		sort_largest(order, count, count);
	for (uint32_t i = 0; order && i < count; i++) {
		uint32_t which = order[i].index;
		uint64_t text = ~order[i].key;
		bool scope = which < l->scopes.count;

		if (text && DWARF_TEXT_SECTION(text) != DWARF_TEXT_SECTION(last))
			close_others(&l->dwarf, text);
		/* Names of functions have to last as long as the caller's arena, parts of paths
		 * need not. A text that is both is fetched twice. */
		if (text != last || !i || scope != (order[i - 1].index < l->scopes.count))
			string = dwarf_fetch(&l->dwarf, text, scope ? l->arena : l->dwarf.scratch);
		last = text;
		if (scope)
			l->scopes.scope[which].function.string = string;
		else
			l->files[(which - l->scopes.count) / 3]
				.part[(which - l->scopes.count) % 3].string = string;
	}
	arena_release(&work);
	return order != NULL;
}

/* Joins the known parts, from the last absolute one on, with '/' in between. NULL: the name is
 * unknown, or there is no memory. */
static const char *join_path(struct dwarf *d, const struct dwarf_file *f, struct arena *arena)
{
	size_t total = 0;
	int first = 2;
	char *path, *p;

	if (!f->part[2].string)
		return NULL;
	while (first && (!f->part[first].string || f->part[first].string[0] != '/'))
		first--;
	for (int i = first; i < 3; i++)
		total += f->part[i].string ? strlen(f->part[i].string) + 1 : 0;
	if (total > d->text_bytes)
		return NULL;
	d->text_bytes -= total;
	p = path = arena_alloc(arena, total);
	for (int i = first; p && i < 3; i++) {
		size_t length = f->part[i].string ? strlen(f->part[i].string) : 0;

		if (!f->part[i].string)
			continue;
		memcpy(p, f->part[i].string, length);
		p += length;
		*p++ = i < 2 ? '/' : '\0';
	}
	return path;
}

static const char *path_of(const struct lines *l, uint32_t file)
{
	return file < l->file_count ? l->files[file].path : NULL;
}

/* The name of a function that is not inlined. If its debug data has no linkage name, its symbol
 * has. */
static const char *outer_name(const struct dwarf_scope *s, const struct symbol *sym)
{
	return sym->name && !s->linked && !s->is_c ? sym->name : s->function.string;
}

/* Writes the chain of calls of one symbol. False: no memory. */
static bool write_calls(struct lines *l, const struct dwarf_place *p)
{
	struct symbol *sym = &l->syms[p->which];
	const struct dwarf_scope *scopes = l->scopes.scope;
	uint32_t count = p->scope ? scopes[p->scope].depth + 1 : 1;
	const struct dwarf_scope *outer = &scopes[p->scope];
	struct symbol_call *calls;
	uint32_t i = 0;

	if (!p->scope && !p->row)
		return true;
	calls = arena_alloc(l->arena, count * sizeof(*calls));
	if (!calls)
		return false;
	calls[0].file = path_of(l, p->file);
	calls[0].line = p->line;
	for (uint32_t s = p->scope; i + 1 < count; s = scopes[s].parent) {
		calls[i++].function = scopes[s].function.string;
		calls[i].file = path_of(l, scopes[s].call_file);
		calls[i].line = scopes[s].call_line;
		outer = &scopes[scopes[s].parent];
	}
	calls[i].function = outer_name(outer, sym);
	sym->calls = calls;
	sym->call_count = count;
	return true;
}

/* Does all steps, for n symbols. False: no memory. */
static bool resolve(struct lines *l, size_t n)
{
	struct dwarf *d = &l->dwarf;
	struct dwarf_line *line = arena_alloc(d->scratch, sizeof(*line));

	/* Index 0 stands for "no scope". */
	l->scopes.max = DWARF_SCOPES_MAX(n);
	d->text_bytes = DWARF_TEXT_BYTES(n);
	if (!line || !make_places(l, n) ||
	    !dwarf_grow(d, (void **)&l->scopes.scope, 0, &l->scopes.room, l->scopes.max,
			sizeof(l->scopes.scope[0])))
		return false;
	l->scopes.count = 1;
	dwarf_find_units(d, l->places, l->n);
	if (!sort_places(l))
		return false;
	for (size_t i = 0, next; i < l->n && l->places[i].unit != DWARF_NO_UNIT; i = next) {
		for (next = i + 1; next < l->n && l->places[next].unit == l->places[i].unit; )
			next++;
		resolve_unit(l, line, &l->places[i], next - i);
	}
	if (!fetch_texts(l))
		return false;
	for (uint32_t i = 0; i < l->file_count; i++)
		l->files[i].path = join_path(d, &l->files[i], l->arena);
	for (size_t i = 0; i < l->n; i++) {
		if (!write_calls(l, &l->places[i]))
			return false;
	}
	return true;
}

int lines_resolve(struct elf *debug, struct symbol_file *file, struct symbol *syms, size_t n,
		  struct arena *arena)
{
	struct arena scratch = { .spares = file->spares };
	struct lines *l = arena_alloc(&scratch, sizeof(*l));
	bool no_memory = !l;

	if (l && n && n < UINT32_MAX / 8) {
		l->syms = syms;
		l->arena = arena;
		if (dwarf_open(&l->dwarf, debug, file, &scratch))
			no_memory = !resolve(l, n) || l->dwarf.no_memory;
		else
			no_memory = l->dwarf.no_memory;
	}
	arena_release(&scratch);
	return no_memory ? SYMBOL_NO_MEMORY : SYMBOL_OK;
}
