/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trees in a massif file: see massif.h. A line for each address, indented by one blank for each caller. `n2` says how
 * many lines are one level deeper:
 *
 *	n2: 540499 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 *	 n1: 500499 0x5581186: inner (parse.c:5)
 *	  n0: 500499 0x5581213: main (parse.c:9)
 *	 n0: 40000 in 12 places, all below massif's threshold (1.00%)
 *
 * Each row has a place in its stack. A node of the tree is a range of the rows, which have the same calls up to their
 * places. To make its children, the rows of the range are put in the order of the calls at their places, and those with
 * the same call become a range, whose places move outward by one. The rows keep that order from tree to tree, so that
 * all but the first tree find them in order.
 */
#include "massif.h"

#include "analysis/catalog.h"
#include "base/path.h"
#include "base/sort.h"

#include <string.h>

/* Calls of rows without frames. Those of others are made by call_of(), and are smaller. 0: the stack has no further
 * call. */
#define CALL_HIDDEN	UINT64_MAX		/* --hide has taken every frame out */
#define CALL_OVERFLOW	(UINT64_MAX - 1)	/* of the overflow row */

/* A row, and the place in its stack. */
struct place {
	uint32_t row;			/* in model.all */
	uint32_t node;			/* in catalog.nodes; 0: there are no further frames */
	uint32_t call;			/* which of the functions at that node's address */
	uint64_t size;			/* live bytes of the row */
};

/* Rows with the same calls up to their places. */
struct range {
	uint32_t first, count;		/* in massif_tree.places */
	uint64_t call;			/* the newest one that they have in common */
	uint64_t size;			/* sum of their bytes */
};

struct massif_tree {
	const struct model *model;
	const struct catalog *catalog;
	bool *wrapper;			/* for each function: whether it is an allocation function, or a wrapper of one */
	struct place *places, *sorted;	/* the rows, and room to sort them */
	struct sort_entry *order;	/* likewise */
	struct range *ranges;		/* children of the nodes that the walk is in, each node's behind the ones before */
	struct sort_entry *largest;	/* at the same indexes: their order */
	uint32_t range_count, range_room;
	uint64_t least;			/* bytes that a branch needs to be shown */
	struct out *out;
};

/* What children of a node are not shown. */
struct below {
	uint64_t size;
	uint64_t places;
};

/* ---- Places ---- */

static uint64_t call_of(const struct massif_tree *t, const struct place *p)
{
	if (p->node)
		return ((uint64_t)t->catalog->nodes[p->node].address << 32 | p->call) + 1;
	return 0;
}

static const struct catalog_address *address_of(const struct massif_tree *t, uint64_t call)
{
	return &t->catalog->addresses[(call - 1) >> 32];
}

static const struct catalog_place *source_of(const struct massif_tree *t, uint64_t call)
{
	return &t->catalog->places[address_of(t, call)->first_place + (uint32_t)(call - 1)];
}

/* Moves a place outward by one call. */
static void move_outward(const struct massif_tree *t, struct place *p)
{
	const struct catalog_node *node = &t->catalog->nodes[p->node];

	if (++p->call < t->catalog->addresses[node->address].place_count)
		return;
	p->call = 0;
	p->node = node->outer;
}

/* The first place of a row: that of the first call that is not of an allocation function, or else the outermost call. */
static struct place first_place(const struct massif_tree *t, uint32_t row)
{
	struct place p = { .row = row, .node = t->catalog->rows[row] }, next = p;

	while (next.node && t->wrapper[source_of(t, call_of(t, &next))->function]) {
		p = next;
		move_outward(t, &next);
	}
	return next.node ? next : p;
}

/* The call at a row's first place, which need not be there. */
static uint64_t first_call_of(const struct massif_tree *t, const struct place *p)
{
	struct model_row row;

	if (p->node)
		return call_of(t, p);
	row = model_row(t->model, &t->model->all, p->row);
	return row.overflow ? CALL_OVERFLOW : CALL_HIDDEN;
}

/* ---- Children ---- */

/* Puts the places of a range in the order of their calls, if they are not, and these calls into t->order, in the same
 * order. root: they are first places. */
