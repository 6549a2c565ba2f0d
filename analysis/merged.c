/* SPDX-License-Identifier: GPL-2.0-only */
/* See merged.h. Functions are found by their texts, nodes by their outer node and their function. */
#include "merged.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/hash_index.h"
#include "base/path.h"
#include "base/room.h"
#include "base/same_text.h"
#include "base/sort.h"

#include <string.h>

#define FIRST_ROOM	1024u
#define NODE_BYTES	(UINT64_C(256) << 20)	/* of all nodes with their figures */

/* The functions of a frame with this struct name, the outermost first. The names of two models are different objects. */
struct known_frame {
	const struct name *name;
	uint32_t first;			/* in merged_index.calls */
};

struct merged_index {
	struct hash_index functions, nodes, frame_names;
	uint32_t function_room, node_room, figures_room;
	struct known_frame *frames;
	uint32_t frame_count, frame_room;
	uint32_t *calls;
	uint32_t call_count, call_room;
	struct model_stack stack;
};

/* Whether a function is known by its name alone. */
static bool by_name(const struct merged *t, const struct merged_function *f)
{
	return t->two_runs && f->name;
}

/* ---- Functions ---- */

static bool is_function(const void *context, uint32_t number, const void *wanted)
{
	const struct merged *t = context;
	const struct merged_function *a = &t->functions[number], *b = wanted;

	return same_text(a->name, b->name) && (by_name(t, b) || same_text(a->module, b->module));
}

/* Finds or makes the number of a function. False: there is no memory. */
static bool find_function(struct merged *t, const struct merged_function *f, uint32_t *number)
{
	struct merged_index *x = t->index;
	uint64_t hash = hash_add(f->name ? hash_text(f->name) : 0, f->module && !by_name(t, f) ? hash_text(f->module) : 0);
	bool is_new;

	if (!room_make(t->arena, &t->functions, sizeof(*t->functions), &x->function_room, t->function_count + 1) ||
	    !hash_index_find(&x->functions, t->arena, hash, is_function, t, f, t->function_count, number, &is_new))
		return false;
	if (is_new)
		t->functions[t->function_count++] = *f;
	return true;
}

/* ---- Nodes ---- */

/* Makes room for one node more. False: there is no memory, or there are as many nodes as there may be. */
static bool grow_nodes(struct merged *t)
{
	struct merged_index *x = t->index;
	uint32_t wanted = t->node_count + 1;

	return wanted <= t->node_max && room_make(t->arena, &t->nodes, sizeof(*t->nodes), &x->node_room, wanted) &&
	       room_make(t->arena, &t->figures, t->columns * sizeof(*t->figures), &x->figures_room, wanted);
}

static bool is_node(const void *context, uint32_t number, const void *wanted)
{
	const struct merged *t = context;
	const struct merged_node *a = &t->nodes[number], *b = wanted;

	return a->outer == b->outer && a->function == b->function;
}

/* Finds or makes the node of a function within an outer node: *node is the outer one, and then the inner one. False: there
 * is no room for it, and *node stays as it is. */
static bool find_node(struct merged *t, uint32_t function, uint32_t *node)
{
	uint32_t outer = *node, next = grow_nodes(t) ? t->node_count : HASH_INDEX_NONE, number;
	struct merged_node wanted = {
		.outer = outer, .function = function, .next = t->nodes[outer].first, .level = t->nodes[outer].level + 1,
	};
	uint64_t hash = hash_add(outer, function);
	bool is_new;

	if (!hash_index_find(&t->index->nodes, t->arena, hash, is_node, t, &wanted, next, &number, &is_new) ||
	    number == HASH_INDEX_NONE)
		return false;
	if (is_new) {
		t->nodes[t->node_count++] = wanted;
		t->nodes[outer].first = number;
	}
	*node = number;
	return true;
}

static void add_figures(struct merged *t, uint32_t node, const uint64_t *figures)
{
	for (unsigned c = 0; c < t->columns; c++)
		merged_figures(t, node)[c] += figures[c];
}

/* ---- Rows ---- */

static bool is_frame(const void *context, uint32_t number, const void *wanted)
{
	const struct merged_index *x = context;

	return x->frames[number].name == wanted;
}

/* Finds the number of a struct name in index->frames. next: as for hash_index_find(). */
static bool find_frame(struct merged *t, const struct name *name, uint32_t next, uint32_t *number)
{
	struct merged_index *x = t->index;
	bool is_new;

	return hash_index_find(&x->frame_names, t->arena, hash_add(0, (uintptr_t)name), is_frame, x, name, next, number,
			       &is_new);
}

/* The functions of a frame, the outermost first, f->call_count of them. NULL: there is no memory. */
static const uint32_t *functions_of(struct merged *t, const struct frame *f)
{
	struct merged_index *x = t->index;
	uint32_t number = HASH_INDEX_NONE;

	if (f->name && !find_frame(t, f->name, HASH_INDEX_NONE, &number))
		return NULL;
	if (number != HASH_INDEX_NONE)
		return x->calls + x->frames[number].first;
	if (!room_make(t->arena, &x->calls, sizeof(*x->calls), &x->call_room, x->call_count + f->call_count))
		return NULL;
	for (unsigned i = 0; i < f->call_count; i++) {
		struct merged_function function = {
			frame_call(f, f->call_count - 1 - i).function, f->module ? path_name(f->module) : NULL,
		};

		if (!find_function(t, &function, &x->calls[x->call_count + i]))
			return NULL;
	}
	if (!f->name)		/* there was no memory for its name: the place is used again */
		return x->calls + x->call_count;
	if (!room_make(t->arena, &x->frames, sizeof(*x->frames), &x->frame_room, x->frame_count + 1) ||
	    !find_frame(t, f->name, x->frame_count, &number))
		return NULL;
	x->frames[x->frame_count++] = (struct known_frame){ f->name, x->call_count };
	x->call_count += f->call_count;
	return x->calls + x->frames[number].first;
}

