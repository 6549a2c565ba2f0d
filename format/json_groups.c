/* SPDX-License-Identifier: GPL-2.0-only */
/* See json_groups.h. */
#include "json_groups.h"

#include "analysis/groups.h"
#include "base/sort.h"
#include "json_text.h"

/* Writes ,"NAME": of a member that is not the first of its object. */
static void add_name(struct out *out, const char *name)
{
	out_text(out, ",\"");
	out_text(out, name);
	out_text(out, "\":");
}

static void add_text(struct out *out, const char *name, const char *text)
{
	add_name(out, name);
	json_text_write(text, out);
}

static void add_number(struct out *out, const char *name, uint64_t value)
{
	add_name(out, name);
	out_u64(out, value);
}

static void add_exact(struct out *out, const char *name, const struct group *group, enum sort_key key)
{
	add_name(out, name);
	out_text(out, groups_is_exact(group, key) ? "true" : "false");
}

static void write_group(const struct groups *g, const struct group *group, struct out *out)
{
	const struct label *label = &g->labels->list[group->label];
	bool place = g->by == GROUP_FUNCTION || g->by == GROUP_BACKTRACE;

	out_text(out, "{\"rows\":");
	out_u64(out, group->rows);
	for (unsigned key = 0; key < SORT_KEYS; key++)
		add_number(out, options_sort_name((enum sort_key)key), group->values[key]);
	add_exact(out, "peak-size-exact", group, SORT_PEAK_SIZE);
	add_exact(out, "peak-count-exact", group, SORT_PEAK_COUNT);
	add_text(out, "function", place ? label->function : NULL);
	/* A label of a file or of threads has these as its function (struct group). */
	add_text(out, "module", (g->by == GROUP_FILE && label->function) || g->by == GROUP_THREAD ? NULL : label->module);
	add_text(out, "file", place ? group->file : g->by == GROUP_FILE ? label->function : NULL);
	if (place && group->line)
		add_number(out, "line", group->line);
	else
		add_text(out, "line", NULL);
	add_text(out, "threads", g->by == GROUP_THREAD ? label->function : NULL);
	add_number(out, "largest-row", group->row);
	out_char(out, '}');
}

/* The largest groups come first, by the first sort key; those that a table would not list come last. */
static void write_groups(const struct groups *g, struct out *out)
{
	const char *before = "\n";

	out_text(out, "\"groups\":{\"by\":");
	json_text_write(options_group_names[g->by], out);
	out_text(out, ",\"list\":[");
	for (uint32_t n = 0; n < g->ordered; n++) {
		out_text(out, before);
		write_group(g, &g->list[g->order[n].index], out);
		before = ",\n";
	}
	for (uint32_t i = 0; i < g->count; i++) {
		if (g->list[i].values[model_key_is_live(g->key) ? SORT_COUNT : g->key])
			continue;
		out_text(out, before);
		write_group(g, &g->list[i], out);
		before = ",\n";
	}
	out_text(out, "]},\n");
}

void json_groups_write(const struct model *m, struct arena *arena, struct out *out)
{
	struct labels labels;
	struct groups g;

	if (m->options->group && labels_init(&labels, m, arena) &&
	    groups_make(&g, &labels, m->options->group, m->sections[0].key, false))
		write_groups(&g, out);
	else
		out_text(out, "\"groups\":null,\n");
}
