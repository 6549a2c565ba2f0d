/* SPDX-License-Identifier: GPL-2.0-only */
/* See allocator.h. */
#include "allocator.h"

#include "elf/lookup.h"

#include <stddef.h>

/* What mallinfo2(3) returns, glibc 2.33 and later, and mallinfo(3) before it: the same fields, of other widths.
 * Looked up at run time, so that the library loads with either. */
struct info_sizes {
	size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct info_ints {
	int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

/* A function that only glibc has: tcmalloc and mimalloc have a __libc_malloc, too. */
#define ONLY_LIBC	"gnu_get_libc_version"

/* Asks libc's malloc for its figures. It visits all its free chunks, which are few at the start. False: this libc
 * has no such function. */
static bool ask(struct heap_mallinfo *to)
{
	struct {
		struct info_sizes (*sizes)(void);
		struct info_ints (*ints)(void);
	} libc;

	lookup_next("mallinfo2\0" "mallinfo", LOOKUP_COUNT(libc), &libc);
	if (lookup_next_together("mallinfo2", ONLY_LIBC)) {
		struct info_sizes i = libc.sizes();

		*to = (struct heap_mallinfo){ i.arena, i.hblks, i.hblkhd, i.uordblks, i.fordblks };
		return true;
	}
	if (lookup_next_together("mallinfo", ONLY_LIBC)) {
		struct info_ints i = libc.ints();

		*to = (struct heap_mallinfo){ (unsigned)i.arena, (unsigned)i.hblks, (unsigned)i.hblkhd,
					   (unsigned)i.uordblks, (unsigned)i.fordblks };
		return true;
	}
	return false;
}

bool allocator_is_libc(void)
{
	return lookup_next_together("malloc", ONLY_LIBC);
}

void allocator_find(struct heap_places *places)
{
	struct heap_mallinfo known;
	void *in_libc;

	lookup_next(ONLY_LIBC, 1, &in_libc);
	if (!in_libc || !ask(&known) || !heap_find(places, in_libc, &known))
		*places = (struct heap_places){ .arena = 0 };
	places->other_malloc = !allocator_is_libc();
}
