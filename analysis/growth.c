/* SPDX-License-Identifier: GPL-2.0-only */
/* See growth.h. */
#include "growth.h"

#include "base/sort.h"
#include "groups.h"
#include "history.h"

#define CHURN_LEAST	16u	/* blocks that have gone, at least, of what comes and goes... */
#define CHURN_TIMES	2u	/* ...and so many times as many as there ever were at a time */

/* When the dump before this one was taken, in nanoseconds since the start; 0: there was none. now: the moment of this
 * one. */
static uint64_t moment_of_dump(const struct history *h, uint64_t now)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; h && i < h->dump_count; i++) {
		if (h->dumps_ns[i] + HISTORY_SAME_MOMENT_NS < now)
			ns = h->dumps_ns[i];
	}
	return ns;
}

/* Fills in the moments. Returns the index of the first snapshot among them. */
static unsigned find_moments(struct growth *g, const struct model *m, uint32_t since_ms)
{
	const struct history *h = m->history;
	uint64_t now = model_moment_ns(&m->moment);
	uint64_t since_ns = since_ms == OPTIONS_SINCE_DUMP ? now - moment_of_dump(h, now) : (uint64_t)since_ms * 1000000;
	unsigned first = 0;

	if (since_ms != OPTIONS_ALL_THE_TIME) {
		while (h && first + 1 < h->snapshot_count && h->snapshots[first + 1].ns + since_ns <= now)
			first++;
	}
	for (unsigned i = first; h && i < h->snapshot_count && h->snapshots[i].ns < now; i++) {
		const struct history_snapshot *s = &h->snapshots[i];

		g->ns[g->moments] = s->ns;
		g->calls[g->moments] = s->total_count;
		g->totals[g->moments++] = g->key == SORT_SIZE ? s->live_size : s->live_count;
	}
	g->ns[g->moments] = now;
	g->calls[g->moments] = m->totals.total_count;
	/* Snapshots have the calls of all rows, a model only those of the rows that no rule leaves out. */
	if (g->moments && g->calls[g->moments] < g->calls[g->moments - 1])
		g->calls[g->moments] = g->calls[g->moments - 1];
	g->totals[g->moments++] = g->key == SORT_SIZE ? m->totals.size : m->totals.count;
	return first;
}

/* Fills in the figures of a row. A figure that is not known, because the snapshot has only larger rows, is taken to be
 * the one before. Returns whether there is any. */
static bool read_figures(const struct growth *g, const struct model *m, unsigned first, struct growth_entry *e)
{
	bool any = false;

	for (unsigned i = 0; i < g->moments; i++) {
		uint64_t size = e->row.values[SORT_SIZE], count = e->row.values[SORT_COUNT];
		uint32_t blocks = 0;

		if (i + 1 < g->moments) {
			bool known = history_find(&m->history->snapshots[first + i], e->row.id, &size, &blocks);

			count = blocks;
			if (!known && i) {
				size = g->key == SORT_SIZE ? e->figures[i - 1] : e->others[i - 1];
				count = g->key == SORT_SIZE ? e->others[i - 1] : e->figures[i - 1];
			}
		}
		e->figures[i] = g->key == SORT_SIZE ? size : count;
		e->others[i] = g->key == SORT_SIZE ? count : size;
		any |= count;
	}
	return any;
}

/* The mean size of the row's blocks, where the figures are bytes. */
static uint64_t unit_of(const struct growth *g, const struct growth_entry *e)
{
	uint64_t size = 0, count = 0;

	for (unsigned i = 0; i < g->moments && g->key == SORT_SIZE; i++) {
		size += e->figures[i];
		count += e->others[i];
	}
	return size > count && count ? size / count : 1;
}

/* How many of the moments of a series are judged. */
static unsigned before_end(const struct model *m, const struct trend_series *s)
{
	return m->moment.ended ? trend_before_end(s) : s->count;
}

static void judge(const struct growth *g, const struct model *m, struct growth_entry *e)
{
	const uint64_t *values = e->row.values;
	uint64_t gone = values[SORT_TOTAL_COUNT] - values[SORT_COUNT];
	struct trend_series s = {
		.count = g->moments, .ns = g->ns, .calls = g->calls, .figures = e->figures, .unit = unit_of(g, e),
		.churns = gone >= CHURN_LEAST && gone / CHURN_TIMES >= values[SORT_PEAK_COUNT],
	};

	e->moments = s.count = before_end(m, &s);
	trend_judge(&s, &e->trend);
}

