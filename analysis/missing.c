/* SPDX-License-Identifier: GPL-2.0-only */
/* See missing.h. */
#include "missing.h"

#include "base/sort.h"

#include <string.h>

/* A reason why a part of a file was not read. */
struct unread {
	uint32_t bit;			/* SYMBOL_UNREAD_* */
	const char *text;
};

/* The reasons for which functions have no names, and for which lines are not known. */
static const struct unread name_reasons[] = {
	{ SYMBOL_UNREAD_MISMATCH, "its debug file is another version's" },
	{ SYMBOL_UNREAD_MINIDEBUG, ".gnu_debugdata is not read" },
	{ 0, NULL },
};
static const struct unread line_reasons[] = {
	{ SYMBOL_UNREAD_MISMATCH, "its debug file is another version's" },
	{ SYMBOL_UNREAD_SPLIT, "inlined calls, which are in split DWARF" },
	{ SYMBOL_UNREAD_ZSTD, "compressed with zstd" },
	{ 0, NULL },
};

/* The text of the first of these reasons that applies; NULL: none does. */
static const char *unread_text(uint32_t unread, const struct unread *reasons)
{
	while (reasons->text && !(unread & reasons->bit))
		reasons++;
	return reasons->text;
}

/* Bits of names_file.lacks. With LACKS_INLINED_NAME only the names of inlined calls are missing. */
enum lack { LACKS_NAME = 1, LACKS_LINE = 2, LACKS_INLINED_NAME = 4 };

static bool lacks_inlined_name(const struct name *name)
{
	for (uint32_t i = 0; i + 1 < name->call_count; i++) {
		if (!name->calls[i].function)
			return true;
	}
	return false;
}

/* With split DWARF the line table is in the file itself, but which calls are inlined is not. dwz moves neither
 * line tables nor inlined calls to another file, so only names can be missing then. */
static unsigned lacks_line(const struct name *name)
{
	if (name->file->unread & SYMBOL_UNREAD_SPLIT && !name->entry)
		return LACKS_LINE;
	if (lacks_inlined_name(name))
		return name->file->unread & SYMBOL_UNREAD_ALTERNATE ? LACKS_INLINED_NAME :
								      LACKS_LINE;
	return !name->call_count && !name->entry ? LACKS_LINE : 0;
}

static void find_lacks_of(const struct names *n, const struct name *name)
{
	if (!name || !name->file || name->hidden)
		return;
	if (!name->function)
		name->file->lacks |= LACKS_NAME;
	if (!n->options->no_lines)
		name->file->lacks |= lacks_line(name);
}

/* Finds out for each file which names and lines the frames of the rows of one section lack. */
static void find_lacks(const struct model_section *s, const struct view *v, struct names *n)
{
	for (struct names_file *f = n->files; f; f = f->next)
		f->lacks = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		unsigned count = table_frames(n->table, v->rows[s->rows[i].index].row, n->codes);

		for (unsigned frame = 0; frame < count; frame++)
			find_lacks_of(n, names_find(n, n->codes, frame));
	}
}

/* Why no names could be read from the file. A file that was looked for below --sysroot has reasons of its own. */
static const char *error_text(const struct names *n, const struct names_file *f)
{
	bool below = n->foreign && n->options->sysroot && modules_path(n->table, f->module)[0] == '/';

	if (below && f->error == SYMBOL_GONE)
		return "it is not below --sysroot";
	if (below && f->error == SYMBOL_REPLACED)
		return "below --sysroot is another version of it";
	return symbol_error_text(f->error);
}

/* Why the file's frames lack names (LACKS_NAME) or lines (LACKS_LINE). NULL: they lack none, or there is no reason
 * that a user could do something about. For a module that is merely stripped there is only a reason for names. */
static const char *reason(const struct names *n, const struct names_file *f, enum lack lack)
{
	const char *why = NULL, *line = NULL;

	if (f->lacks & LACKS_NAME)
		why = f->error != SYMBOL_OK ? error_text(n, f)
					    : unread_text(f->unread, name_reasons);
	if (f->lacks & LACKS_LINE && !why)
		line = unread_text(f->unread, line_reasons);
	if (f->lacks & LACKS_NAME && !why && !line)
		why = "no symbols there";
	if (f->lacks & LACKS_INLINED_NAME && !why)
		why = "those of inlined calls, which are in a debug file of dwz";
	return lack == LACKS_NAME ? why : line;
}

/* Whether the list has the file already. The table can have a module twice (modules.h), so its file can have been
 * read twice. */
static bool listed_before(const struct names *n, const struct names_file *f, enum lack lack)
{
	const char *path = modules_path(n->table, f->module);

	for (const struct names_file *g = n->files; g != f; g = g->next) {
		if (reason(n, g, lack) && !strcmp(modules_path(n->table, g->module), path))
			return true;
	}
	return false;
}

static bool has_path(const struct names *n, const struct names_file *f)
{
	return modules_path(n->table, f->module)[0];
}

/* Makes a list, in the arena, of the modules whose frames lack names or lines. Returns how many there are. */
static unsigned list_modules(const struct names *n, enum lack lack, const struct model_lack **list)
{
	struct model_lack *modules;
	unsigned room = 0, count = 0;

	for (const struct names_file *f = n->files; f; f = f->next)
		room += reason(n, f, lack) != NULL;
	modules = room ? arena_alloc(n->arena, room * sizeof(*modules)) : NULL;
	for (const struct names_file *f = n->files; modules && f; f = f->next) {
		const char *why = reason(n, f, lack);
		bool unread = why && f->error == SYMBOL_NO_FILE && why == symbol_error_text(f->error);

		if (!why || !has_path(n, f) || listed_before(n, f, lack))
			continue;
		modules[count++] = (struct model_lack){
			.module = modules_path(n->table, f->module), .why = why, .error = unread ? f->why : 0,
		};
	}
	*list = modules;
	return count;
}

void missing_find(struct model_section *s, const struct view *v, struct names *n)
{
	struct model_lacks *l = &s->lacks;

	find_lacks(s, v, n);
	l->name_count = list_modules(n, LACKS_NAME, &l->names);
	l->line_count = list_modules(n, LACKS_LINE, &l->lines);
	for (const struct names_file *f = n->files; f; f = f->next)
		l->unknown_modules += !has_path(n, f) && f->lacks & LACKS_NAME;
	l->modules_full = load_relaxed(&n->table->head->modules_full);
}
