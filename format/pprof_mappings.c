/* SPDX-License-Identifier: GPL-2.0-only */
/* The modules in a profile for pprof: see pprof.h. */
#include "pprof.h"

#include "pprof_wire.h"

#include "analysis/code_segment.h"

#include <string.h>

/* The fields of the message Mapping. */
enum {
	MAPPING_ID = 1, MAPPING_START, MAPPING_LIMIT, MAPPING_OFFSET, MAPPING_FILE, MAPPING_BUILD_ID,
	MAPPING_HAS_FUNCTIONS, MAPPING_HAS_FILES, MAPPING_HAS_LINES, MAPPING_HAS_INLINES,
};

/* What is known of a module. pprof looks up names itself for a module of which nothing is known. */
struct known {
	bool functions, files, lines;
};

struct mapping {
	const struct pprof *profile;
	struct known known;
	struct code_segment segment;
};

static void write_mapping(const void *context, uint32_t module, struct out *out)
{
	const struct mapping *m = context;
	const struct pprof *p = m->profile;
	const struct catalog_module *from = &p->catalog->modules[module];
	bool known = strcmp(p->catalog->texts[from->path], "?") != 0;

	pprof_wire_field(out, MAPPING_ID, p->mapping_ids[module]);
	pprof_wire_field(out, MAPPING_START, m->segment.start);
	pprof_wire_field(out, MAPPING_LIMIT, m->segment.end);
	pprof_wire_field(out, MAPPING_OFFSET, m->segment.file_offset);
	pprof_wire_field(out, MAPPING_FILE, known ? from->path : CATALOG_NO_TEXT);
	pprof_wire_field(out, MAPPING_BUILD_ID, from->build_id_bytes ? pprof_build_id(p, module) : CATALOG_NO_TEXT);
	pprof_wire_field(out, MAPPING_HAS_FUNCTIONS, m->known.functions);
	pprof_wire_field(out, MAPPING_HAS_FILES, m->known.files);
	pprof_wire_field(out, MAPPING_HAS_LINES, m->known.lines);
	pprof_wire_field(out, MAPPING_HAS_INLINES, m->known.files);	/* who knows lines knows what is inlined there */
}

/* Finds out what is known of each module. known: an array of them, with zeros. */
static void find_known(const struct catalog *c, struct known *known)
{
	for (uint32_t a = 0; a < c->address_count; a++) {
		struct known *k = &known[c->addresses[a].module];

		for (uint32_t i = 0; i < c->addresses[a].place_count; i++) {
			const struct catalog_place *place = &c->places[c->addresses[a].first_place + i];

			k->functions |= c->functions[place->function].name != CATALOG_NO_TEXT;
			k->files |= place->file != CATALOG_NO_TEXT;
			k->lines |= place->line != 0;
		}
	}
}

void pprof_mappings_write(const struct pprof *p, struct out *out)
{
	const struct catalog *c = p->catalog;
	struct known *known = arena_alloc(p->arena, c->module_count * sizeof(*known));

	if (known)
		find_known(c, known);
	for (uint32_t id = 1; id < c->module_count; id++) {
		uint32_t n = p->mappings[id];
		const struct catalog_module *from = &c->modules[n];
		struct mapping m = { .profile = p, .segment = { .start = from->start, .end = from->end } };
		struct arena work = { 0 };

		if (known)
			m.known = known[n];
		code_segment_find(c->texts[from->path], from, &work, &m.segment);
		arena_release(&work);
		pprof_wire_bytes(out, PROFILE_MAPPING, write_mapping, &m, n);
	}
}
