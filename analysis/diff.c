/* SPDX-License-Identifier: GPL-2.0-only */
/* See diff.h. */
#include "diff.h"

#include "base/hash.h"
#include "base/path.h"
#include "base/sort.h"
#include "wrappers.h"

#include <string.h>

#define NAMES_MOST	128u	/* names of one backtrace that are compared, from the allocation function on */
#define USERS		3u	/* names of one backtrace by which its counterpart is looked for */
#define RUN_MOST	64u	/* backtraces of each run with the same one of these that are compared with each other */
#define PAIRS_MOST	((size_t)1 << 20)	/* pairs of backtraces that are alike */

/* A backtrace of one run, in which rows with the same names are added up. */
struct trace {
	uint64_t key;			/* a hash of all its names */
	uint64_t users[USERS];		/* hashes of the names of the function that uses the memory, and of those that
					 * call it, without main(); 0: there is none */
	const uint64_t *names;		/* hashes, innermost first */
	unsigned name_count;
	uint32_t entry;			/* index in the list */
	bool paired;
};

struct side {
	struct trace *traces;
	uint32_t count;
};

/* Whether the function is the outermost one that the program itself has: what leads to it is libc's start code. */
static bool is_root(const char *bare)
{
	return !strcmp(bare, "main") || !strcmp(bare, "start_thread") || !strcmp(bare, "__libc_start_call_main");
}

/* Reads the names of a row into names[0..NAMES_MOST), and the users as struct trace has them. Returns how many names
 * there are. Several frames in a row that only their module names count once: without symbols nobody knows how many
 * functions these are. */
static unsigned read_names(const struct model *m, const struct model_row *row, uint64_t *names, uint64_t users[USERS])
{
	char bare[WRAPPERS_NAME_BYTES];
	struct model_stack stack;
	unsigned count = 0, user_count = 0;
	uint64_t unnamed = 0;

	memset(users, 0, USERS * sizeof(*users));
	model_stack(m, row, &stack);
	for (unsigned i = 0; i < stack.count; i++) {
		struct frame frame = model_frame(&stack, i);

		for (unsigned at = 0; at < frame.call_count && count < NAMES_MOST; at++) {
			struct frame_call call = frame_call(&frame, at);
			uint64_t name;

			if (!call.function) {
				name = hash_text(frame.module ? path_name(frame.module) : "?");
				if (name == unnamed)
					continue;
				unnamed = name;
			} else {
				wrappers_bare_name(call.function, bare);
				name = hash_text(bare[0] ? bare : call.function);
				unnamed = 0;
			}
			names[count++] = name;
			if (call.function && is_root(bare))
				return count;
			if (user_count < USERS && i && !wrappers_is(call.function))
				users[user_count++] = name;
		}
	}
	return count;
}

/* A hash table from keys of traces to their numbers. */
struct index {
	uint32_t *slots;		/* number plus 1; 0: free */
	size_t slot_count;		/* a power of two */
};

static bool index_init(struct index *x, uint32_t most, struct arena *arena)
{
	x->slot_count = 16;
	while (x->slot_count < 2 * (size_t)most)
		x->slot_count *= 2;
	x->slots = arena_alloc(arena, x->slot_count * sizeof(*x->slots));
	return x->slots != NULL;
}

/* The slot of the trace with a key, or the free slot where it belongs. */
static uint32_t *index_find(const struct index *x, const struct trace *traces, uint64_t key)
{
	for (size_t i = key;; i++) {
		uint32_t *slot = &x->slots[i & (x->slot_count - 1)];

		if (!*slot || traces[*slot - 1].key == key)
			return slot;
	}
}

