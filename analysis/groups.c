/* SPDX-License-Identifier: GPL-2.0-only */
/* See groups.h. */
#include "groups.h"

#include "base/sort.h"
#include "runtime.h"

#include <string.h>

/* Finds what the group of a row has in common. *user: the call that uses the row's memory. False: there is no memory. */
static bool find_label(struct labels *l, enum group_by by, const struct labels_row *r, const struct labels_call *user,
		       const char *file, uint32_t *label)
{
	const struct label *have = &l->list[user->label];

	*label = user->label;
	if (by == GROUP_THREAD)
		return labels_of_threads(l, r->row.threads, label);
	if (by == GROUP_MODULE && have->module)
		return labels_find(l, NULL, have->module, label);
	if (by == GROUP_FILE && file)
		return labels_find(l, file, "", label);
	if (by == GROUP_FILE && have->module)
		return labels_find(l, NULL, have->module, label);
	return true;
}

bool groups_label(struct labels *l, enum group_by by, const struct labels_row *r, uint32_t *label)
{
	const struct labels_call *user = &r->calls[labels_user(l, r)];
	const char *file = NULL;

	if (r->stack.count && !r->row.overflow) {
		struct frame f = model_frame(&r->stack, user->frame);

		file = frame_call(&f, user->call).file;
	}
	return find_label(l, by, r, user, file, label);
}

static void take(uint64_t *most, uint64_t value)
{
	if (value > *most)
		*most = value;
}

static void add_values(struct group *to, uint64_t *totals, const uint64_t *values)
{
	model_add_values(to->values, values);
	model_add_values(totals, values);
	to->rows++;
	/* These are bounds of the group's peak each: one row's own, and the sums at two moments. */
	take(&to->peak_size_least, values[SORT_PEAK_SIZE]);
	take(&to->peak_size_least, to->values[SORT_SIZE]);
	take(&to->peak_size_least, to->values[SORT_HEAP_PEAK]);
	take(&to->peak_count_least, values[SORT_PEAK_COUNT]);
	take(&to->peak_count_least, to->values[SORT_COUNT]);
}

/* Adds a row to its group, which begins with it if need be. False: there is no memory. */
static bool add_row(struct groups *g, const struct labels_row *r)
{
	const struct labels_call *user = &r->calls[labels_user(g->labels, r)];
	const uint64_t *values = r->row.values;
	struct frame_call c = { .function = NULL };
	struct group *to;
	uint32_t label;
	bool is_runtime = g->runtime_label && values[SORT_COUNT] && runtime_keeps(g->labels->model, &r->row);

	if (r->stack.count && !r->row.overflow) {
		struct frame f = model_frame(&r->stack, user->frame);

		c = frame_call(&f, user->call);
	}
	if (is_runtime)
		label = g->runtime_label;
	else if (!find_label(g->labels, g->by, r, user, c.file, &label))
		return false;
	if ((g->by == GROUP_BACKTRACE && !is_runtime) || !g->labels->list[label].mark) {
		to = &g->list[g->count++];
		to->label = label;
		g->labels->list[label].mark = g->count;
	} else {
		to = &g->list[g->labels->list[label].mark - 1];
	}
	add_values(to, g->totals, values);
	if (to->rows == 1 || values[g->key] > to->most) {
		to->most = values[g->key];
		to->row = r->row.id;
		to->function = c.function;
		to->file = c.file;
		to->line = c.line;
	}
	return true;
}

/* Whether the group is listed as far as its size, count and age are concerned. */
static bool is_large(const struct groups *g, const struct group *group)
{
	return model_is_large(g->labels->model->options, group->values[model_size_key(g->key)],
			      group->values[model_count_key(g->key)], group->values[SORT_AGE]);
}

static bool sort_groups(struct groups *g)
{
	struct sort_entry *order = arena_alloc(g->labels->arena, g->count * sizeof(*order));

	if (!order)
		return false;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct group *group = &g->list[i];

		/* As rows, groups are listed by their live blocks where the key is about these. */
		if (group == g->runtime || !group->values[model_key_is_live(g->key) ? SORT_COUNT : g->key])
			continue;
		if (is_large(g, group))
			order[g->ordered++] = (struct sort_entry){ group->values[g->key], i };
		else
			g->filtered++;
	}
	sort_largest(order, g->ordered, g->ordered);
	g->order = order;
	return true;
}

bool groups_make(struct groups *g, struct labels *l, enum group_by by, enum sort_key key, bool runtime_apart)
{
	const struct model *m = l->model;
	struct labels_row *row = arena_alloc(l->arena, sizeof(*row));

	*g = (struct groups){
		.labels = l, .by = by, .key = key,
		.list = arena_alloc(l->arena, m->all.count * sizeof(*g->list)),
	};
	if (!row || !g->list ||
	    (runtime_apart && !labels_find(l, "(kept by the runtime for good)", "", &g->runtime_label)))
		return false;
	for (uint32_t i = 0; i < l->count; i++)
		l->list[i].mark = 0;
	for (uint32_t n = 0; n < m->all.count; n++) {
		if (!labels_read(l, n, row) || !add_row(g, row))
			return false;
	}
	if (g->runtime_label && l->list[g->runtime_label].mark)
		g->runtime = &g->list[l->list[g->runtime_label].mark - 1];
	return sort_groups(g);
}

bool groups_is_exact(const struct group *group, enum sort_key key)
{
	if (key == SORT_PEAK_SIZE)
		return group->peak_size_least == group->values[key];
	if (key == SORT_PEAK_COUNT)
		return group->peak_count_least == group->values[key];
	return true;
}
