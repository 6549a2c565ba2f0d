/* SPDX-License-Identifier: GPL-2.0-only */
/* See labels.h. */
#include "labels.h"

#include "base/hash.h"
#include "base/out.h"
#include "base/room.h"
#include "base/same_text.h"
#include "wrappers.h"

#include <string.h>

#define FIRST_ROOM	1024u

/* The labels of the calls of one address. */
struct labels_name {
	const struct name *name;
	uint32_t first;		/* in labels.calls */
};

bool labels_init(struct labels *l, const struct model *m, struct arena *arena)
{
	*l = (struct labels){
		.model = m, .arena = arena, .room = FIRST_ROOM, .name_room = FIRST_ROOM, .call_room = FIRST_ROOM,
	};
	l->list = arena_alloc(arena, l->room * sizeof(*l->list));
	l->names = arena_alloc(arena, l->name_room * sizeof(*l->names));
	l->calls = arena_alloc(arena, l->call_room * sizeof(*l->calls));
	if (!l->list || !l->names || !l->calls)
		return false;
	l->list[LABEL_TABLE_FULL] = (struct label){ .function = MODEL_TABLE_FULL };
	l->list[LABEL_HIDDEN] = (struct label){ .function = MODEL_ALL_HIDDEN };
	l->count = 2;
	return true;
}

/* ---- Labels ---- */

static bool is_label(const void *context, uint32_t number, const void *wanted)
{
	const struct labels *l = context;
	const struct label *a = &l->list[number], *b = wanted;

	return same_text(a->function, b->function) && same_text(a->module, b->module);
}

bool labels_find(struct labels *l, const char *function, const char *module, uint32_t *label)
{
	uint64_t hash = hash_add(function ? hash_text(function) : 0, module ? hash_text(module) : 0);
	struct label wanted = { .function = function, .module = module };
	bool is_new;

	if (!room_make(l->arena, &l->list, sizeof(*l->list), &l->room, l->count + 1) ||
	    !hash_index_find(&l->index, l->arena, hash, is_label, l, &wanted, l->count, label, &is_new))
		return false;
	if (is_new) {
		wanted.wrapper = wrappers_is_of(l->model->options, function, module);
		l->list[l->count++] = wanted;
	}
	return true;
}

/* ---- Labels of an address ---- */

static bool is_name(const void *context, uint32_t number, const void *wanted)
{
	const struct labels *l = context;

	return l->names[number].name == wanted;
}

/* Finds the number of a struct name in l->names. next: as for hash_index_find(). */
static bool find_name(struct labels *l, const struct name *name, uint32_t next, uint32_t *number)
{
	bool is_new;

	return hash_index_find(&l->name_index, l->arena, hash_add(0, (uintptr_t)name), is_name, l, name, next, number,
			       &is_new);
}

/* The labels of a frame's calls, f->call_count of them. NULL: there is no memory. */
static const uint32_t *labels_of(struct labels *l, const struct frame *f)
{
	uint32_t number = HASH_INDEX_NONE;

	if (f->name && !find_name(l, f->name, HASH_INDEX_NONE, &number))
		return NULL;
	if (number != HASH_INDEX_NONE)
		return l->calls + l->names[number].first;
	if (!room_make(l->arena, &l->calls, sizeof(*l->calls), &l->call_room, l->call_count + f->call_count))
		return NULL;
	for (unsigned i = 0; i < f->call_count; i++) {
		if (!labels_find(l, frame_call(f, i).function, f->module, &l->calls[l->call_count + i]))
			return NULL;
	}
	if (!f->name)		/* there was no memory for its name: the place is used again */
		return l->calls + l->call_count;
	if (!room_make(l->arena, &l->names, sizeof(*l->names), &l->name_room, l->name_count + 1) ||
	    !find_name(l, f->name, l->name_count, &number))
		return NULL;
	l->names[l->name_count++] = (struct labels_name){ f->name, l->call_count };
	l->call_count += f->call_count;
	return l->calls + l->names[number].first;
}

/* ---- Calls of a row ---- */

bool labels_read_row(struct labels *l, struct labels_row *r)
{
	r->count = 0;
	model_stack(l->model, &r->row, &r->stack);
	for (unsigned i = 0; i < r->stack.count && !r->row.overflow; i++) {
		struct frame f = model_frame(&r->stack, i);
		const uint32_t *labels = labels_of(l, &f);

		if (!labels)
			return false;
		for (unsigned at = 0; at < f.call_count && r->count < LABELS_CALLS_MAX; at++) {
			if (r->count && r->calls[r->count - 1].label == labels[at] && !l->list[labels[at]].function)
				continue;
			r->calls[r->count++] = (struct labels_call){ labels[at], (uint8_t)i, (uint8_t)at };
		}
	}
	if (!r->count)
		r->calls[r->count++] = (struct labels_call){ .label = r->row.overflow ? LABEL_TABLE_FULL : LABEL_HIDDEN };
	return true;
}

bool labels_read(struct labels *l, uint32_t n, struct labels_row *r)
{
	r->row = model_row(l->model, &l->model->all, n);
	return labels_read_row(l, r);
}

/* Whether the call is not what uses the memory, so that the next one outward has to be asked. */
static bool is_passed(const struct labels *l, const struct labels_call *call)
{
	const struct label *label = &l->list[call[0].label], *next = &l->list[call[1].label];

	return label->wrapper || (!label->function && next->function && same_text(label->module, next->module));
}

unsigned labels_user(const struct labels *l, const struct labels_row *r)
{
	unsigned i = 0;

	while (i + 1 < r->count && is_passed(l, &r->calls[i]))
		i++;
	return i;
}

/* ---- Threads ---- */

#define THREADS_BYTES	(MODEL_THREADS * 40)

bool labels_of_threads(struct labels *l, uint64_t set, uint32_t *label)
{
	struct model_threads threads;
	char buf[THREADS_BYTES];
	struct out text = out_memory(buf, sizeof(buf));
	const char *copy;

	*label = l->thread_label - 1;
	if (l->thread_label && l->thread_set == set)
		return true;
	model_threads(l->model, set, &threads);
	for (unsigned i = 0; i < threads.count; i++) {
		out_text(&text, i ? ", " : "");
		out_text(&text, threads.list[i].name);
		out_text(&text, threads.list[i].name[0] ? " " : "");
		out_u64(&text, threads.list[i].id);
	}
	if (threads.many)
		out_text(&text, threads.count ? " and others" : "many");
	copy = arena_copy(l->arena, out_string(&text), out_length(&text));
	if (!copy || !labels_find(l, copy, "", label))
		return false;
	l->thread_set = set;
	l->thread_label = *label + 1;
	return true;
}