/* Adds the rows of a model to the list, as entries that are in this run only. */
static bool read_side(struct diff *d, struct side *s, bool is_new, struct arena *arena)
{
	const struct model *m = is_new ? d->newer : d->older;
	uint32_t *entry_of_row = arena_alloc(arena, (m->all.count + (size_t)1) * sizeof(*entry_of_row));
	uint64_t names[NAMES_MOST], users[USERS];
	struct index index;

	s->traces = arena_alloc(arena, (m->all.count + 1) * sizeof(*s->traces));
	if (!entry_of_row || !s->traces || !index_init(&index, m->all.count + 1, arena))
		return false;
	*(is_new ? &d->entry_of_new : &d->entry_of_old) = entry_of_row;
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);
		unsigned count = read_names(m, &row, names, users);
		uint64_t key = row.overflow;
		struct diff_entry *e;
		uint32_t *slot;

		for (unsigned i = 0; i < count; i++)
			key = hash_add(key, names[i]);
		slot = index_find(&index, s->traces, key);
		if (!*slot) {
			struct trace *t = &s->traces[s->count];
			uint64_t *copy = arena_alloc(arena, (count + 1) * sizeof(*names));

			if (!copy)
				return false;
			memcpy(copy, names, count * sizeof(*names));
			*t = (struct trace){ .key = key, .names = copy, .name_count = count, .entry = d->count };
			memcpy(t->users, users, sizeof(users));
			d->list[d->count++] = (struct diff_entry){ .in_old = !is_new, .in_new = is_new, .row = row };
			*slot = ++s->count;
		}
		entry_of_row[n] = s->traces[*slot - 1].entry;
		e = &d->list[entry_of_row[n]];
		model_add_values(is_new ? e->is : e->was, row.values);
		if (row.values[SORT_TOTAL_COUNT] > e->row.values[SORT_TOTAL_COUNT])
			e->row = row;
	}
	return true;
}

/* Makes one entry of two: the one of the new run gets the old figures, the other one is left empty. */
static void pair(struct diff *d, struct trace *old, struct trace *new, bool by_likeness)
{
	struct diff_entry *from = &d->list[old->entry], *to = &d->list[new->entry];

	memcpy(to->was, from->was, sizeof(to->was));
	to->in_old = true;
	to->by_likeness = by_likeness;
	from->in_old = false;
	from->moved_to = new->entry;
	old->paired = new->paired = true;
}

static bool pair_same(struct diff *d, struct side *old, struct side *new, struct arena *arena)
{
	struct index index;

	if (!index_init(&index, new->count + 1, arena))
		return false;
	for (uint32_t i = 0; i < new->count; i++)
		*index_find(&index, new->traces, new->traces[i].key) = i + 1;
	for (uint32_t i = 0; i < old->count; i++) {
		uint32_t *slot = index_find(&index, new->traces, old->traces[i].key);

		if (*slot)
			pair(d, &old->traces[i], &new->traces[*slot - 1], false);
	}
	return true;
}

/* How many names two traces have in common, in the same order: the length of their longest common subsequence. */
static unsigned common_names(const struct trace *a, const struct trace *b)
{
	uint8_t lengths[NAMES_MOST + 1] = { 0 };

	for (unsigned i = 0; i < a->name_count; i++) {
		unsigned diagonal = 0;

		for (unsigned k = 0; k < b->name_count; k++) {
			unsigned above = lengths[k + 1];

			if (a->names[i] == b->names[k])
				lengths[k + 1] = (uint8_t)(diagonal + 1);
			else if (lengths[k] > above)
				lengths[k + 1] = lengths[k];
			diagonal = above;
		}
	}
	return lengths[b->name_count];
}

/* The likeness of two traces in thousandths: the share of their names that they have in common. */
static unsigned likeness(const struct trace *a, const struct trace *b)
{
	return 2000 * common_names(a, b) / (a->name_count + b->name_count);
}

/* Pairs of traces that are alike. */
struct pairs {
	struct pair {
		uint32_t old, new;
	} *list;
	struct sort_entry *order;	/* by likeness */
	size_t count;
};

/* Adds the pairs of some traces, given by their numbers, that are alike. */
static void add_pairs(struct pairs *p, const struct side *a, const struct side *b, const uint32_t *old,
		      unsigned old_count, const uint32_t *new, unsigned new_count)
{
	for (unsigned i = 0; i < old_count; i++) {
		for (unsigned k = 0; k < new_count && p->count < PAIRS_MOST; k++) {
			unsigned like = likeness(&a->traces[old[i]], &b->traces[new[k]]);

			if (like < 500)
				continue;
			p->list[p->count] = (struct pair){ old[i], new[k] };
			p->order[p->count] = (struct sort_entry){ like, (uint32_t)p->count };
			p->count++;
		}
	}
}

/* The traces that are not paired, once for each of their users, ordered by user. Returns how many entries there are;
 * *order is NULL without memory. */
