/* SPDX-License-Identifier: GPL-2.0-only */
/* The groups of --group in a JSON report: see json.h. */
#include "json.h"

#include "analysis/groups.h"
#include "base/sort.h"
#include "json_text.h"

static void write_group(const struct groups *g, const struct group *group, struct out *out)
{
	const struct label *label = &g->labels->list[group->label];
	bool place = g->by == GROUP_FUNCTION || g->by == GROUP_BACKTRACE;

	json_begin(out, NULL, '{');
	json_first_number(out, "rows", group->rows);
	for (unsigned key = 0; key < SORT_KEYS; key++)
		json_add_number(out, options_sort_name((enum sort_key)key), group->values[key]);
	json_add_bool(out, "peak-size-exact", groups_is_exact(group, SORT_PEAK_SIZE));
	json_add_bool(out, "peak-count-exact", groups_is_exact(group, SORT_PEAK_COUNT));
	json_add_text(out, "function", place ? label->function : NULL);
	/* A label of a file or of threads has these as its function (struct group). */
	json_add_text(out, "module", (g->by == GROUP_FILE && label->function) || g->by == GROUP_THREAD ? NULL :
				     label->module);
	json_add_text(out, "file", place ? group->file : g->by == GROUP_FILE ? label->function : NULL);
	if (place && group->line)
		json_add_number(out, "line", group->line);
	else
		json_add_text(out, "line", NULL);
	json_add_text(out, "threads", g->by == GROUP_THREAD ? label->function : NULL);
	json_add_number(out, "largest-row", group->row);
	out_char(out, '}');
}

/* The largest groups come first, by the first sort key; those that a table would not list come last. */
static void write_groups(const struct groups *g, struct out *out)
{
	const char *before = "\n";

	json_begin(out, "groups", '{');
	json_write_name(out, true, "by");
	json_text_write(options_group_names[g->by], out);
	json_write_name(out, false, "list");
	out_char(out, '[');
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

void json_write_groups(const struct model *m, struct arena *arena, struct out *out)
{
	struct labels labels;
	struct groups g;

	if (m->options->group && labels_init(&labels, m, arena) &&
	    groups_make(&g, &labels, m->options->group, m->sections[0].key, false))
		write_groups(&g, out);
	else
		out_text(out, "\"groups\":null,\n");
}
