/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See tree.h. A node is a range of rows whose paths have the same beginning. Its children are made by sorting the
 * range by the next label of the paths:
 *
 *	rows	| main run parse | main run parse | main run print | main load |
 *	node	 main ........................................................
 *	children run ...........................................	load .......
 */
#include "tree.h"

#include "base/path.h"
#include "base/sort.h"
#include "table/table.h"

#include <string.h>

#define PATHS_FIRST	(UINT64_C(1) << 16)

struct tree_row {
	uint64_t path;			/* the place of its labels in tree.paths */
	uint64_t figure, second;
	uint32_t length;		/* labels of the path */
};

/* A child of a node: rows[first..end). */
struct tree_child {
	uint64_t figure, second;
	uint32_t first, end;
	uint32_t label;
};

/* A node that the walk is in, or a line that it will come to. */
struct tree_place {
	uint32_t depth;			/* labels that the paths of its rows have in common */
	uint32_t level;
	uint32_t children, shown, next;	/* in tree.children: the first one, how many are shown, and are through */
	uint64_t more_figure, more_second;
	uint64_t ends_figure, ends_second;
	uint32_t more;			/* children that are left out */
	bool ends_open, more_open;	/* these lines are still to come */
};

/* ---- Paths ---- */

static bool has_text(const char *in, const char *text)
{
	return in && strstr(in, text);
}

/* Marks the labels that have the text in their functions' names, and counts those. by_place: in their modules' names. */
static uint32_t mark_labels(struct labels *l, const char *text, bool by_place)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		struct label *label = &l->list[i];

		label->mark = by_place ? label->module && has_text(path_name(label->module), text) :
			      has_text(label->function, text);
		count += label->mark;
	}
	return count;
}

/* Whether the source file of a call has the text in its name. */
static bool in_file(const struct model_stack *stack, const struct labels_call *call, const char *text)
{
	struct frame f = model_frame(stack, call->frame);

	return has_text(frame_call(&f, call->call).file, text);
}

/* The place of the outermost call that the text means; r->count: there is none. */
static unsigned find_match(const struct tree *t, const struct labels_row *r)
{
	for (unsigned i = r->count; i-- > 0; ) {
		if (t->labels->list[r->calls[i].label].mark ||
		    (t->by_place && r->stack.count && in_file(&r->stack, &r->calls[i], t->request.text)))
			return i;
	}
	return r->count;
}

static bool make_room(struct tree *t, unsigned labels)
{
	uint32_t *paths;

	if (t->path_room - t->path_used >= labels)
		return true;
	paths = arena_alloc_plenty(t->labels->arena, 2 * t->path_room * sizeof(*paths));
	if (!paths)
		return false;
	memcpy(paths, t->paths, t->path_used * sizeof(*paths));
	t->paths = paths;
	t->path_room *= 2;
	return true;
}

/* Adds a row whose path is its calls[from..to), innermost first, or in the other direction. False: there is no memory. */
static bool add_path(struct tree *t, const struct labels_row *row, unsigned from, unsigned to, bool inward)
{
	struct tree_row *r;

	if (!make_room(t, to - from))
		return false;
	r = &t->rows[t->row_count++];
	*r = (struct tree_row){
		.path = t->path_used, .length = to - from,
		.figure = row->row.values[t->request.key], .second = row->row.values[t->request.second],
	};
	for (unsigned i = from; i < to; i++)
		t->paths[t->path_used++] = row->calls[inward ? to - 1 - (i - from) : i].label;
	t->figure += r->figure;
	t->second += r->second;
	if (r->length > t->longest)
		t->longest = r->length;
	return true;
}

/* Adds a row whose figure is not 0, unless the text means none of its calls. False: there is no memory. */
static bool add_row(struct tree *t, const struct labels_row *r)
{
	enum tree_kind kind = t->request.kind;
	bool has_text = kind == TREE_KIND_CALLERS || kind == TREE_KIND_CALLEES;
	unsigned match = has_text ? find_match(t, r) : 0;

	if (has_text && match == r->count)
		return true;
	if (r->stack.count && r->stack.count >= model_table(t->labels->model)->head->depth)
		t->cut_at = r->stack.count;
	if (kind == TREE_KIND_TOP_DOWN)
		return add_path(t, r, labels_user(t->labels, r), r->count, true);
	if (kind == TREE_KIND_BOTTOM_UP)
		return add_path(t, r, labels_user(t->labels, r), r->count, false);
	if (kind == TREE_KIND_CALLERS)
		return add_path(t, r, match, r->count, false);
	return add_path(t, r, 0, match + 1, true);
}

