/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See dwarf_info.h. One pass goes over the unit's DIEs. They come in pre-order; their levels follow
 * from the flag "has children" and from the zero that ends each list of children (DWARF 5, 2.3):
 *
 *	compile_unit			level 0
 *	  subprogram main		level 1, [0x1040, 0x1090)
 *	    inlined_subroutine f	level 2, [0x1044, 0x1050), called in line 12
 *
 * A function that has places in its ranges becomes a scope. It becomes the scope of each of these
 * places whose scope so far is farther outside. As a rule, names stand in other DIEs
 * (DW_AT_abstract_origin and DW_AT_specification, DWARF 5, 3.3.8.2 and 3.3.3), so they are looked
 * up afterwards, each once.
 */
#include "symbol/dwarf_info.h"

#include "base/sort.h"
#include "symbol/elf_file.h"

#define HOPS_MAX	16	/* from DIE to DIE on the way to a name; real files need 3 */

/* The attributes of a function's DIE. */
struct function {
	struct dwarf_extent extent;
	struct dwarf_value name, linkage, origin;
	struct dwarf_value call_file, call_line, sibling;
};

struct die_walk {
	struct dwarf *dwarf;
	struct dwarf_scopes *scopes;
	struct dwarf_place *places;
	size_t n;
	size_t found;			/* how many places have a scope */
	uint32_t current;		/* the innermost scope around the next DIE; 0: none */
	uint32_t level;			/* of the next DIE */
	bool flat;			/* functions are not looked for within other DIEs, unless these have places */
	bool passed;			/* DIEs were passed over meanwhile */
};

/* Whether a unit is in C, in whose debug data a function stands in no other DIE: neither in types nor, but for an
 * extension of GNU C, in other functions. */
static bool is_c(const struct dwarf_unit *u)
{
	switch (u->language) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_C17:
	case DW_LANG_C23:
		return true;
	}
	return false;
}

static void take_attr(struct function *f, unsigned name, struct dwarf_value v)
{
	if (dwarf_extent_take(&f->extent, name, v))
		return;
	switch (name) {
	case DW_AT_sibling:
		f->sibling = v;
		break;
	case DW_AT_name:
		f->name = v;
		break;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		f->linkage = v;
		break;
	case DW_AT_abstract_origin:
	case DW_AT_specification:
		f->origin = v;
		break;
	case DW_AT_call_file:
		f->call_file = v;
		break;
	case DW_AT_call_line:
		f->call_line = v;
		break;
	}
}

/* Reads the attributes that follow a DIE's code. */
static void read_function(struct cursor *c, const struct dwarf_unit *u,
			  const struct dwarf_abbrevs *abbrevs, const struct dwarf_abbrev *abbrev,
			  struct function *f)
{
	*f = (struct function){ .extent.low.kind = DWARF_NONE };
	for (uint32_t i = 0; i < abbrev->count && !c->bad; i++) {
		const struct dwarf_attr *attr = &abbrevs->attrs[abbrev->first + i];

		if (attr->name)
			take_attr(f, attr->name, dwarf_value(c, u, attr));
		else
			dwarf_skip(c, u, attr->form);
	}
}

static void skip_attrs(struct cursor *c, const struct dwarf_unit *u,
		       const struct dwarf_abbrevs *abbrevs, const struct dwarf_abbrev *abbrev)
{
	const struct dwarf_attr *attr, *end;

	if (!abbrev->count)		/* then a->attrs may be NULL */
		return;
	attr = &abbrevs->attrs[abbrev->first];
	end = attr + abbrev->count;
	while (attr < end && !c->bad) {
		cursor_skip(c, attr->run_bytes);
		attr += attr->run;
		if (attr < end && !attr->run)
			dwarf_skip(c, u, attr++->form);
	}
}

/* The number of a file or line. 0: unknown. */
static uint32_t number_of(struct dwarf_value v)
{
	return v.kind == DWARF_CONSTANT && v.u <= UINT32_MAX ? (uint32_t)v.u : 0;
}

/* Takes the name that a DIE has itself, and the DIE that may have a better one. */
static void take_name(struct dwarf *d, const struct dwarf_unit *u, const struct function *f,
		      struct dwarf_scope *s)
{
	uint64_t text = s->linked ? 0 : dwarf_text(d, u, f->linkage);

	if (text) {
		s->function.text = text;
		s->linked = true;
	} else if (!s->function.text) {
		s->function.text = dwarf_text(d, u, f->name);
		s->is_c = is_c(u);
	}
	if (f->origin.kind == DWARF_ELSEWHERE)
		d->file->unread |= SYMBOL_UNREAD_ALTERNATE;
	s->origin = f->origin.kind == DWARF_REFERENCE && !s->linked ? f->origin.u : 0;
}

