/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trees of calls in a section of a text dump (--tree, --callers, --callees): see text_report.h.
 *
 *	  share       size  count  function
 *	100.0 %  12.345 MB  12345  main
 *	                           run
 *	 60.0 %   7.407 MB   1234  + parse(char const*)
 *	 38.0 %   4.691 MB  11000  + load
 *	  2.0 %   0.247 MB    111  ` ... 12 more
 *
 * A function without figures has those of the one above it, which calls nothing else that uses memory.
 */
#include "text_report.h"

#include "analysis/cut.h"
#include "analysis/tree.h"
#include "analysis/wrappers.h"

#include <string.h>

#define NAME_LEAST	28u	/* so many columns are left to names: what is deeper in the tree is not indented any more */
#define INDENT		2u	/* columns for each level */
#define LEVELS_MAX	64u
#define SUGGESTED_FROM	20000u	/* functions among which similar names are looked for */

/* The tree that is being written. */
struct writing {
	struct text *text;
	struct tree *tree;
	struct columns_names names;
	struct column first, second;
	size_t columns;			/* for the last column; 0: any number */
	uint32_t levels;		/* that are indented */
	bool utf8;
	bool open[LEVELS_MAX];		/* by level: a sibling of the newest node there follows */
};

static const char *guide(const struct writing *w, const struct tree_step *step, uint32_t level)
{
	bool own = level == step->level && !step->continues;

	if (!own)
		return !w->open[level] ? "  " : w->utf8 ? "│ " : "| ";
	if (step->last)
		return w->utf8 ? "└ " : "` ";
	return w->utf8 ? "├ " : "+ ";
}

/* Writes the guides of a line, and returns their columns. */
static size_t write_guides(struct writing *w, const struct tree_step *step)
{
	uint32_t levels = step->level < w->levels ? step->level : w->levels;

	/* Lines that are too deep to be indented have no guides of their own levels. */
	for (uint32_t level = 1; level <= levels; level++)
		out_text(w->text->out, guide(w, step, level));
	if (!step->continues && step->level < LEVELS_MAX)
		w->open[step->level] = !step->last;
	return (size_t)INDENT * levels;
}

static void write_figures(const struct writing *w, const struct tree_step *step)
{
	struct out *out = w->text->out;

	if (step->same) {
		out_repeat(out, ' ', COLUMNS_SHARE + 2 + w->first.width + 2 + w->second.width + 2);
		return;
	}
	columns_share(step->figure, w->tree->whole, out);
	out_text(out, "  ");
	column_write(&w->first, step->figure, w->first.bounds, out);
	out_text(out, "  ");
	column_write(&w->second, step->second, false, out);
	out_text(out, "  ");
}

static void write_step(struct writing *w, const struct tree_step *step)
{
	const struct label *label = &w->tree->labels->list[step->label];
	struct out *out = w->text->out;
	size_t used;

	write_figures(w, step);
	used = write_guides(w, step);
	if (step->line == TREE_ENDS) {
		bool outward = w->tree->request.kind == TREE_KIND_BOTTOM_UP || w->tree->request.kind == TREE_KIND_CALLERS;

		out_text(out, outward ? "(stacks that begin here)" : "(itself)");
	} else if (step->line == TREE_MORE) {
		out_text(out, "... ");
		out_u64(out, step->count);
		out_text(out, " more");
	} else {
		columns_place(&w->names, label->function, label->module, NULL, 0, w->columns ? w->columns - used : 0, out);
	}
	out_char(out, '\n');
}

static void write_head(struct writing *w)
{
	struct out *out = w->text->out;
	size_t used = COLUMNS_SHARE + 2 + w->first.width + 2 + w->second.width + 2;

	w->columns = columns_of_table(out);
	if (w->columns)
		w->columns = w->columns > used + NAME_LEAST ? w->columns - used : NAME_LEAST;
	w->levels = w->columns ? (uint32_t)(w->columns - NAME_LEAST) / INDENT : LEVELS_MAX - 1;
	if (w->levels > LEVELS_MAX - 1)
		w->levels = LEVELS_MAX - 1;
	out_text(out, "  share  ");
	column_write_head(&w->first, out);
	out_text(out, "  ");
	column_write_head(&w->second, out);
	out_text(out, "  function\n");
}

