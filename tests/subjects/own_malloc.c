/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An allocator of a program's own, as small as can be: blocks from one array, each behind its size, and a list of free
 * ones. Most of its functions call nothing, so that the compiler knows which registers they leave alone. PREFIX is what
 * their names begin with, and LINKAGE whether they are exported.
 */
#include <stddef.h>
#include <stdint.h>

#define JOIN(a, b)	a##b
#define NAMED(a, b)	JOIN(a, b)
#define OWN(name)	NAMED(PREFIX, name)
#ifndef LINKAGE
#define LINKAGE		__attribute__((noinline))
#endif

struct own_block {
	size_t size;			/* that there is room for */
	struct own_block *next;		/* of a free block */
};

static char own_memory[4 << 20] __attribute__((aligned(16)));
static size_t own_used;
static struct own_block *own_free_list;

LINKAGE void *OWN(malloc)(size_t size)
{
	struct own_block **at = &own_free_list, *b;
	size_t room = (size + 15) & ~(size_t)15;

	for (; *at; at = &(*at)->next) {
		if ((*at)->size >= size) {
			b = *at;
			*at = b->next;
			return b + 1;
		}
	}
	if (room < size || room > sizeof(own_memory) - own_used - sizeof(*b))
		return NULL;
	b = (struct own_block *)(void *)(own_memory + own_used);
	own_used += sizeof(*b) + room;
	b->size = room;
	return b + 1;
}

LINKAGE void OWN(free)(void *p)
{
	struct own_block *b = p;

	if (!p)
		return;
	b[-1].next = own_free_list;
	own_free_list = b - 1;
}

LINKAGE void *OWN(calloc)(size_t count, size_t size)
{
	char *p = OWN(malloc)(count * size);

	for (size_t i = 0; p && i < count * size; i++)
		((volatile char *)p)[i] = 0;
	return p;
}

LINKAGE void *OWN(realloc)(void *old, size_t size)
{
	char *p = OWN(malloc)(size), *from = old;

	for (size_t i = 0; p && from && i < size && i < ((struct own_block *)old)[-1].size; i++)
		((volatile char *)p)[i] = from[i];
	if (p)
		OWN(free)(old);
	return p;
}
