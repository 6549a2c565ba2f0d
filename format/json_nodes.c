/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses of nodes in a page, packed: see json_numbers.h and json.h.
 *
 * From one address few others are called, mostly. So a node is written as the place of its address among those that
 * nodes before it have had whose outer node has the same address as its own outer node has: 0 for the first one of
 * these, and so on. A place that is not taken yet means an address that is new there. These stand in a list of their
 * own, in their order, as differences.
 *
 *	main (5) <- load (7)	the first one within 5: 0, and 7 is new
 *	main (5) <- save (9)	the second one within 5: 1, and 9 is new
 *	main (5) <- load (7)	0, of a thread of its own
 *
 * Nodes whose outer node is the root are within an address of their own, behind the last one.
 */
#include "json_numbers.h"

#include "analysis/catalog.h"
#include "base/hash.h"

struct call {
	uint32_t from, to;	/* addresses */
	uint32_t place;		/* + 1; 0: a free slot */
};

struct calls {
	struct call *slots;	/* open addressing, at most half full */
	uint32_t size;
	uint32_t *taken;	/* of each address: how many places are taken */
	uint32_t *fresh;	/* addresses that were new where they came */
	uint32_t fresh_count;
};

static bool init(struct calls *x, const struct catalog *c, struct arena *arena)
{
	*x = (struct calls){ .size = 16 };
	while (x->size / 2 < c->node_count)
		x->size *= 2;
	x->slots = arena_alloc_plenty(arena, x->size * sizeof(*x->slots));
	x->taken = arena_alloc_plenty(arena, ((size_t)c->address_count + 1) * sizeof(*x->taken));
	x->fresh = arena_alloc_plenty(arena, ((size_t)c->node_count + 1) * sizeof(*x->fresh));
	return x->slots && x->taken && x->fresh;
}

static uint32_t place_of(struct calls *x, uint32_t from, uint32_t to)
{
	for (uint32_t at = (uint32_t)hash_add(from, to);; at++) {
		struct call *s = &x->slots[at & (x->size - 1)];

		if (s->place && (s->from != from || s->to != to))
			continue;
		if (!s->place) {
			*s = (struct call){ from, to, ++x->taken[from] };
			x->fresh[x->fresh_count++] = to;
		}
		return s->place - 1;
	}
}

void json_write_nodes(const struct catalog *c, struct numbers_packing *packing, struct arena *arena, struct out *out)
{
	struct calls x;

	if (!packing || !init(&x, c, arena)) {
		NUMBERS_WRITE(out, packing, false, "address", numbers_form(packing, NUMBERS_PACKED), c->node_count, v,
			      v = c->nodes[i].address);
		return;
	}
	NUMBERS_WRITE(out, packing, false, "address", NUMBERS_NODES, c->node_count, v,
		      uint32_t outer = c->nodes[i].outer;
		      uint32_t from = outer ? c->nodes[outer].address : c->address_count;
		      v = i ? place_of(&x, from, c->nodes[i].address) : 0);
	NUMBERS_WRITE(out, packing, false, "fresh", NUMBERS_DIFFERENCES, x.fresh_count, v, v = x.fresh[i]);
}