/* What entries of a kind are ordered by. */
static uint64_t rank_of(const struct growth_entry *e)
{
	const struct trend *t = &e->trend;

	if (t->kind == TREND_LEAKING)
		return t->rate > 0 ? (uint64_t)(t->rate * 1000) : 0;
	if (t->kind == TREND_STEADY || t->kind == TREND_UNCHANGED)
		return t->is + e->row.values[SORT_TOTAL_SIZE] / 1000;
	return t->is > t->was ? t->is - t->was : t->was - t->is;
}

/* Puts the entries in their order. */
static bool order(struct growth *g, struct arena *arena)
{
	struct sort_entry *ranks = arena_alloc(arena, (g->count + 1) * sizeof(*ranks));
	struct growth_entry *list = arena_alloc(arena, (g->count + 1) * sizeof(*list));
	uint32_t done = 0;

	if (!ranks || !list)
		return false;
	for (unsigned kind = 0; kind < TREND_KINDS; kind++) {
		uint32_t of_kind = 0;

		for (uint32_t i = 0; i < g->count; i++) {
			if (g->list[i].trend.kind == kind)
				ranks[of_kind++] = (struct sort_entry){ rank_of(&g->list[i]), i };
		}
		sort_largest(ranks, of_kind, of_kind);
		for (uint32_t i = 0; i < of_kind; i++)
			list[done++] = g->list[ranks[i].index];
	}
	g->list = list;
	return true;
}

static void count_kind(struct growth *g, const struct growth_entry *e)
{
	struct growth_kind *kind = &g->kinds[e->trend.kind];

	kind->rows++;
	kind->was += e->trend.was;
	kind->is += e->trend.is;
	kind->rate += e->trend.rate;
}

/* Adds an entry, which is the next of the list, to the one of its group, which it becomes if there is none. */
static bool add_to_group(struct growth *g, uint32_t n, struct labels_row *r)
{
	struct growth_entry *e = &g->list[g->count], *to;
	uint32_t *mark;

	if (!labels_read(&g->labels, n, r) || !groups_label(&g->labels, g->by, r, &e->label))
		return false;
	mark = &g->labels.list[e->label].mark;
	if (!*mark) {
		*mark = ++g->count;
		return true;
	}
	to = &g->list[*mark - 1];
	model_add_values(to->row.values, e->row.values);
	for (unsigned i = 0; i < g->moments; i++) {
		to->figures[i] += e->figures[i];
		to->others[i] += e->others[i];
	}
	return true;
}

/* Makes an entry of each row that has ever had a block at one of the moments, or of each group. */
static bool list_rows(struct growth *g, const struct model *m, unsigned first, struct arena *arena)
{
	struct labels_row *r = g->by ? arena_alloc(arena, sizeof(*r)) : NULL;

	g->list = arena_alloc(arena, (m->all.count + 1) * sizeof(*g->list));
	if (!g->list || (g->by && (!r || !labels_init(&g->labels, m, arena))))
		return false;
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct growth_entry *e = &g->list[g->count];

		*e = (struct growth_entry){ .row = model_row(m, &m->all, n) };
		e->figures = arena_alloc(arena, 2 * g->moments * sizeof(*e->figures));
		if (!e->figures)
			return false;
		e->others = e->figures + g->moments;
		if (!read_figures(g, m, first, e) && e->row.values[SORT_TOTAL_COUNT] < CHURN_LEAST)
			continue;
		if (!g->by)
			g->count++;
		else if (!add_to_group(g, n, r))
			return false;
	}
	return true;
}

bool growth_make(struct growth *g, const struct model *m, enum sort_key key, uint32_t since_ms, enum group_by by,
		 struct arena *arena)
{
	uint32_t kept = 0;
	unsigned first;

	*g = (struct growth){ .key = key, .by = by == GROUP_BACKTRACE ? GROUP_NONE : by };
	first = find_moments(g, m, since_ms);
	if (g->moments < 2)
		return true;
	g->before_end = before_end(m, &(struct trend_series){ .count = g->moments, .ns = g->ns, .figures = g->totals });
	if (!list_rows(g, m, first, arena))
		return false;
	for (uint32_t i = 0; i < g->count; i++) {
		struct growth_entry *e = &g->list[i];

		judge(g, m, e);
		if (e->trend.kind == TREND_UNCHANGED && !e->trend.is)
			continue;
		count_kind(g, e);
		g->list[kept++] = *e;
	}
	g->count = kept;
	return order(g, arena);
}
