/* SPDX-License-Identifier: GPL-2.0-only */
/* See code_segment.h. */
#include "code_segment.h"

#include "symbol/elf_file.h"
#include "symbol/symbol.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* Whether the file has the module's build id, where one is known. */
static bool is_same_build(struct elf *e, const struct catalog_module *m)
{
	uint8_t id[CATALOG_BUILD_ID_MAX];

	return !m->build_id_bytes || (elf_build_id(e, id, sizeof(id)) == m->build_id_bytes &&
				      !memcmp(id, m->build_id, m->build_id_bytes));
}

static bool find(struct elf *e, const struct catalog_module *m, struct code_segment *s)
{
	for (uint32_t i = 0; i < e->segments; i++) {
		const struct elf_segment *segment = &e->segment[i];

		if (segment->type != PT_LOAD || !(segment->flags & PF_X))
			continue;
		s->start = m->bias + segment->addr;
		s->end = s->start + segment->memory_bytes;
		s->file_offset = segment->offset;
		return s->start >= m->start && s->end > s->start && s->end <= m->end && is_same_build(e, m);
	}
	return false;
}

bool code_segment_find(const char *path, const struct catalog_module *m, struct arena *arena, struct code_segment *s)
{
	int saved = errno;
	struct elf e;
	bool found = false;

	if (m->end && elf_open(&e, path, arena) == SYMBOL_OK) {
		found = find(&e, m, s);
		elf_close(&e);
	}
	errno = saved;
	return found;
}
