/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real functions of malloc's family, which the hooks call: those that the program would call without this library,
 * or a way past a hook in them (own_allocator.h).
 */
#ifndef HOOKS_REAL_H
#define HOOKS_REAL_H

#include "base/atomics.h"

#include <malloc.h>
#include <stdlib.h>

/* Functions that only older or only newer headers of libc declare. */
void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t alignment, size_t size);

/* malloc comes last: when it has been found, all others have, or this libc does not have them. */
#define REAL_FUNCTIONS(X)							\
	X(reallocarray) X(free_sized) X(free_aligned_sized) X(posix_memalign)	\
	X(aligned_alloc) X(memalign) X(valloc) X(pvalloc)			\
	X(calloc) X(realloc) X(free) X(malloc)

extern struct real {
#define DECLARE_REAL(name) __typeof__(name) *name;
	REAL_FUNCTIONS(DECLARE_REAL)
#undef DECLARE_REAL
} real HIDDEN;

/* Finds them (elf/lookup.h). Keeps errno. May be called inside the guard or outside it, in any thread. */
void real_find(void);

#endif
