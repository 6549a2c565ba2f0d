/* SPDX-License-Identifier: GPL-2.0-only */
/* See older.h. */
#include "older.h"

#include "analysis/rules.h"
#include "analysis/selection.h"

#include <string.h>

/* The rules of --ignore: a copy of their own, because rules count what they match in the newer run. NULL: they cannot
 * be read. */
static const struct rules *rules_of(const struct options *o)
{
	static struct rules rules;
	static bool read;

	if (!read && o->ignore && rules_read(&rules, o->ignore))
		return NULL;
	read = true;
	return &rules;
}

const char *older_open(struct older *r, const struct options *o, const char *path)
{
	const struct rules *rules = rules_of(o);
	const char *why = rules ? record_file_open(&r->record, path) : "the file of --ignore cannot be read";
	struct record_file *file = &r->record;
	struct model_request q;
	struct model *m;

	if (why)
		return why;
	memset(&r->arena, 0, sizeof(r->arena));
	q = (struct model_request){
		.table = &file->table, .history = &file->history, .options = o, .rules = rules,
		.select = o->focus_count || o->hide_count ? selection_apply : NULL,
		.sort_count = 1, .rows = MODEL_ROWS_OF_KEY, .reason = REASON_ASKED, .figures = true, .all_rows = true,
		.all_names = true,
		.foreign = true, .runs_as = file->runs_as, .seen = file->seen,
		.store = o->sysroot ? NULL : file->names, .now_ns = file->moment_ns,
		.process = { .pid = file->table.head->pid, .command = file->table.head->command },
	};
	memcpy(q.sort, o->sort, sizeof(q.sort));
	if (model_make(&m, &q, &r->arena) == MODEL_DONE) {
		r->model = m;
		return NULL;
	}
	older_close(r);
	return "there is no memory for it";
}

void older_close(struct older *r)
{
	arena_release(&r->arena);
	record_file_close(&r->record);
}