/* Finds the innermost node of a row. False: there is no room for its inner nodes. */
static bool find_row(struct merged *t, const struct model *m, const struct model_row *row, uint32_t *node)
{
	struct model_stack *stack = &t->index->stack;
	uint32_t last = MERGED_FUNCTION_NONE;

	*node = MERGED_ROOT;
	if (row->overflow)
		return find_node(t, MERGED_FUNCTION_FULL, node);
	model_stack(m, row, stack);
	if (!stack->count)
		return find_node(t, MERGED_FUNCTION_HIDDEN, node);
	for (unsigned i = stack->count; i-- > 0; ) {
		struct frame f = model_frame(stack, i);
		const uint32_t *functions = functions_of(t, &f);

		if (!functions)
			return false;
		for (uint32_t c = 0; c < f.call_count; c++) {
			if (functions[c] == last && !t->functions[last].name)
				continue;
			last = functions[c];
			if (!find_node(t, last, node))
				return false;
		}
	}
	return true;
}

void merged_add(struct merged *t, const struct model *m, const struct model_row *row, const uint64_t *figures)
{
	uint32_t node;

	if (!find_row(t, m, row, &node))
		t->cut++;
	for (; node != MERGED_ROOT; node = t->nodes[node].outer)
		add_figures(t, node, figures);
	add_figures(t, MERGED_ROOT, figures);
}

void merged_add_lost(struct merged *t, const uint64_t *figures)
{
	add_figures(t, MERGED_NO_MEMORY, figures);
	add_figures(t, MERGED_ROOT, figures);
}

/* Checks the invariants of merged.h. */
static void check_tree(const struct merged *t)
{
	for (uint32_t n = 0; n < t->node_count; n++) {
		for (unsigned c = 0; c < t->columns; c++) {
			uint64_t sum = 0;

			for (uint32_t i = t->nodes[n].first; i; i = t->nodes[i].next) {
				check(i > n, "a node comes after its outer node");
				sum += merged_figures(t, i)[c];
			}
			check_at_most(sum, merged_figures(t, n)[c], "a node has at least what its children have");
		}
	}
}

void merged_sort(struct merged *t, unsigned column)
{
	struct sort_entry *order = arena_alloc_plenty(t->arena, t->node_count * sizeof(*order));

	check_costly(check_tree(t));
	if (!order)
		return;
	for (uint32_t i = 0; i < t->node_count; i++) {
		order[i] = (struct sort_entry){ merged_figures(t, i)[column], i };
		t->nodes[i].first = t->nodes[i].next = 0;
	}
	sort_largest(order, t->node_count, t->node_count);
	/* The smallest first, and each before the siblings that are already in the list. */
	for (uint32_t i = t->node_count; i-- > 0; ) {
		struct merged_node *n = &t->nodes[order[i].index];

		if (order[i].index == MERGED_ROOT)
			continue;
		n->next = t->nodes[n->outer].first;
		t->nodes[n->outer].first = order[i].index;
	}
}

bool merged_init(struct merged *t, unsigned columns, bool two_runs, struct arena *arena)
{
	struct merged_index *x = arena_alloc(arena, sizeof(*x));

	*t = (struct merged){
		.arena = arena, .columns = columns, .two_runs = two_runs, .index = x,
		.node_max = (uint32_t)(NODE_BYTES / (sizeof(*t->nodes) + columns * sizeof(*t->figures))),
		.functions = arena_alloc(arena, FIRST_ROOM * sizeof(*t->functions)),
		.nodes = arena_alloc(arena, FIRST_ROOM * sizeof(*t->nodes)),
		.figures = arena_alloc(arena, (size_t)FIRST_ROOM * columns * sizeof(*t->figures)),
	};
	if (!x || !t->functions || !t->nodes || !t->figures)
		return false;
	*x = (struct merged_index){
		.function_room = FIRST_ROOM, .node_room = FIRST_ROOM, .figures_room = FIRST_ROOM,
		.frames = arena_alloc(arena, FIRST_ROOM * sizeof(*x->frames)), .frame_room = FIRST_ROOM,
		.calls = arena_alloc(arena, FIRST_ROOM * sizeof(*x->calls)), .call_room = FIRST_ROOM,
	};
	t->functions[MERGED_FUNCTION_NONE] = (struct merged_function){ "all", NULL };
	t->functions[MERGED_FUNCTION_MEMORY] = (struct merged_function){ MODEL_NO_ROWS, NULL };
	t->functions[MERGED_FUNCTION_FULL] = (struct merged_function){ MODEL_TABLE_FULL, NULL };
	t->functions[MERGED_FUNCTION_HIDDEN] = (struct merged_function){ MODEL_ALL_HIDDEN, NULL };
	t->function_count = MERGED_FUNCTION_FIRST;
	t->nodes[MERGED_ROOT].first = MERGED_NO_MEMORY;
	t->nodes[MERGED_NO_MEMORY] = (struct merged_node){ .function = MERGED_FUNCTION_MEMORY, .level = 1 };
	t->node_count = 2;
	return x->frames && x->calls;
}