static uint32_t left_by_user(const struct side *s, struct sort_entry **order, struct arena *arena)
{
	uint32_t count = 0;

	*order = arena_alloc(arena, ((size_t)s->count * USERS + 1) * sizeof(**order));
	for (uint32_t i = 0; *order && i < s->count; i++) {
		for (unsigned u = 0; u < USERS && !s->traces[i].paired && s->traces[i].users[u]; u++)
			(*order)[count++] = (struct sort_entry){ s->traces[i].users[u], i };
	}
	if (*order)
		sort_largest(*order, count, count);
	return count;
}

/* Takes the traces with the same user from order[*at..count). Of more than RUN_MOST the first are taken. */
static unsigned take_run(const struct sort_entry *order, uint32_t count, uint32_t *at, uint32_t numbers[RUN_MOST])
{
	uint64_t user = order[*at].key;
	unsigned taken = 0;

	for (; *at < count && order[*at].key == user; ++*at) {
		if (taken < RUN_MOST)
			numbers[taken++] = order[*at].index;
	}
	return taken;
}

/* Finds the pairs among the traces that are left. */
static bool find_pairs(struct pairs *p, const struct side *a, const struct side *b, struct arena *arena)
{
	struct sort_entry *old, *new;
	uint32_t old_count = left_by_user(a, &old, arena), new_count = left_by_user(b, &new, arena);
	uint32_t i = 0, k = 0;

	p->list = arena_alloc(arena, PAIRS_MOST * sizeof(*p->list));
	p->order = arena_alloc(arena, PAIRS_MOST * sizeof(*p->order));
	if (!old || !new || !p->list || !p->order)
		return false;
	/* Both lists begin with the largest user. */
	while (i < old_count && k < new_count) {
		uint32_t olds[RUN_MOST], news[RUN_MOST];
		unsigned x, y;

		if (old[i].key > new[k].key) {
			i++;
			continue;
		}
		if (old[i].key < new[k].key) {
			k++;
			continue;
		}
		x = take_run(old, old_count, &i, olds);
		y = take_run(new, new_count, &k, news);
		add_pairs(p, a, b, olds, x, news, y);
	}
	return true;
}

static bool pair_rest(struct diff *d, struct side *a, struct side *b, struct arena *arena)
{
	struct pairs p = { .count = 0 };

	if (!find_pairs(&p, a, b, arena))
		return false;
	sort_largest(p.order, p.count, p.count);
	for (size_t n = 0; n < p.count; n++) {
		const struct pair *likest = &p.list[p.order[n].index];
		struct trace *old = &a->traces[likest->old], *new = &b->traces[likest->new];

		if (!old->paired && !new->paired)
			pair(d, old, new, true);
	}
	return true;
}

static bool is_gap(const struct diff_entry *e)
{
	return !e->in_old && !e->in_new;
}

/* Takes out the entries that have become a part of another one. */
static bool close_gaps(struct diff *d, struct arena *arena)
{
	uint32_t *place = arena_alloc(arena, (d->count + (size_t)1) * sizeof(*place)), kept = 0;

	if (!place)
		return false;
	for (uint32_t i = 0; i < d->count; i++)
		place[i] = is_gap(&d->list[i]) ? 0 : kept++;
	/* What an entry has become a part of is no gap, and stands behind it. */
	for (uint32_t i = 0; i < d->count; i++)
		place[i] = is_gap(&d->list[i]) ? place[d->list[i].moved_to] : place[i];
	for (uint32_t n = 0; n < d->older->all.count; n++)
		d->entry_of_old[n] = place[d->entry_of_old[n]];
	for (uint32_t n = 0; n < d->newer->all.count; n++)
		d->entry_of_new[n] = place[d->entry_of_new[n]];
	for (uint32_t i = 0; i < d->count; i++) {
		if (!is_gap(&d->list[i]))
			d->list[place[i]] = d->list[i];
	}
	d->count = kept;
	return true;
}

bool diff_make(struct diff *d, const struct model *older, const struct model *newer, struct arena *arena)
{
	struct side old = { 0 }, new = { 0 };

	*d = (struct diff){ .older = older, .newer = newer };
	d->list = arena_alloc(arena, ((size_t)older->all.count + newer->all.count + 1) * sizeof(*d->list));
	if (!d->list || !read_side(d, &old, false, arena) || !read_side(d, &new, true, arena) ||
	    !pair_same(d, &old, &new, arena) || !pair_rest(d, &old, &new, arena) || !close_gaps(d, arena))
		return false;
	for (uint32_t i = 0; i < d->count; i++) {
		model_add_values(d->was, d->list[i].was);
		model_add_values(d->is, d->list[i].is);
	}
	return true;
}
