/* SPDX-License-Identifier: GPL-2.0-only */
/* See groups.h. */
#include "groups.h"

#include "base/sort.h"
#include "runtime.h"

#include <string.h>

/* The row that is being added. */
struct added {
	struct model_row row;
	struct model_stack stack;
	struct labels_call calls[LABELS_CALLS_MAX];
};

/* Finds what the group of a row has in common. *user: the call that uses the row's memory. False: there is no memory. */
static bool find_label(struct labels *l, enum group_by by, const struct added *a, const struct labels_call *user,
		       const char *file, uint32_t *label)
{
	const struct label *have = &l->list[user->label];

	*label = user->label;
	if (by == GROUP_THREAD)
		return labels_of_threads(l, a->row.threads, label);
	if (by == GROUP_MODULE && have->module)
		return labels_find(l, NULL, have->module, label);
	if (by == GROUP_FILE && file)
		return labels_find(l, file, "", label);
	if (by == GROUP_FILE && have->module)
		return labels_find(l, NULL, have->module, label);
	return true;
}

static void take(uint64_t *most, uint64_t value)
{
	if (value > *most)
		*most = value;
}

static void add_values(struct group *to, uint64_t *totals, const uint64_t *values)
{
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		if (key == SORT_AGE) {
			take(&to->values[key], values[key]);
			take(&totals[key], values[key]);
		} else {
			to->values[key] += values[key];
			totals[key] += values[key];
		}
	}
	to->rows++;
	/* These are bounds of the group's peak each: one row's own, and the sums at two moments. */
	take(&to->peak_size_least, values[SORT_PEAK_SIZE]);
	take(&to->peak_size_least, to->values[SORT_SIZE]);
	take(&to->peak_size_least, to->values[SORT_HEAP_PEAK]);
	take(&to->peak_count_least, values[SORT_PEAK_COUNT]);
	take(&to->peak_count_least, to->values[SORT_COUNT]);
}

/* Adds a row to its group, which begins with it if need be. False: there is no memory. */
static bool add_row(struct groups *g, struct added *a)
{
	unsigned count = labels_read(g->labels, &a->row, &a->stack, a->calls);
	struct labels_call *user = count ? &a->calls[labels_user(g->labels, a->calls, count)] : NULL;
	struct frame_call c = { .function = NULL };
	struct group *to;
	uint32_t label;
	bool is_runtime = g->runtime_label && a->row.values[SORT_COUNT] && runtime_keeps(g->labels->model, &a->row);

	if (!user)
		return false;
	if (a->stack.count && !a->row.overflow) {
		struct frame f = model_frame(&a->stack, user->frame);

		c = frame_call(&f, user->call);
	}
	if (is_runtime)
		label = g->runtime_label;
	else if (!find_label(g->labels, g->by, a, user, c.file, &label))
		return false;
	if ((g->by == GROUP_BACKTRACE && !is_runtime) || !g->labels->list[label].mark) {
		to = &g->list[g->count++];
		to->label = label;
		g->labels->list[label].mark = g->count;
	} else {
		to = &g->list[g->labels->list[label].mark - 1];
	}
	add_values(to, g->totals, a->row.values);
	if (to->rows == 1 || a->row.values[g->key] > to->most) {
		to->most = a->row.values[g->key];
		to->row = a->row.id;
		to->function = c.function;
		to->file = c.file;
		to->line = c.line;
	}
	return true;
}

/* Whether the options --min-size, --min-count and --older-than let the group into the order. */
static bool is_large_enough(const struct groups *g, const struct group *group)
{
	const struct options *o = g->labels->model->options;

	return group->values[model_size_key(g->key)] >= o->min_size &&
	       group->values[model_count_key(g->key)] >= o->min_count &&
	       group->values[SORT_AGE] >= o->older_than_ms * UINT64_C(1000000);
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
		if (is_large_enough(g, group))
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
	struct added *a = arena_alloc(l->arena, sizeof(*a));

	*g = (struct groups){
		.labels = l, .by = by, .key = key,
		.list = arena_alloc(l->arena, m->all.count * sizeof(*g->list)),
	};
	if (!a || !g->list ||
	    (runtime_apart && !labels_find(l, "(kept by the runtime for good)", "", &g->runtime_label)))
		return false;
	for (uint32_t i = 0; i < l->count; i++)
		l->list[i].mark = 0;
	for (uint32_t n = 0; n < m->all.count; n++) {
		a->row = model_row(m, &m->all, n);
		if (!add_row(g, a))
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
