/* SPDX-License-Identifier: GPL-2.0-only */
/* See not_seen.h. */
#include "not_seen.h"

#include "table/events.h"
#include "table/truncated.h"
#include "table/layout.h"
#include "table/modules.h"

#include <string.h>

/* Whether the table knows any code at which a stack ends for want of unwind information. Without such code the rows
 * need not be examined. */
static bool has_truncating_code(const struct table *t)
{
	for (uint32_t i = 0; i < TABLE_TRUNCATED; i++) {
		if (load_relaxed(&t->head->truncated[i]))
			return true;
	}
	for (uint32_t code = 1, end = layout_count(t->head, TABLE_CODES); code < end; code++) {
		if (t->codes[code] && t->codes[code] >> CODE_PC_BITS == CODE_NO_MODULE)
			return true;
	}
	return false;
}

/* Counts a row whose stack ends in a module, and lists the module. The table can have a module twice (modules.h), so
 * paths are compared. */
static void add_module(struct model_not_seen *n, const char *path)
{
	n->truncated_in_modules++;
	for (unsigned i = 0; i < n->truncated_module_count; i++) {
		if (!strcmp(path, n->truncated_modules[i]))
			return;
	}
	if (n->truncated_module_count < MODEL_TRUNCATED_MODULES)
		n->truncated_modules[n->truncated_module_count++] = path;
}

/* Counts the rows with live blocks whose stacks end for want of unwind information. A stack with as many frames as
 * --depth allows was cut on purpose, and does not count. */
static void count_truncated(struct model_not_seen *n, const struct table *t, const struct view *v, uint32_t *codes)
{
	uint32_t rows = has_truncating_code(t) ? view_end(v, 0) : 0;
	unsigned depth = t->head->depth;

	for (uint32_t i = 0; i < rows; i++) {
		unsigned count = v->rows[i].counters.live_count ? table_frames(t, v->rows[i].row, codes) : 0;
		const struct module *m = count ? modules_of_code(t, codes[count - 1]) : NULL;

		if (!count || count >= depth)
			continue;
		if (!m)
			n->truncated_no_file++;
		else if (truncated_holds(t, table_code_pc(t, codes[count - 1])))
			add_module(n, modules_path(t, m));
	}
}

/* When there were blocks that were not recorded. */
static void find_pauses(struct model_not_seen *n, const struct table *t)
{
	for (uint32_t i = events_count(t); i-- > 0; ) {
		switch (load_acquire(&t->head->events[i].kind)) {
		case EVENT_ATTACH:
			n->before_attach = true;
			break;
		case EVENT_ON:
		case EVENT_OFF:
		case EVENT_SAMPLE:
			n->in_pause = true;
			break;
		}
	}
}

void not_seen_find(struct model_not_seen *n, const struct table *t, const struct view *v, uint32_t *codes)
{
	const struct table_totals *totals = &t->head->totals;

	*n = (struct model_not_seen){
		.lost_blocks = load_relaxed(&totals->lost_blocks),
		.overflow_calls = row_total_count(t, ROW_OVERFLOW),
		.no_space = t->head->no_space,
		.stacks_cut = load_relaxed(&totals->stacks_cut),
		.stacks_broken = load_relaxed(&totals->stacks_broken),
		.slow_stacks = load_relaxed(&totals->fallbacks),
		.unknown_frees = load_relaxed(&totals->unknown_frees),
		.untracked_frees = load_relaxed(&totals->untracked_frees),
		.known_frees = load_relaxed(&totals->stale_blocks),
		.untraced = load_relaxed(&totals->untraced),
		.own_new = totals->own_new,
		.own_allocators = t->head->own_allocators ? t->text + t->head->own_allocators : NULL,
		.other_malloc = totals->other_malloc,
		.valgrind = totals->redirected,
		.namespaces = totals->namespaces,
		.deep_bound = totals->deep_bound,
		.stacks_checked = load_relaxed(&totals->stacks_checked),
		.stacks_disagreed = load_relaxed(&totals->stacks_disagreed),
	};
	_Static_assert(sizeof(n->deep_name) > sizeof(totals->deep_name), "the copied name ends in a NUL");
	memcpy(n->deep_name, totals->deep_name, sizeof(totals->deep_name));
	find_pauses(n, t);
	count_truncated(n, t, v, codes);
}