/* Makes the labels of all rows, and marks those that the text means. False: there is no memory. */
static bool find_functions(struct tree *t, struct labels_row *row)
{
	for (uint32_t n = 0; n < t->labels->model->all.count; n++) {
		if (!labels_read(t->labels, n, row))
			return false;
	}
	t->functions = mark_labels(t->labels, t->request.text, false);
	if (!t->functions) {
		t->by_place = true;
		t->functions = mark_labels(t->labels, t->request.text, true);
	}
	return true;
}

/* Prepares the node that all rows are in: the roots of the tree are its children. */
static bool begin_walk(struct tree *t)
{
	struct arena *arena = t->labels->arena;

	/* The children of one node have different rows, and only one of them has children in its turn. */
	t->children = arena_alloc_plenty(arena, ((size_t)t->row_count + t->longest + 1) * sizeof(*t->children));
	t->sorted = arena_alloc_plenty(arena, ((size_t)t->row_count + 1) * sizeof(*t->sorted));
	t->order = arena_alloc_plenty(arena, ((size_t)t->row_count + 1) * sizeof(*t->order));
	t->places = arena_alloc_plenty(arena, ((size_t)t->longest + 2) * sizeof(*t->places));
	for (uint32_t i = 0; i < t->labels->count; i++)
		t->labels->list[i].mark = 0;
	return t->children && t->sorted && t->order && t->places;
}

static void enter(struct tree *t, uint32_t first, uint32_t end, uint32_t depth, uint32_t level);

bool tree_make(struct tree *t, struct labels *labels, const struct tree_request *request)
{
	const struct model *m = labels->model;
	struct labels_row *row = arena_alloc(labels->arena, sizeof(*row));

	*t = (struct tree){
		.request = *request, .labels = labels, .path_room = PATHS_FIRST,
		.rows = arena_alloc(labels->arena, ((size_t)m->all.count + 1) * sizeof(*t->rows)),
		.paths = arena_alloc(labels->arena, PATHS_FIRST * sizeof(*t->paths)),
	};
	if (!row || !t->rows || !t->paths || (request->text && !find_functions(t, row)))
		return false;
	for (uint32_t n = 0; n < m->all.count; n++) {
		uint64_t figure = model_row(m, &m->all, n).values[request->key];

		t->whole += figure;
		if (figure && !(labels_read(labels, n, row) && add_row(t, row)))
			return false;
	}
	if (!begin_walk(t))
		return false;
	enter(t, 0, t->row_count, 0, 0);
	return true;
}

/* ---- The children of a node ---- */

/* Adds up rows[first..end) by their label at this depth, in children[0..). Rows whose path ends before are added up in
 * *place. Returns the number of children. */
static uint32_t count_children(struct tree *t, struct tree_place *place, struct tree_child *children, uint32_t first,
			       uint32_t end)
{
	uint32_t count = 0;

	for (uint32_t i = first; i < end; i++) {
		const struct tree_row *r = &t->rows[i];
		struct label *label;

		if (r->length == place->depth) {
			place->ends_figure += r->figure;
			place->ends_second += r->second;
			continue;
		}
		label = &t->labels->list[t->paths[r->path + place->depth]];
		if (!label->mark) {
			children[count] = (struct tree_child){ .label = t->paths[r->path + place->depth] };
			label->mark = ++count;
		}
		children[label->mark - 1].figure += r->figure;
		children[label->mark - 1].second += r->second;
		children[label->mark - 1].end++;	/* for now, the number of its rows */
	}
	return count;
}

/* Moves the rows of each child side by side, those whose path has ended before them all. */
static void sort_rows(struct tree *t, const struct tree_place *place, struct tree_child *children, uint32_t count,
		      uint32_t first, uint32_t end)
{
	uint32_t rows = 0, ended;

	for (uint32_t i = 0; i < count; i++)
		rows += children[i].end;
	ended = end - first - rows;
	for (uint32_t i = 0, at = first + ended; i < count; i++) {
		uint32_t own = children[i].end;

		children[i].first = children[i].end = at;
		at += own;
	}
	for (uint32_t i = first, at = first; i < end; i++) {
		const struct tree_row *r = &t->rows[i];

		if (r->length == place->depth)
			t->sorted[at++] = *r;
		else
			t->sorted[children[t->labels->list[t->paths[r->path + place->depth]].mark - 1].end++] = *r;
	}
	memcpy(t->rows + first, t->sorted + first, (end - first) * sizeof(*t->rows));
}

