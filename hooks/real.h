/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real functions of malloc's family, which the hooks call: those that the program would call without this library,
 * or a way past a hook in them (own_allocator.h).
 */
#ifndef HOOKS_REAL_H
#define HOOKS_REAL_H

#include "base/atomics.h"
#include "elf/lookup.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

/* Functions that only older or only newer headers of libc declare. */
void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t alignment, size_t size);

/* Functions that glibc exports as __libc_malloc() and so on, too. */
#define REAL_LIBC_FUNCTIONS(X)	\
	X(memalign) X(valloc) X(pvalloc) X(calloc) X(realloc) X(free) X(malloc)

/* malloc comes last: when it has been found, all others have, or this libc does not have them. */
#define REAL_FUNCTIONS(X)							\
	X(reallocarray) X(free_sized) X(free_aligned_sized) X(posix_memalign)	\
	X(aligned_alloc) REAL_LIBC_FUNCTIONS(X)

extern struct real {
	REAL_FUNCTIONS(LOOKUP_POINTER)
	/* Those with the prefix __libc_, in the same order. Where libc lacks one, it is the function without the
	 * prefix. */
#define DECLARE_REAL(name) __typeof__(name) *libc_##name;
	REAL_LIBC_FUNCTIONS(DECLARE_REAL)
#undef DECLARE_REAL
} real HIDDEN;

/* Whether one of the functions with the prefix comes from another module than malloc, and so from another allocator. */
extern bool real_libc_is_other HIDDEN;

/* Finds them (elf/lookup.h). Keeps errno. May be called inside the guard or outside it, in any thread. */
void real_find(void);

#endif