static void put_in_order(struct massif_tree *t, const struct range *r, bool root)
{
	struct place *places = &t->places[r->first];
	bool in_order = true;

	for (uint32_t i = 0; i < r->count; i++) {
		t->order[i] = (struct sort_entry){ root ? first_call_of(t, &places[i]) : call_of(t, &places[i]), i };
		in_order &= !i || t->order[i].key <= t->order[i - 1].key;
	}
	if (in_order)
		return;
	sort_largest(t->order, r->count, r->count);
	for (uint32_t i = 0; i < r->count; i++)
		t->sorted[i] = places[t->order[i].index];
	memcpy(places, t->sorted, r->count * sizeof(*places));
}

/* Makes the children of a range that are large enough, at the ends of t->ranges and t->largest, and sums up the others.
 * Returns how many it has made. */
static uint32_t make_children(struct massif_tree *t, const struct range *r, bool root, struct below *below)
{
	uint32_t first = t->range_count;

	put_in_order(t, r, root);
	*below = (struct below){ 0 };
	for (uint32_t i = 0; i < r->count; ) {
		struct range child = { .first = r->first + i, .call = t->order[i].key };

		for (; i < r->count && t->order[i].key == child.call; i++)
			child.size += t->places[r->first + i].size;
		child.count = r->first + i - child.first;
		if (!child.call || !child.size)
			continue;
		if (child.size < t->least || t->range_count == t->range_room) {
			below->size += child.size;
			below->places++;
			continue;
		}
		t->largest[t->range_count] = (struct sort_entry){ child.size, t->range_count };
		t->ranges[t->range_count++] = child;
	}
	sort_largest(&t->largest[first], t->range_count - first, t->range_count - first);
	return t->range_count - first;
}

/* ---- Lines ---- */

static void write_call(const struct massif_tree *t, uint64_t call)
{
	const struct catalog *c = t->catalog;
	const struct catalog_place *p = source_of(t, call);
	const struct catalog_function *f = &c->functions[p->function];
	const char *module = c->texts[c->modules[f->module].path];

	out_hex(t->out, address_of(t, call)->pc);
	out_text(t->out, ": ");
	massif_write_name(t->out, f->name == CATALOG_NO_TEXT ? "???" : c->texts[f->name]);
	if (p->file != CATALOG_NO_TEXT && p->line) {
		out_text(t->out, " (");
		massif_write_name(t->out, path_name(c->texts[p->file]));
		out_char(t->out, ':');
		out_u64(t->out, p->line);
		out_char(t->out, ')');
	} else if (*module) {
		out_text(t->out, " (in ");
		massif_write_name(t->out, module);
		out_char(t->out, ')');
	}
}

/* Writes the beginning of a line: "  n2: 540499 ". */
static void write_head(const struct massif_tree *t, unsigned level, uint64_t children, uint64_t size)
{
	out_repeat(t->out, ' ', level);
	out_char(t->out, 'n');
	out_u64(t->out, children);
	out_text(t->out, ": ");
	out_u64(t->out, size);
	out_char(t->out, ' ');
}

static void write_below(const struct massif_tree *t, unsigned level, const struct below *below)
{
	uint32_t percent = t->model->options->min_share / 10;	/* in hundredths */

	if (!below->places)
		return;
	write_head(t, level, 0, below->size);
	if (below->places == 1) {
		out_text(t->out, "in 1 place, below massif's threshold (");
	} else {
		out_text(t->out, "in ");
		out_u64(t->out, below->places);
		out_text(t->out, " places, all below massif's threshold (");
	}
	out_u64(t->out, percent / 100);
	out_char(t->out, '.');
	out_two_digits(t->out, percent % 100);
	out_text(t->out, "%)\n");
}

/* Writes the line of a range, and those of its callers. It takes little stack, because it calls itself once for each
 * function of a backtrace, which are a few hundred. */
