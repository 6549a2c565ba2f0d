/* SPDX-License-Identifier: GPL-2.0-only */
/* See figures.h. */
#include "figures.h"

#include <stdio.h>
#include <string.h>

struct field {
	size_t offset, size;
	uint64_t most;
};
#define FIELD(field, most)	{ offsetof(struct model_seen, field), sizeof(((struct model_seen *)0)->field), most }
#define FLAG(field)		FIELD(field, 1)
#define NUMBER(field)		FIELD(field, UINT64_MAX)

/* A new figure stands at the end. */
static const struct field fields[] = {
	FLAG(statm_known), NUMBER(vss), NUMBER(rss), NUMBER(shared), NUMBER(peak_rss),
	FLAG(allocator.virtual_known), FLAG(allocator.virtual_estimated), FLAG(allocator.estimated),
	NUMBER(allocator.virtual_bytes), NUMBER(allocator.handed_bytes),
	FLAG(allocator.parts_known), NUMBER(allocator.arenas_bytes), NUMBER(allocator.mapped_bytes),
	NUMBER(allocator.mapped_count), NUMBER(allocator.chunks_bytes),
	FIELD(memory.source, MEMORY_SMAPS), FIELD(memory.mostly, MEMORY_OWN), FLAG(memory.allocator_known),
	NUMBER(memory.rss), NUMBER(memory.live), NUMBER(memory.unwritten), NUMBER(memory.rounding),
	NUMBER(memory.free), NUMBER(memory.trimmable), NUMBER(memory.anonymous), NUMBER(memory.files),
	NUMBER(memory.stacks), NUMBER(memory.own), NUMBER(memory.swapped),
	FIELD(memory.allocator, ALLOCATOR_MIMALLOC), NUMBER(memory.before_ns),
};
_Static_assert(sizeof(fields) / sizeof(fields[0]) == PACK_FIGURES, "each field has its number");
_Static_assert(sizeof(void *) != 8 || (sizeof(struct model_allocator) == 72 && sizeof(struct model_memory) == 112 &&
	       sizeof(struct model_process) == 56),
	       "a new figure is packed, too");
_Static_assert(sizeof(bool) == 1 && sizeof(enum memory_source) == 4, "the sizes that are handled here");

void pack_figures_put(struct pack_figures *to, const struct model_seen *from)
{
	memset(to, 0, sizeof(*to));
	for (unsigned i = 0; i < PACK_FIGURES; i++) {
		const char *at = (const char *)from + fields[i].offset;
		uint32_t word;

		if (fields[i].size == sizeof(uint64_t)) {
			memcpy(&to->values[i], at, sizeof(uint64_t));
		} else if (fields[i].size == sizeof(word)) {
			memcpy(&word, at, sizeof(word));
			to->values[i] = word;
		} else {
			to->values[i] = *(const bool *)at;
		}
	}
	snprintf(to->unknown, sizeof(to->unknown), "%s", from->allocator.unknown ? from->allocator.unknown : "");
}

void pack_figures_get(struct model_seen *to, struct pack_figures *from)
{
	memset(to, 0, sizeof(*to));
	for (unsigned i = 0; i < PACK_FIGURES; i++) {
		char *at = (char *)to + fields[i].offset;
		uint64_t value = from->values[i] <= fields[i].most ? from->values[i] : 0;
		uint32_t word = (uint32_t)value;

		if (fields[i].size == sizeof(value))
			memcpy(at, &value, sizeof(value));
		else if (fields[i].size == sizeof(word))
			memcpy(at, &word, sizeof(word));
		else
			*(bool *)at = value;
	}
	from->unknown[sizeof(from->unknown) - 1] = '\0';
	to->allocator.unknown = from->unknown[0] ? from->unknown : NULL;
}
