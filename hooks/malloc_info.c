/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions of malloc's family that allocate nothing for the program, but take malloc's locks: a
 * dump that a signal asks for meanwhile waits until they return, since a dump reads the allocator's figures.
 *
 * The real functions are looked up at start, or at the first call where another library's constructor,
 * which ran before, makes one.
 */
#include "malloc_info.h"

#include "elf/lookup.h"
#include "export.h"
#include "process/guard.h"

#include <malloc.h>
#include <stdio.h>

/* glibc's struct mallinfo2 (2.33), for builds on older systems. */
struct sizes {
	size_t field[10];
};
struct sizes heaptrace_mallinfo2(void) __asm__("mallinfo2");

/* malloc_trim comes last: when it is there, all are, or this libc does not have them. */
#define REAL_FUNCTIONS(X)	\
	X(mallopt) X(malloc_info) X(malloc_stats) X(mallinfo) X(malloc_trim)

/* mallinfo() is deprecated in newer headers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static struct {
	struct sizes (*mallinfo2)(void);
	REAL_FUNCTIONS(LOOKUP_POINTER)
} real;

__attribute__((constructor(LOOKUPS))) static void find_real(void)
{
	guard_enter();
	lookup_next(LOOKUP_NAME(mallinfo2) REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(real), &real);
	guard_drop();
}

static void begin(void)
{
	if (unlikely(!real.malloc_trim))
		find_real();
	guard_busy();
}

#define BUSY_HOOK(type, name, parameters, arguments)	\
	EXPORT type name parameters			\
	{						\
		type result;				\
							\
		begin();				\
		result = real.name arguments;		\
		guard_idle();				\
		return result;				\
	}

BUSY_HOOK(int, mallopt, (int parameter, int value), (parameter, value))
BUSY_HOOK(int, malloc_info, (int options, FILE *to), (options, to))
BUSY_HOOK(struct mallinfo, mallinfo, (void), ())
#pragma GCC diagnostic pop

EXPORT struct sizes heaptrace_mallinfo2(void)
{
	struct sizes result = { { 0 } };

	begin();
	if (real.mallinfo2)
		result = real.mallinfo2();
	guard_idle();
	return result;
}

EXPORT void malloc_stats(void)
{
	begin();
	real.malloc_stats();
	guard_idle();
}

static bool trim_reached;

EXPORT int malloc_trim(size_t pad)
{
	int result;

	trim_reached = true;
	begin();
	result = real.malloc_trim(pad);
	guard_idle();
	return result;
}

bool malloc_info_hooks_are_reached(void)
{
	int (*volatile trim)(size_t) = malloc_trim;	/* the compiler must not know which function it calls */

	trim_reached = false;
	trim(0);
	return trim_reached;
}
