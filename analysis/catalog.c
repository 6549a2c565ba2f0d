/* SPDX-License-Identifier: GPL-2.0-only */
/* See catalog.h. Each kind of thing has an array of what is known, and an index of that array. */
#include "catalog.h"

#include "base/hash.h"
#include "base/hash_index.h"
#include "base/room.h"
#include "names.h"
#include "wrappers.h"

#include <string.h>

struct maker {
	struct catalog *c;
	struct arena *arena;
	uint32_t text_room, module_room, function_room, place_room, address_room, node_room;
	struct hash_index texts, modules, functions, addresses, nodes;
	const void **identities;	/* of each address: its struct name; NULL: it has none */
	uint32_t identity_room;
	struct model_stack stack;
};

/* hash_index_find() with the maker as context. */
static bool find(struct maker *k, struct hash_index *x, uint64_t hash, hash_index_same *same, const void *wanted,
		 uint32_t next, uint32_t *number, bool *is_new)
{
	return hash_index_find(x, k->arena, hash, same, k, wanted, next, number, is_new);
}

/* ---- Texts, modules, functions ---- */

static bool same_text(const void *context, uint32_t number, const void *wanted)
{
	const struct maker *k = context;

	return !strcmp(k->c->texts[number], wanted);
}

/* text: NULL stands for CATALOG_NO_TEXT. */
static bool add_text(struct maker *k, const char *text, uint32_t *number)
{
	struct catalog *c = k->c;
	bool is_new;

	if (!text)
		text = "";
	if (!room_make(k->arena, &c->texts, sizeof(*c->texts), &k->text_room, c->text_count + 1) ||
	    !find(k, &k->texts, hash_text(text), same_text, text, c->text_count, number, &is_new))
		return false;
	if (is_new)
		c->texts[c->text_count++] = text;
	return true;
}

static bool same_module(const void *context, uint32_t number, const void *wanted)
{
	const struct maker *k = context;
	const struct catalog_module *a = &k->c->modules[number], *b = wanted;

	return number != CATALOG_NO_MODULE && a->path == b->path && a->start == b->start;
}

/* The module of a frame, which is in one. */
static bool add_module(struct maker *k, const struct frame *f, uint32_t *number)
{
	const struct module *m = f->name ? f->name->module : NULL;
	struct catalog_module wanted = { .path = CATALOG_NO_TEXT };
	struct catalog *c = k->c;
	bool is_new;

	if (!add_text(k, f->module, &wanted.path))
		return false;
	if (m) {
		wanted.start = m->start;
		wanted.end = m->end;
		wanted.bias = m->bias;
		wanted.build_id_bytes = m->build_id_bytes > CATALOG_BUILD_ID_MAX ? 0 : m->build_id_bytes;
		memcpy(wanted.build_id, m->build_id, wanted.build_id_bytes);
	}
	if (!room_make(k->arena, &c->modules, sizeof(*c->modules), &k->module_room, c->module_count + 1) ||
	    !find(k, &k->modules, hash_add(wanted.path, wanted.start), same_module, &wanted, c->module_count, number, &is_new))
		return false;
	if (is_new)
		c->modules[c->module_count++] = wanted;
	return true;
}

static bool same_called(const void *context, uint32_t number, const void *wanted)
{
	const struct maker *k = context;
	const struct catalog_function *a = &k->c->functions[number], *b = wanted;

	return a->name == b->name && a->module == b->module;
}

static bool add_function(struct maker *k, const char *name, uint32_t module, uint32_t *number)
{
	struct catalog_function wanted = { .module = module };
	struct catalog *c = k->c;
	bool is_new;

	if (!add_text(k, name, &wanted.name) ||
	    !room_make(k->arena, &c->functions, sizeof(*c->functions), &k->function_room, c->function_count + 1) ||
	    !find(k, &k->functions, hash_add(wanted.name, module), same_called, &wanted, c->function_count, number, &is_new))
		return false;
	if (is_new)
		c->functions[c->function_count++] = wanted;
	return true;
}

/* ---- Addresses and stacks ---- */

static bool same_address(const void *context, uint32_t number, const void *wanted)
{
	const struct maker *k = context;
	const struct frame *f = wanted;

	return k->identities[number] == f->name && k->c->addresses[number].pc == f->pc;
}

