/* SPDX-License-Identifier: GPL-2.0-only */
/* See real.h. */
#include "hooks/real.h"

#include "elf/lookup.h"
#include "process/guard.h"

#include <stddef.h>
#include <string.h>

struct real real HOT_DATA __attribute__((aligned(64)));
bool real_libc_is_other;

void real_find(void)
{
#define FIND(name) { #name, (void **)(void *)&real.name },
	static const struct lookup list[] = { REAL_FUNCTIONS(FIND) };
	enum {
		COUNT = sizeof(list) / sizeof(list[0]),
		LIBC = (sizeof(real) - offsetof(struct real, libc_memalign)) / sizeof(void *),
	};
	struct lookup_definition found[COUNT], with_prefix;
	char name[32] = "__libc_";
	const struct lookup one = { name, NULL };

	guard_enter();
	lookup_definitions(list, found, COUNT);
	for (unsigned i = COUNT - LIBC; i < COUNT; i++) {
		strcpy(name + 7, list[i].name);
		lookup_definitions(&one, &with_prefix, 1);
		if (!with_prefix.address)
			with_prefix = found[i];
		real_libc_is_other |= with_prefix.module != found[COUNT - 1].module;
		list[i].address[LIBC] = with_prefix.address;
	}
	for (unsigned i = 0; i < COUNT; i++)
		store_release(list[i].address, found[i].address);
	guard_drop();
}