/* Adds a scope within the current one. Returns its index, or 0: too many, or no memory. */
static uint32_t add_scope(struct die_walk *w, const struct function *f, bool inlined)
{
	struct dwarf_scopes *scopes = w->scopes;
	uint32_t depth = inlined && w->current ? scopes->scope[w->current].depth + 1 : 0;
	struct dwarf_scope *s;

	if (depth >= DWARF_DEPTH_MAX ||
	    !dwarf_grow(w->dwarf, (void **)&scopes->scope, scopes->count, &scopes->room,
			scopes->max, sizeof(*s)))
		return 0;
	s = &scopes->scope[scopes->count];
	*s = (struct dwarf_scope){
		.parent = w->current, .depth = depth, .level = w->level, .inlined = inlined,
		.call_file = number_of(f->call_file), .call_line = number_of(f->call_line),
	};
	take_name(w->dwarf, &w->dwarf->unit, f, s);
	return scopes->count++;
}

/* Whether a scope is the current one or lies around it. */
static bool is_around(const struct die_walk *w, uint32_t scope)
{
	for (uint32_t i = w->current; i && i >= scope; i = w->scopes->scope[i].parent) {
		if (i == scope || !dwarf_step(w->dwarf, 1))
			return true;
	}
	return false;
}

/*
 * Whether a function gets a place whose scope so far is p->scope. Functions that are not within
 * each other can share an address, where the linker folded identical code. Then the one with the
 * smallest range there gets it, and of equal ones the last, as with addr2line. Functions that are
 * inlined into the others must not get the address.
 */
static bool is_better(const struct die_walk *w, const struct dwarf_place *p, uint64_t bytes,
		      bool inlined)
{
	return !p->scope || (!inlined && bytes <= p->piece_bytes) || is_around(w, p->scope);
}

/*
 * Gives a function the places in its ranges, and makes it the current scope if there are any. An
 * inlined function without ranges (strict DWARF 2 cannot write several) becomes the current scope,
 * too: it gets no places, but functions inlined into it can. True: the function is the current
 * scope now.
 */
static bool enter(struct die_walk *w, const struct function *f, bool inlined)
{
	uint32_t scope = 0;
	struct dwarf_ranges r;
	uint64_t low, high;

	if (inlined && w->current && f->extent.low.kind == DWARF_NONE &&
	    f->extent.ranges.kind == DWARF_NONE)
		scope = add_scope(w, f, inlined);
	dwarf_ranges_open(&r, w->dwarf, &w->dwarf->unit, &f->extent);
	while (dwarf_ranges_next(&r, &low, &high)) {
		size_t i;

		if (high <= w->places[0].addr || low > w->places[w->n - 1].addr)
			continue;
		i = dwarf_place_from(w->places, w->n, low);
		if (i == w->n || w->places[i].addr >= high || !elf_code_at(w->dwarf->elf, low))
			continue;
		for (; i < w->n && w->places[i].addr < high; i++) {
			struct dwarf_place *p = &w->places[i];

			if (!dwarf_step(w->dwarf, 1))
				return false;
			if (p->scope && p->scope == scope)
				continue;
			if (!is_better(w, p, high - low, inlined))
				continue;
			if (!scope)
				scope = add_scope(w, f, inlined);
			if (!scope)
				return false;
			w->found += !p->scope;
			p->scope = scope;
			p->piece_bytes = high - low;
		}
	}
	if (scope)
		w->current = scope;
	return scope != 0;
}

/* Whether the walk passes over all DIEs within one that has this tag. A function with a place is never passed over. */
static bool passes_over(const struct die_walk *w, unsigned tag)
{
	switch (tag) {
	case DW_TAG_inlined_subroutine:
	case DW_TAG_enumeration_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
		return true;
	case DW_TAG_lexical_block:
		return false;
	default:
		return w->flat && w->level;
	}
}

/* Handles a DIE whose code has been read. */
static void visit(struct die_walk *w, struct cursor *c, const struct dwarf_abbrev *abbrev)
{
	const struct dwarf_unit *u = &w->dwarf->unit;
	const struct dwarf_abbrevs *abbrevs = &w->dwarf->abbrevs;
	bool inlined = abbrev->tag == DW_TAG_inlined_subroutine;
	/* A subprogram without a location is a declaration, or the origin of inlined functions. */
	bool function = inlined || (abbrev->tag == DW_TAG_subprogram && abbrev->located);
	bool prune = abbrev->children && passes_over(w, abbrev->tag);
	struct function f;

	if (function || prune)
		read_function(c, u, abbrevs, abbrev, &f);
	else
		skip_attrs(c, u, abbrevs, abbrev);
	if (function && enter(w, &f, inlined))
		prune = false;
	if (!abbrev->children)
		return;
	if (prune && f.sibling.kind == DWARF_REFERENCE && f.sibling.u > cursor_at(c) && f.sibling.u <= u->end) {
		cursor_seek(c, f.sibling.u);
		w->passed |= w->flat;
	} else {
		w->level++;
	}
}