/* Adds the functions in which an address lies. */
static bool add_places(struct maker *k, const struct frame *f, struct catalog_address *a)
{
	struct catalog *c = k->c;

	a->first_place = c->place_count;
	for (unsigned i = 0; i < f->call_count; i++) {
		struct frame_call call = frame_call(f, i);
		struct catalog_place *p;

		if (!room_make(k->arena, &c->places, sizeof(*c->places), &k->place_room, c->place_count + 1))
			return false;
		p = &c->places[c->place_count];
		*p = (struct catalog_place){ .line = call.line, .offset = call.offset, .inlined = call.inlined };
		if (!add_function(k, call.function, a->module, &p->function) || !add_text(k, call.file, &p->file))
			return false;
		c->place_count++;
	}
	a->place_count = c->place_count - a->first_place;
	return true;
}

static bool add_address(struct maker *k, const struct frame *f, uint32_t *number)
{
	struct catalog_address a = { .pc = f->pc, .module_offset = f->module_offset, .instruction = f->pc };
	struct catalog *c = k->c;
	bool is_new;

	if (!room_make(k->arena, &c->addresses, sizeof(*c->addresses), &k->address_room, c->address_count + 1) ||
	    !room_make(k->arena, &k->identities, sizeof(*k->identities), &k->identity_room, c->address_count + 1) ||
	    !find(k, &k->addresses, hash_add(f->pc, (uintptr_t)f->name), same_address, f, c->address_count, number, &is_new))
		return false;
	if (!is_new)
		return true;
	if (!f->name || !f->name->exact)
		a.instruction--;
	if ((f->module && !add_module(k, f, &a.module)) || !add_places(k, f, &a))
		return false;
	k->identities[c->address_count] = f->name;
	c->addresses[c->address_count++] = a;
	return true;
}

static bool same_node(const void *context, uint32_t number, const void *wanted)
{
	const struct maker *k = context;
	const struct catalog_node *a = &k->c->nodes[number], *b = wanted;

	return number && a->outer == b->outer && a->address == b->address;
}

/* Finds the node of an address within an outer node: *node is the outer one, and then the inner one. */
static bool add_node(struct maker *k, uint32_t address, uint32_t *node)
{
	struct catalog_node wanted = { .outer = *node, .address = address };
	struct catalog *c = k->c;
	bool is_new;

	if (!room_make(k->arena, &c->nodes, sizeof(*c->nodes), &k->node_room, c->node_count + 1) ||
	    !find(k, &k->nodes, hash_add(wanted.outer, address), same_node, &wanted, c->node_count, node, &is_new))
		return false;
	if (is_new)
		c->nodes[c->node_count++] = wanted;
	return true;
}

static bool add_row(struct maker *k, const struct model_row *row, uint32_t *node)
{
	*node = 0;
	model_stack(k->c->model, row, &k->stack);
	for (unsigned i = k->stack.count; i--;) {
		struct frame f = model_frame(&k->stack, i);
		uint32_t address;

		if (!add_address(k, &f, &address) || !add_node(k, address, node))
			return false;
	}
	return true;
}

/* Adds those things whose numbers are 0: the text "", the module of code in no module, the root of the stacks. */
static bool add_first(struct maker *k)
{
	struct catalog *c = k->c;
	uint32_t number;

	if (!add_text(k, NULL, &number) ||
	    !room_make(k->arena, &c->modules, sizeof(*c->modules), &k->module_room, 1) ||
	    !room_make(k->arena, &c->nodes, sizeof(*c->nodes), &k->node_room, 1))
		return false;
	c->module_count = c->node_count = 1;
	return true;
}

bool catalog_is_wrapper(const struct catalog *c, uint32_t i)
{
	const struct catalog_function *f = &c->functions[i];
	const char *name = f->name != CATALOG_NO_TEXT ? c->texts[f->name] : NULL;

	return wrappers_is_of(c->model->options, name, c->texts[c->modules[f->module].path]);
}

struct catalog *catalog_make(const struct model *m, struct arena *arena)
{
	struct maker *k = arena_alloc(arena, sizeof(*k));
	struct catalog *c = arena_alloc(arena, sizeof(*c));
	uint32_t *rows = arena_alloc(arena, ((size_t)m->all.count + 1) * sizeof(*rows));

	if (!k || !c || !rows)
		return NULL;
	*k = (struct maker){ .c = c, .arena = arena };
	c->model = m;
	c->rows = rows;
	if (!add_first(k))
		return NULL;
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);

		if (!add_row(k, &row, &rows[n]))
			return NULL;
	}
	return c;
}
