/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All rows of a model as small numbers, for formats that write each text, function and address once, and refer to them
 * by numbers.
 *
 *	texts[]		"parse(char const*)", "src/parse.cc"
 *	modules[]	{path, build id, where it lay}
 *	functions[]	{name, module}
 *	addresses[]	{pc, module}, with one or several of ...
 *	places[]	... {function, file, line}, the inlined ones first
 *	nodes[]		{address, the node outward of it}: all stacks as one tree, whose root is node 0
 *	rows[]		the node of the innermost frame of each row of model.all, in that order
 *
 * So a row's stack, innermost frame first, is rows[n], and from there nodes[].outer, until node 0:
 *
 *	for (uint32_t i = c->rows[n]; i; i = c->nodes[i].outer)
 *		... c->addresses[c->nodes[i].address]
 *
 * A node comes after its outer node. The overflow row, and a row of which --hide has taken every frame, have node 0.
 *
 * The numbers are the same in each call for the same model, but not in the next report. The memory is the caller's
 * arena.
 */
#ifndef ANALYSIS_CATALOG_H
#define ANALYSIS_CATALOG_H

#include "model.h"

#define CATALOG_NO_TEXT		0u	/* the number of the text that stands for an unknown one: "" */
#define CATALOG_NO_MODULE	0u	/* the number of the module that stands for code in no module */

#define CATALOG_BUILD_ID_MAX	20u

struct catalog_module {
	uint32_t path;			/* a text; CATALOG_NO_TEXT: of CATALOG_NO_MODULE; "?": not known */
	uint64_t start, end;		/* the addresses at which it lay, end excluded; both 0: not known */
	uint64_t bias;			/* address in memory minus address in the file (p_vaddr) */
	uint8_t build_id_bytes;		/* 0: none is known */
	uint8_t build_id[CATALOG_BUILD_ID_MAX];
};

struct catalog_function {
	uint32_t name;			/* a text; CATALOG_NO_TEXT: unknown. The functions without names of a module are
					 * one */
	uint32_t module;
};

struct catalog_place {
	uint32_t function;
	uint32_t file;			/* a text; CATALOG_NO_TEXT: unknown */
	uint32_t line;			/* 0: unknown */
	uint64_t offset;		/* as in struct frame_call */
	bool inlined;			/* into the function of the next place */
};

struct catalog_address {
	uint64_t pc, module_offset;	/* as in struct frame */
	uint64_t instruction;		/* an address within the instruction that the places are of: a return address
					 * stands for the call before it */
	uint32_t module;
	uint32_t first_place, place_count;	/* in places; at least one */
};

struct catalog_node {
	uint32_t outer;			/* the node of the caller; 0: there is none */
	uint32_t address;
};

struct catalog {
	const struct model *model;
	const char **texts;		/* [0] is "" */
	struct catalog_module *modules;	/* [0] is CATALOG_NO_MODULE */
	struct catalog_function *functions;
	struct catalog_place *places;
	struct catalog_address *addresses;
	struct catalog_node *nodes;	/* [0] is the root, and has no address */
	uint32_t *rows;			/* model.all.count of them */
	uint32_t text_count, module_count, function_count, place_count, address_count, node_count;
};

/* Whether function i is an allocation function, or one that allocates for whoever calls it (wrappers.h). */
bool catalog_is_wrapper(const struct catalog *c, uint32_t i);

/* Makes the catalog of a model that has model.all with names. NULL: there is no memory. */
struct catalog *catalog_make(const struct model *m, struct arena *arena);

#endif
