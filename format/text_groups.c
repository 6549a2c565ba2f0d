/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of groups in a section of a text dump (--group): see text_report.h.
 *
 *	  share cumulated       size  count  function
 *	 43.2 %    43.2 %  12.345 MB  12345  parse(char const*) at src/parse.cc:214
 */
#include "text_report.h"

#include "analysis/groups.h"
#include "base/sort.h"

#define NAME_LEAST	20u	/* so many columns are left to names, even where lines become too long */

/* The table that is being written. */
struct writing {
	struct text *text;
	const struct groups *groups;
	struct columns_names names;
	struct column first, second;
	uint64_t rest[SORT_KEYS];	/* sums over the groups that are left out */
	size_t columns;			/* for the last column; 0: any number */
};

static const char *one_of(enum group_by by)
{
	return by == GROUP_BACKTRACE ? "backtrace" : by == GROUP_FILE ? "file" : by == GROUP_MODULE ? "module" :
	       by == GROUP_THREAD ? "thread" : "function";
}

/* A bound of a group's own peak, whose rows' peaks have this sum: no group was ever larger than the whole heap. */
static uint64_t bound_of(const struct writing *w, uint64_t sum)
{
	uint64_t whole = w->text->model->totals.peak_size;

	return w->groups->key == SORT_PEAK_SIZE && sum > whole ? whole : sum;
}

/* The columns that a line begins with. part: of the groups up to this one. */
static void write_figures(const struct writing *w, const uint64_t *values, uint64_t part, bool exact)
{
	const struct groups *g = w->groups;
	struct out *out = w->text->out;

	if (g->key != SORT_AGE) {
		columns_share(values[g->key], g->totals[g->key], out);
		out_text(out, "   ");
		columns_share(part, g->totals[g->key], out);
		out_text(out, "  ");
	}
	column_write(&w->first, exact ? values[g->key] : bound_of(w, values[g->key]), !exact, out);
	out_text(out, "  ");
	column_write(&w->second, values[w->second.key], false, out);
	out_text(out, "  ");
}

static void write_name(struct writing *w, const struct group *group)
{
	const struct label *label = &w->groups->labels->list[group->label];
	enum group_by by = w->groups->by;
	struct out *out = w->text->out;

	if (group == w->groups->runtime || by == GROUP_THREAD) {
		columns_path(label->function, w->columns, out);
	} else if (by == GROUP_MODULE) {
		columns_path(label->module ? label->module : "?", w->columns, out);
	} else if (by == GROUP_FILE && label->function) {
		columns_path(label->function, w->columns, out);
	} else if (by == GROUP_FILE) {
		out_text(out, "? in ");
		columns_path(label->module ? label->module : "no module", w->columns > 5 ? w->columns - 5 : w->columns, out);
	} else {
		columns_place(&w->names, label->function, label->module, group->file, group->line, w->columns, out);
	}
	out_char(out, '\n');
}

static void write_head(struct writing *w)
{
	struct out *out = w->text->out;
	bool shares = w->groups->key != SORT_AGE;
	size_t used = (shares ? 2 * COLUMNS_SHARE + 5 : 0) + w->first.width + 2 + w->second.width + 2;

	w->columns = columns_of_table(out);
	if (w->columns)
		w->columns = w->columns > used + NAME_LEAST ? w->columns - used : NAME_LEAST;
	if (shares)
		out_text(out, "  share cumulated  ");
	column_write_head(&w->first, out);
	out_text(out, "  ");
	column_write_head(&w->second, out);
	out_text(out, "  ");
	out_text(out, one_of(w->groups->by));
	out_char(out, '\n');
}

/* Writes how many groups are left out, and the sums of their figures. part: of all groups up to there. */
static void write_more(const struct writing *w, uint32_t more, uint64_t part)
{
	const struct groups *g = w->groups;
	struct out *out = w->text->out;

	if (g->key == SORT_AGE)
		out_repeat(out, ' ', w->first.width + 2 + w->second.width + 2);
	else
		write_figures(w, w->rest, part, !w->first.bounds);
	out_text(out, "... ");
	out_u64(out, more);
	out_text(out, " more ");
	out_text(out, one_of(g->by));
	if (more > 1)
		out_char(out, 's');
	out_char(out, '\n');
}

static void write_table(struct writing *w, uint32_t top)
{
	const struct groups *g = w->groups;
	uint64_t so_far = 0;
	uint32_t more = g->ordered + g->filtered - top;
	bool bound = false;

	write_head(w);
	for (uint32_t n = 0; n < top; n++) {
		const struct group *group = &g->list[g->order[n].index];
		bool exact = groups_is_exact(group, g->key);

		so_far += group->values[g->key];
		write_figures(w, group->values, so_far, exact);
		write_name(w, group);
		bound |= !exact;
	}
	if (more)
		write_more(w, more, so_far + w->rest[g->key]);
	if (g->runtime) {
		write_figures(w, g->runtime->values, g->totals[g->key], true);
		write_name(w, g->runtime);
	}
	if (bound)
		out_text(w->text->out, COLUMNS_BOUND_MEANS);
}

/* Chooses the columns' units and widths by the largest figure in each. */
static void make_columns(struct writing *w, uint32_t top)
{
	const struct groups *g = w->groups;
	enum sort_key keys[2] = { g->key, columns_second_key(g->key) };
	uint64_t largest[2] = { 0 };

	for (unsigned key = 0; key < SORT_KEYS; key++)
		w->rest[key] = g->totals[key];
	for (uint32_t n = 0; n < top + (g->runtime != NULL); n++) {
		const struct group *group = n < top ? &g->list[g->order[n].index] : g->runtime;

		for (unsigned key = 0; key < SORT_KEYS; key++)
			w->rest[key] -= group->values[key];
		for (unsigned i = 0; i < 2; i++) {
			if (group->values[keys[i]] > largest[i])
				largest[i] = group->values[keys[i]];
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		if (top < g->ordered + g->filtered && keys[i] != SORT_AGE && w->rest[keys[i]] > largest[i])
			largest[i] = w->rest[keys[i]];
	}
	w->first = column_make(keys[0], largest[0], w->text->out->estimates);
	w->second = column_make(keys[1], largest[1], w->text->out->estimates);
}

void text_write_groups(struct text *t, const struct model_section *s, struct labels *labels)
{
	uint32_t top = t->model->options->top;
	struct groups g;
	struct writing w = { .text = t, .groups = &g, .names = { .arena = t->arena } };
	bool runtime_apart = false;

	for (unsigned i = 0; i < MODEL_KEPT_PARTS; i++)
		runtime_apart |= s->kept[i].count;
	if (!groups_make(&g, labels, t->model->options->group, s->key, runtime_apart)) {
		out_text(t->out, "[heaptrace] no memory to add up the backtraces\n\n");
		return;
	}
	if (!top || top > g.ordered)
		top = g.ordered;
	make_columns(&w, top);
	write_table(&w, top);
	out_char(t->out, '\n');
}