/* ---- Functions that nobody has ---- */

/* Writes the names of functions that are spelt like the text, if there are any. */
static void write_similar(struct text *t, const struct labels *l, const char *text)
{
	uint32_t count = l->count < SUGGESTED_FROM ? l->count : SUGGESTED_FROM, used = 0;
	const char **names = arena_alloc_plenty(t->arena, count * sizeof(*names));
	char name[WRAPPERS_NAME_BYTES];

	for (uint32_t i = 0; names && i < count; i++) {
		const char *last;

		if (!l->list[i].function)
			continue;
		wrappers_bare_name(l->list[i].function, name);
		last = strrchr(name, ':');
		last = last ? last + 1 : name;
		names[used] = arena_copy(t->arena, last, strlen(last));
		used += names[used] != NULL;
	}
	options_suggest_word(text, strlen(text), names, used, t->out);
}

/* Writes what the tree is of, or that there is none. */
static bool write_title(struct writing *w)
{
	const struct tree_request *r = &w->tree->request;
	struct out *out = w->text->out;

	if (!r->text)
		return w->tree->figure;
	out_text(out, r->kind == TREE_KIND_CALLERS ? "callers of " : "callees of ");
	if (w->tree->row_count) {
		if (!w->tree->by_place)
			out_count(out, w->tree->functions, " function", " functions");
		else
			out_text(out, "what is in modules or files");
		out_text(out, " with \"");
		out_name(out, r->text);
		out_text(out, "\" in the name:\n");
		return true;
	}
	out_char(out, '"');
	out_name(out, r->text);
	if (w->tree->functions) {
		out_text(out, "\": its figures are 0\n");
	} else {
		out_text(out, "\": no function, module or file in any backtrace has this in its name");
		write_similar(w->text, w->tree->labels, r->text);
		out_char(out, '\n');
	}
	return false;
}

/* Writes that stacks were cut, where more frames could be recorded. */
static void write_cut(const struct tree *tree, struct out *out)
{
	if (!tree->cut_at || !cut_better_depth(tree->cut_at))
		return;
	out_char(out, '(');
	cut_write(out, tree->cut_at);
	out_text(out, ")\n");
}

static void write_tree(struct text *t, struct labels *labels, const struct tree_request *request)
{
	struct tree tree;
	struct writing w = { .text = t, .tree = &tree, .names = { .arena = t->arena }, .utf8 = columns_have_utf8() };
	struct tree_step step;

	if (!tree_make(&tree, labels, request)) {
		out_text(t->out, "[heaptrace] no memory to make the tree\n\n");
		return;
	}
	if (write_title(&w)) {
		w.first = column_make(request->key, tree.figure, t->out->estimates);
		w.second = column_make(request->second, tree.second, t->out->estimates);
		write_head(&w);
		while (tree_step(&tree, &step))
			write_step(&w, &step);
		write_cut(&tree, t->out);
		if (w.first.bounds)
			out_text(t->out, COLUMNS_BOUND_MEANS);
	}
	out_char(t->out, '\n');
}

void text_write_trees(struct text *t, const struct model_section *s, struct labels *labels)
{
	const struct options *o = t->model->options;
	struct tree_request request = {
		.key = s->key, .second = columns_second_key(s->key), .min_share = o->min_share,
	};

	if (o->tree) {
		request.kind = o->tree == TREE_TOP_DOWN ? TREE_KIND_TOP_DOWN : TREE_KIND_BOTTOM_UP;
		write_tree(t, labels, &request);
	}
	if (o->callers) {
		request.kind = TREE_KIND_CALLERS;
		request.text = o->callers;
		write_tree(t, labels, &request);
	}
	if (o->callees) {
		request.kind = TREE_KIND_CALLEES;
		request.text = o->callees;
		write_tree(t, labels, &request);
	}
}
