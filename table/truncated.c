/* SPDX-License-Identifier: GPL-2.0-only */
/* See truncated.h. A hash table with open addressing: an address is at most TRIES places behind its own. */
#include "truncated.h"

#define TRIES	32u

static uint32_t place(uint64_t pc, unsigned try)
{
	return ((uint32_t)(pc * 0x9e3779b97f4a7c15u >> 48) + try) % TABLE_TRUNCATED;
}

void truncated_note(struct table *t, uint64_t pc)
{
	uint64_t *set = t->head->truncated;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t *at = &set[place(pc, i)], there = load_relaxed(at);

		if (!there && cas_relaxed(at, &there, pc))
			return;
		if (there == pc)
			return;
	}
}

bool truncated_holds(const struct table *t, uint64_t pc)
{
	const uint64_t *set = t->head->truncated;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t there = load_relaxed(&set[place(pc, i)]);

		if (there == pc)
			return true;
		if (!there)
			return false;
	}
	return false;
}