static void write_range(struct massif_tree *t, const struct range *r, unsigned level)
{
	uint32_t first = t->range_count, children = 0;
	struct below below = { 0 };

	if (r->call < CALL_OVERFLOW) {
		for (uint32_t i = 0; i < r->count; i++)
			move_outward(t, &t->places[r->first + i]);
		children = make_children(t, r, false, &below);
	}
	write_head(t, level, children + (uint64_t)(below.places != 0), r->size);
	if (r->call < CALL_OVERFLOW)
		write_call(t, r->call);
	else
		out_text(t->out, r->call == CALL_OVERFLOW ? MODEL_TABLE_FULL : MODEL_ALL_HIDDEN);
	out_char(t->out, '\n');
	for (uint32_t i = first; i < first + children; i++)
		write_range(t, &t->ranges[t->largest[i].index], level + 1);
	write_below(t, level + 1, &below);
	t->range_count = first;
}

void massif_tree_write(struct massif_tree *t, const struct massif_rows *rows, const struct massif_moment *moment,
		       struct out *out)
{
	uint32_t count = t->model->all.count, children;
	struct range all = { .count = count };
	uint64_t left_out = moment->size - rows->sum - rows->rest_size;
	struct below below;

	t->out = out;
	t->range_count = 0;
	t->least = massif_whole((double)(moment->size + moment->extra) * t->model->options->min_share / 100000);
	for (uint32_t i = 0; i < count; i++) {
		t->places[i] = first_place(t, t->places[i].row);
		t->places[i].size = rows->sizes[t->places[i].row];
	}
	children = make_children(t, &all, true, &below);
	below.size += rows->rest_size;
	below.places += rows->rest_rows;
	write_head(t, 0, children + (uint64_t)(below.places != 0) + (left_out != 0), moment->size);
	out_text(out, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n");
	for (uint32_t i = 0; i < children; i++)
		write_range(t, &t->ranges[t->largest[i].index], 1);
	write_below(t, 1, &below);
	if (left_out) {
		write_head(t, 1, 0, left_out);
		out_text(out, "(left out by rules or by --focus, or not known)\n");
	}
}

/* ---- Making ---- */

static bool find_wrappers(struct massif_tree *t, struct arena *arena)
{
	const struct catalog *c = t->catalog;

	t->wrapper = arena_alloc(arena, c->function_count + (size_t)1);
	for (uint32_t i = 0; t->wrapper && i < c->function_count; i++)
		t->wrapper[i] = catalog_is_wrapper(c, i);
	return t->wrapper != NULL;
}

/* How many ranges there can be at a time: the children of all nodes on the way to one of them. A node that has several
 * has fewer rows in each, so there are no more than rows and levels. */
static uint32_t ranges_of(const struct catalog *c, uint32_t rows)
{
	uint64_t most = (uint64_t)rows + 1;

	for (uint32_t n = 0; n < rows; n++) {
		uint64_t levels = 0;

		for (uint32_t i = c->rows[n]; i; i = c->nodes[i].outer)
			levels += c->addresses[c->nodes[i].address].place_count;
		if (most < rows + levels + 1)
			most = rows + levels + 1;
	}
	return (uint32_t)most;
}

struct massif_tree *massif_tree_make(const struct model *m, struct arena *arena)
{
	struct massif_tree *t = arena_alloc(arena, sizeof(*t));
	size_t room = (size_t)m->all.count + 1;

	if (!t)
		return NULL;
	*t = (struct massif_tree){ .model = m, .catalog = catalog_make(m, arena) };
	if (!t->catalog || !find_wrappers(t, arena))
		return NULL;
	t->range_room = ranges_of(t->catalog, m->all.count);
	t->places = arena_alloc_plenty(arena, room * sizeof(*t->places));
	t->sorted = arena_alloc_plenty(arena, room * sizeof(*t->sorted));
	t->order = arena_alloc_plenty(arena, room * sizeof(*t->order));
	t->ranges = arena_alloc_plenty(arena, t->range_room * sizeof(*t->ranges));
	t->largest = arena_alloc_plenty(arena, t->range_room * sizeof(*t->largest));
	if (!t->places || !t->sorted || !t->order || !t->ranges || !t->largest)
		return NULL;
	for (uint32_t i = 0; i < m->all.count; i++)
		t->places[i].row = i;
	return t;
}
