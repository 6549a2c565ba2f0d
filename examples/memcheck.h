/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For programs that include <valgrind/memcheck.h>: the requests of valgrind.h beside this file, and those that
 * allocators make of memcheck about what may be read and written. heaptrace does not look at accesses, so these do
 * nothing, and return 0 as they do without Valgrind.
 */
#ifndef HEAPTRACE_MEMCHECK_H
#define HEAPTRACE_MEMCHECK_H

#include "valgrind.h"

#define VALGRIND_NOTHING_(addr, size)	((void)(addr), (void)(size), 0)

#define VALGRIND_MAKE_MEM_NOACCESS(addr, size)			VALGRIND_NOTHING_(addr, size)
#define VALGRIND_MAKE_MEM_UNDEFINED(addr, size)			VALGRIND_NOTHING_(addr, size)
#define VALGRIND_MAKE_MEM_DEFINED(addr, size)			VALGRIND_NOTHING_(addr, size)
#define VALGRIND_MAKE_MEM_DEFINED_IF_ADDRESSABLE(addr, size)	VALGRIND_NOTHING_(addr, size)
#define VALGRIND_CHECK_MEM_IS_ADDRESSABLE(addr, size)		VALGRIND_NOTHING_(addr, size)
#define VALGRIND_CHECK_MEM_IS_DEFINED(addr, size)		VALGRIND_NOTHING_(addr, size)

#endif
