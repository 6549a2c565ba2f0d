/* SPDX-License-Identifier: GPL-2.0-only */
/* See users.h. */
#include "users.h"

#include "base/room.h"
#include "base/same_text.h"
#include "runtime.h"

#define FUNCTION_LEAST	5u	/* a function that has less than one part in so many is not named first */

static const enum sort_key keys[] = { SORT_SIZE, SORT_HEAP_PEAK, SORT_TOTAL_COUNT, SORT_TEMPORARY };

#define KEYS	(sizeof(keys) / sizeof(*keys))

/* A function that uses memory, with sums over its rows for each of these keys. */
struct user {
	uint64_t sums[KEYS];
	uint64_t most[KEYS];		/* the largest figure of one of its rows, */
	uint32_t row[KEYS];		/* and which row of model.all that is */
};

bool users_add_up(struct users *u, const struct model *m, struct arena *arena)
{
	*u = (struct users){ .room = 0 };
	u->row = arena_alloc(arena, sizeof(*u->row));
	if (!u->row || !labels_init(&u->labels, m, arena))
		return false;
	for (uint32_t n = 0; n < m->all.count; n++) {
		uint32_t label;
		struct user *user;

		if (!labels_read(&u->labels, n, u->row))
			return false;
		label = u->row->calls[labels_user(&u->labels, u->row)].label;
		if (!room_make(arena, &u->list, sizeof(*u->list), &u->room, label + 1))
			return false;
		user = &u->list[label];
		for (unsigned i = 0; i < KEYS; i++) {
			uint64_t value = u->row->row.values[keys[i]];

			if (keys[i] == SORT_SIZE && value && m->moment.ended && runtime_keeps(m, &u->row->row)) {
				u->kept += value;
				continue;
			}
			user->sums[i] += value;
			if (value > user->most[i]) {
				user->most[i] = value;
				user->row[i] = n;
			}
		}
	}
	return true;
}

/* The label with the largest sum, of a module or, with NULL, of all. UINT32_MAX: none has one. */
static uint32_t largest_label(const struct users *u, unsigned key, const char *module)
{
	uint32_t most = UINT32_MAX;

	for (uint32_t n = 0; n < u->labels.count && n < u->room; n++) {
		if (u->list[n].sums[key] && (!module || same_text(u->labels.list[n].module, module)) &&
		    (most == UINT32_MAX || u->list[n].sums[key] > u->list[most].sums[key]))
			most = n;
	}
	return most;
}

/* The module whose functions have the largest sum: *figure. NULL: none has a path, or there is no memory. */
static const char *largest_module(struct users *u, unsigned key, uint64_t *figure)
{
	uint32_t count = u->labels.count < u->room ? u->labels.count : u->room;
	/* By the label of a module, of which there may be as many new ones. */
	uint64_t *sums = arena_alloc(u->labels.arena, ((size_t)u->labels.count + count) * sizeof(*sums));
	const char *most = NULL;

	*figure = 0;
	for (uint32_t n = 0; sums && n < count; n++) {
		const char *module = u->labels.list[n].module;
		uint32_t label;

		if (!u->list[n].sums[key] || !module || !labels_find(&u->labels, NULL, module, &label))
			continue;
		sums[label] += u->list[n].sums[key];
		if (sums[label] > *figure) {
			*figure = sums[label];
			most = module;
		}
	}
	return most;
}

struct users_source users_largest(struct users *u, enum sort_key key, uint64_t whole)
{
	struct users_source s = { .figure = 0 };
	unsigned i = 0;

	while (keys[i] != key)
		i++;
	s.label = largest_label(u, i, NULL);
	if (s.label == UINT32_MAX)
		return s;
	s.figure = u->list[s.label].sums[i];
	if (s.figure < whole / FUNCTION_LEAST) {
		uint64_t figure;
		const char *module = largest_module(u, i, &figure);

		if (module && figure >= whole / FUNCTION_LEAST) {
			s.module = module;
			s.figure = figure;
			s.label = largest_label(u, i, module);
		}
	}
	s.of_label = u->list[s.label].sums[i];
	s.row = u->list[s.label].row[i];
	return s;
}
