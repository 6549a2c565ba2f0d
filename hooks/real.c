/* SPDX-License-Identifier: GPL-2.0-only */
/* See real.h. */
#include "hooks/real.h"

#include "process/guard.h"

#include <stddef.h>
#include <string.h>

struct real real HOT_DATA __attribute__((aligned(64)));
bool real_libc_is_other;

void real_find(void)
{
	/* As struct real has them: COUNT pointers to the functions without the prefix, the last LIBC of which are
	 * those that there are with it, too; then LIBC pointers to these. */
	enum {
		LIBC = (sizeof(real) - offsetof(struct real, libc_memalign)) / sizeof(void *),
		COUNT = LOOKUP_COUNT(real) - LIBC,
	};
	struct lookup_definition found[COUNT], with_prefix;
	const char *names[COUNT], *next = REAL_FUNCTIONS(LOOKUP_NAME);
	void **address = (void **)(void *)&real;
	char text[32] = "__libc_";
	const char *prefixed = text;

	for (unsigned i = 0; i < COUNT; next += strlen(next) + 1)
		names[i++] = next;
	guard_enter();
	lookup_definitions(names, found, COUNT);
	/* These first: who sees that malloc, the last one, has been found relies on all. */
	for (unsigned i = COUNT - LIBC; i < COUNT; i++) {
		strcpy(text + 7, names[i]);
		lookup_definitions(&prefixed, &with_prefix, 1);
		if (!with_prefix.address)
			with_prefix = found[i];
		real_libc_is_other |= with_prefix.module != found[COUNT - 1].module;
		address[i + LIBC] = with_prefix.address;
	}
	for (unsigned i = 0; i < COUNT; i++)
		store_release(&address[i], found[i].address);
	guard_drop();
}