static bool is_small(const struct tree *t, uint64_t figure)
{
	/* Of figures below 2^64, shares in thousandths of a percent: a double is exact enough to leave lines out. */
	return (double)figure * 100000 < (double)t->figure * t->request.min_share;
}

/* The trunk of a tree: a node in which no path ends, and with only one child that is shown. The roots are one only if there
 * is nothing else. */
static bool is_trunk(const struct tree_place *p)
{
	return p->shown == 1 && !p->ends_figure && (p->depth || !p->more);
}

/* Puts children[0..count) into the order of their figures, the largest first. */
static void sort_children(struct tree *t, struct tree_child *children, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		t->order[i] = (struct sort_entry){ children[i].figure, i };
	sort_largest(t->order, count, count);
	for (uint32_t i = 0; i < count; i++) {
		struct tree_child moving = children[i];
		uint32_t at = i, from;

		/* Each cycle of the permutation is followed once; index `at` then says that the place is done. */
		while ((from = t->order[at].index) != i) {
			children[at] = children[from];
			t->order[at].index = at;
			at = from;
		}
		children[at] = moving;
		t->order[at].index = at;
	}
}

/* Moves the children that are shown to the front, in order, and adds up the others. */
static void choose_children(struct tree *t, struct tree_place *place, struct tree_child *children, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct tree_child child = children[i];

		if (!is_small(t, child.figure)) {
			children[i] = children[place->shown];
			children[place->shown++] = child;
			continue;
		}
		place->more++;
		place->more_figure += child.figure;
		place->more_second += child.second;
	}
	if (count && place->ends_figure && is_small(t, place->ends_figure)) {
		place->more++;
		place->more_figure += place->ends_figure;
		place->more_second += place->ends_second;
		place->ends_figure = 0;
	}
	sort_children(t, children, place->shown);
	place->ends_open = count && place->ends_figure;
	/* On the way of a trunk, a line for what is small as a whole says nothing that its figures do not say. */
	place->more_open = place->more && !(is_trunk(place) && is_small(t, place->more_figure));
}

/* Enters the node of rows[first..end), whose paths have the first `depth` labels in common. */
static void enter(struct tree *t, uint32_t first, uint32_t end, uint32_t depth, uint32_t level)
{
	struct tree_place *outer = t->place_count ? &t->places[t->place_count - 1] : NULL;
	struct tree_place *place = &t->places[t->place_count++];
	struct tree_child *children;
	uint32_t count;

	*place = (struct tree_place){ .depth = depth, .level = level };
	place->children = outer ? outer->children + outer->shown : 0;
	children = &t->children[place->children];
	count = count_children(t, place, children, first, end);
	sort_rows(t, place, children, count, first, end);
	for (uint32_t i = 0; i < count; i++)
		t->labels->list[children[i].label].mark = 0;
	choose_children(t, place, children, count);
}

/* ---- The walk ---- */

/* Makes the line for what is not shown one by one. */
static void step_rest(struct tree_place *p, struct tree_step *step)
{
	*step = (struct tree_step){
		.line = p->ends_open ? TREE_ENDS : TREE_MORE, .level = p->level + 1,
		.count = p->ends_open ? 0 : p->more, .last = !(p->ends_open && p->more_open),
		.figure = p->ends_open ? p->ends_figure : p->more_figure,
		.second = p->ends_open ? p->ends_second : p->more_second,
	};
	if (p->ends_open)
		p->ends_open = false;
	else
		p->more_open = false;
}

static void step_child(struct tree *t, struct tree_place *p, struct tree_step *step)
{
	const struct tree_child *child = &t->children[p->children + p->next++];
	bool trunk = is_trunk(p);

	*step = (struct tree_step){
		.line = TREE_NODE, .label = child->label, .figure = child->figure, .second = child->second,
		.level = p->level + !trunk, .continues = trunk,
		.last = p->next == p->shown && !p->ends_open && !p->more_open,
		.same = trunk && p->depth && !p->more && !p->ends_figure,
	};
	enter(t, child->first, child->end, p->depth + 1, step->level);
}

bool tree_step(struct tree *t, struct tree_step *step)
{
	while (t->place_count) {
		struct tree_place *p = &t->places[t->place_count - 1];
		bool rest = p->ends_open || p->more_open;

		if (rest && (is_trunk(p) ? !p->next : p->next == p->shown)) {
			step_rest(p, step);
			return true;
		}
		if (p->next < p->shown) {
			step_child(t, p, step);
			return true;
		}
		t->place_count--;
	}
	return false;
}
