/* SPDX-License-Identifier: GPL-2.0-only */
/* See real.h. */
#include "hooks/real.h"

#include "elf/lookup.h"
#include "process/guard.h"

struct real real HOT_DATA __attribute__((aligned(64)));

void real_find(void)
{
#define FIND(name) { #name, (void **)(void *)&real.name },
	static const struct lookup list[] = { REAL_FUNCTIONS(FIND) };

	guard_enter();
	lookup_next(list, sizeof(list) / sizeof(list[0]));
	guard_drop();
}
