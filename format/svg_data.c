/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of the script of a flame graph, as JSON (see svg.h). Of nodes and functions it has numbers only, one behind
 * the other:
 *
 *	{"views":[{"name":"size","unit":"bytes","weight":0,"second":1,"secondName":"count","secondUnit":"blocks"}],
 *	"diff":false,
 *	"modules":[["libc.so.6",17],["python3",80]],		name and colour
 *	"functions":["all",-1,"malloc",0,"main",1],		name, module
 *	"nodes":[0,0,22704,43,1,2,22704,43,2,1,22704,43]}	level, function, the figures of each column; outer nodes
 *								come before their inner ones, which follow at once
 */
#include "svg.h"

#include <string.h>

static const char *unit_of(enum sort_key key)
{
	if (model_key_is_size(key))
		return "bytes";
	return key == SORT_AGE ? "ns" : svg_counts_blocks(key) ? "blocks" : "calls";
}

static void write_member(struct out *out, const char *name, uint64_t value)
{
	out_text(out, ",\"");
	out_text(out, name);
	out_text(out, "\":");
	out_u64(out, value);
}

static void write_text_member(struct out *out, const char *name, const char *text)
{
	out_text(out, ",\"");
	out_text(out, name);
	out_text(out, "\":");
	svg_write_json(out, text, SVG_NAME_CHARACTERS);
}

static void write_views(const struct svg *s)
{
	struct out *out = s->out;

	out_text(out, "{\"views\":[");
	for (unsigned i = 0; i < s->view_count; i++) {
		const struct svg_view *v = &s->views[i];

		out_text(out, i ? ",{\"name\":" : "{\"name\":");
		svg_write_json(out, options_sort_name(v->key), SVG_NAME_CHARACTERS);
		write_text_member(out, "unit", unit_of(v->key));
		write_member(out, "weight", v->weight);
		write_member(out, "second", v->second);
		write_text_member(out, "secondUnit", unit_of(v->other));
		if (s->diff) {
			write_member(out, "weightWas", v->weight_was);
			write_member(out, "secondWas", v->second_was);
		}
		out_char(out, '}');
	}
	out_text(out, "],\n\"columns\":");
	out_u64(out, s->tree.columns);
	out_text(out, s->diff ? ",\"diff\":true" : ",\"diff\":false");
}

uint32_t svg_find_module(const char **modules, uint32_t count, const char *name)
{
	uint32_t i = 0;

	while (i < count && strcmp(modules[i], name))
		i++;
	return i;
}

/* Writes modules and functions, and gives each function its number. */
static void write_functions(const struct svg *s)
{
	const struct merged *t = &s->tree;
	const char **modules = arena_alloc(s->arena, (t->function_count + 1) * sizeof(*modules));
	uint32_t count = 0, number = 0;

	out_text(s->out, ",\n\"functions\":[");
	for (uint32_t i = 0; i < t->function_count; i++) {
		const struct merged_function *f = &t->functions[i];
		uint32_t module = 0;

		if (!s->numbers[i])
			continue;
		s->numbers[i] = ++number;
		out_text(s->out, number > 1 ? "," : "");
		svg_write_json(s->out, f->name ? f->name : "", SVG_NAME_CHARACTERS);
		out_char(s->out, ',');
		if (!f->module || !modules) {
			out_text(s->out, "-1");
			continue;
		}
		module = svg_find_module(modules, count, f->module);
		if (module == count)
			modules[count++] = f->module;
		out_u64(s->out, module);
	}
	out_text(s->out, "],\n\"modules\":[");
	for (uint32_t i = 0; i < count; i++) {
		out_text(s->out, i ? ",[" : "[");
		svg_write_json(s->out, modules[i], SVG_NAME_CHARACTERS);
		out_char(s->out, ',');
		out_u64(s->out, svg_colour(modules[i]));
		out_char(s->out, ']');
	}
	out_char(s->out, ']');
}

void svg_write_data(const struct svg *s)
{
	const struct merged *t = &s->tree;
	uint32_t node = MERGED_ROOT;

	write_views(s);
	write_functions(s);
	out_text(s->out, ",\n\"nodes\":[");
	do {
		if (node != MERGED_ROOT)
			out_text(s->out, ",\n");
		out_u64(s->out, t->nodes[node].level);
		out_char(s->out, ',');
		out_u64(s->out, s->numbers[t->nodes[node].function] - 1);
		for (unsigned c = 0; c < t->columns; c++) {
			out_char(s->out, ',');
			out_u64(s->out, merged_figures(t, node)[c]);
		}
		node = svg_next(s, node, SVG_KEPT);
	} while (node);
	out_text(s->out, s->out->estimates ? "],\"estimated\":true}" : "]}");
}
