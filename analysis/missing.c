/* SPDX-License-Identifier: GPL-2.0-only */
/* See missing.h. */
#include "missing.h"

#include "base/path.h"
#include "base/reason.h"

#include <string.h>

#define NAMES_HEAD	"[heaptrace] names missing                : "
#define LINES_HEAD	"[heaptrace] lines missing                : "
#define NAMED_MODULES	3u	/* the others are only counted */

struct unread {
	uint32_t bit;
	const char *text;
};

/* What keeps functions from having names, and lines from being known. */
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

static const char *unread_text(uint32_t unread, const struct unread *reasons)
{
	while (reasons->text && !(unread & reasons->bit))
		reasons++;
	return reasons->text;
}

/* Bits of names_file.lacks. */
enum lack { LACKS_NAME = 1, LACKS_LINE = 2, LACKS_INLINED_NAME = 4 };

static bool lacks_inlined_name(const struct name *name)
{
	for (uint32_t i = 0; i + 1 < name->call_count; i++) {
		if (!name->calls[i].function)
			return true;
	}
	return false;
}

/* Of split DWARF the line table is in the file itself, but nobody knows what is inlined where. dwz
 * moves neither line tables nor what is inlined where: only names can lack then. */
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
	if (!name || !name->file)
		return;
	if (!name->function)
		name->file->lacks |= LACKS_NAME;
	if (!n->options->no_lines)
		name->file->lacks |= lacks_line(name);
}

/* What the frames of this section's rows lack, and no others: each section has a line of its own. */
static void find_lacks(struct report *r, const struct report_section *s)
{
	const uint32_t *codes = r->names.codes;

	for (struct names_file *f = r->names.files; f; f = f->next)
		f->lacks = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t row = r->view.rows[s->rows[i].index].row;
		unsigned count = table_frames(r->request->table, row, r->names.codes);

		for (unsigned frame = 0; frame < count; frame++)
			find_lacks_of(&r->names, names_find(&r->names, codes, frame));
	}
}

/* What came of reading a file, in words; it may have been looked for where it cannot be. */
static const char *error_text(const struct names *n, const struct names_file *f)
{
	bool below = n->foreign && n->options->sysroot && modules_path(n->table, f->module)[0] == '/';

	if (below && f->error == SYMBOL_GONE)
		return "it is not below --sysroot";
	if (below && f->error == SYMBOL_REPLACED)
		return "below --sysroot is another version of it";
	return symbol_error_text(f->error);
}

/* Why; NULL: nothing is lacked, or there is no reason to speak of. A module is told of once, and of
 * one that is merely stripped no more than that. */
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

/* A module may stand in the list twice (modules.h), and its file have been read twice. */
static bool told_before(const struct names *n, const struct names_file *f, enum lack lack)
{
	const char *path = modules_path(n->table, f->module);

	for (const struct names_file *g = n->files; g != f; g = g->next) {
		if (reason(n, g, lack) && !strcmp(modules_path(n->table, g->module), path))
			return true;
	}
	return false;
}

/* ", " or, before the first part of a list, its head. */
static void begin_part(struct out *out, const char *head, unsigned *parts)
{
	out_text(out, (*parts)++ ? ", " : head);
}

static bool has_path(const struct names *n, const struct names_file *f)
{
	return modules_path(n->table, f->module)[0];
}

/* Why a file cannot be read: ": permission denied". */
static void write_why(int error, struct out *out)
{
	const char *text = reason_text(error);

	if (!error)
		return;
	out_text(out, ": ");
	out_text(out, text ? text : "error ");
	if (!text)
		out_u64(out, (uint64_t)error);
}

/* "libfoo.so.1 (no symbols), bar (not an ELF file), and 2 more" */
static void write_files(const struct names *n, enum lack lack, const char *head, unsigned *parts,
			struct out *out)
{
	unsigned count = 0;

	for (const struct names_file *f = n->files; f; f = f->next) {
		const char *why = reason(n, f, lack);

		if (!why || !has_path(n, f) || told_before(n, f, lack) || count++ >= NAMED_MODULES)
			continue;
		begin_part(out, head, parts);
		out_name(out, path_name(modules_path(n->table, f->module)));
		out_text(out, " (");
		out_text(out, why);
		if (f->error == SYMBOL_NO_FILE && why == symbol_error_text(f->error))
			write_why(f->why, out);
		out_char(out, ')');
	}
	if (count > NAMED_MODULES) {
		out_text(out, ", and ");
		out_u64(out, count - NAMED_MODULES);
		out_text(out, " more");
	}
}

/* Modules that cannot be told by their names. */
static void write_unknown(const struct names *n, const char *head, unsigned *parts, struct out *out)
{
	unsigned count = 0;

	for (const struct names_file *f = n->files; f; f = f->next)
		count += !has_path(n, f) && f->lacks & LACKS_NAME;
	if (count) {
		begin_part(out, head, parts);
		out_u64(out, count);
		out_text(out, count == 1 ? " module (its path is not known)" :
			 " modules (their paths are not known)");
	}
	if (load_relaxed(&n->table->head->modules_full)) {
		begin_part(out, head, parts);
		out_text(out, "what was loaded last (more modules than there is room for)");
	}
}

void missing_write(struct report *r, const struct report_section *s, struct out *out)
{
	const struct names *n = &r->names;
	unsigned names = 0, lines = 0;

	find_lacks(r, s);
	write_unknown(n, NAMES_HEAD, &names, out);
	write_files(n, LACKS_NAME, NAMES_HEAD, &names, out);
	write_files(n, LACKS_LINE, names ? "; lines missing: " : LINES_HEAD, &lines, out);
	if (names || lines)
		out_char(out, '\n');
}