/* Leaves the scopes whose DIEs have ended: those at the next DIE's level and farther inside. */
static void leave(struct die_walk *w)
{
	while (w->current && w->scopes->scope[w->current].level >= w->level)
		w->current = w->scopes->scope[w->current].parent;
}

static void walk(struct die_walk *w)
{
	struct dwarf *d = w->dwarf;
	struct cursor *c = &d->info;

	cursor_open(c, &d->section[DWARF_INFO], d->unit.first, d->unit.end);
	while (cursor_left(c) && dwarf_step(d, 1)) {
		uint64_t code = cursor_uleb(c);
		const struct dwarf_abbrev *abbrev;

		if (!code) {
			if (w->level <= 1)
				break;		/* the end of the unit's children */
			w->level--;
			continue;
		}
		leave(w);
		/* Each place has a function, and the DIEs within these functions have been read. */
		if (w->found == w->n && !w->current)
			break;
		abbrev = dwarf_abbrev_find(&d->abbrevs, code);
		if (!abbrev)
			break;
		visit(w, c, abbrev);
	}
}

/* In C, functions within functions are looked for only if places are left without one. Should that be too much work,
 * the other places keep their functions, and enough work is left to find the names. */
void dwarf_info_walk(struct dwarf *d, struct dwarf_scopes *scopes, struct dwarf_place *places,
		     size_t n)
{
	struct die_walk w = { .dwarf = d, .scopes = scopes, .places = places, .n = n, .flat = is_c(&d->unit) };

	walk(&w);
	if (w.passed && w.found < n) {
		uint64_t kept = d->steps / 2;

		w.flat = false;
		w.current = w.level = 0;
		d->steps -= kept;
		walk(&w);
		d->steps += kept;
	}
}

/* Names */

/* Finds the unit of a DIE and its abbreviations. False: they cannot be read. */
static bool find_unit(struct dwarf *d, uint64_t die, const struct dwarf_unit **u,
		    const struct dwarf_abbrevs **abbrevs)
{
	if (die >= d->unit.first && die < d->unit.end) {
		*u = &d->unit;
		*abbrevs = &d->abbrevs;
		return true;
	}
	*u = &d->side_unit;
	*abbrevs = &d->side_abbrevs;
	return dwarf_side_unit(d, die);
}

/* Goes from a scope's origin to that DIE's origin, and so on, until a DIE has the linkage name or no
 * origin. */
static void follow_origins(struct dwarf *d, struct dwarf_scope *s)
{
	struct cursor *c = &d->side_info;

	for (int hop = 0; s->origin && hop < HOPS_MAX && dwarf_step(d, 1); hop++) {
		const struct dwarf_abbrevs *abbrevs;
		const struct dwarf_abbrev *abbrev;
		const struct dwarf_unit *u;
		struct function f;

		if (!find_unit(d, s->origin, &u, &abbrevs))
			return;
		cursor_open(c, &d->section[DWARF_INFO], s->origin, u->end);
		abbrev = dwarf_abbrev_find(abbrevs, cursor_uleb(c));
		if (!abbrev)
			return;
		read_function(c, u, abbrevs, abbrev, &f);
		if (c->bad)
			return;
		take_name(d, u, &f, s);
	}
}

void dwarf_info_names(struct dwarf *d, struct dwarf_scopes *scopes, uint32_t first)
{
	uint32_t n = scopes->count - first;
	struct arena work = { .spares = d->file->spares };
	struct sort_entry *order = arena_alloc(&work, n * sizeof(*order) + 1);
	const struct dwarf_scope *last = NULL;
	uint64_t last_origin = 0;

	d->no_memory |= !order;
	for (uint32_t i = 0; order && i < n; i++)
		order[i] = (struct sort_entry){ ~scopes->scope[first + i].origin, first + i };
	if (order)
		sort_largest(order, n, n);
	/* In the order of the file, so that windows move forward. Scopes without an origin come
	 * first. */
	for (uint32_t i = 0; order && i < n; i++) {
		struct dwarf_scope *s = &scopes->scope[order[i].index];
		uint64_t origin = s->origin;

		if (!origin)
			continue;
		if (last && origin == last_origin && !s->function.text) {
			s->function = last->function;
			s->linked = last->linked;
			s->is_c = last->is_c;
			continue;
		}
		follow_origins(d, s);
		last = s;
		last_origin = origin;
	}
	arena_release(&work);
}
