/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which functions allocate for whoever calls them: malloc() itself, operator new, std::allocator, g_malloc(),
 * PyMem_Malloc(), xmalloc() and so on. Somebody who asks which function uses memory means none of these, but the
 * first frame outward of them. wrappers.c has the list.
 *
 * Async-signal-safe, for any thread; allocates nothing.
 */
#ifndef ANALYSIS_WRAPPERS_H
#define ANALYSIS_WRAPPERS_H

#include "options/options.h"

#include <stdbool.h>

#define WRAPPERS_NAME_BYTES	160u	/* for wrappers_bare_name() */

/*
 * Whether a function is an allocation function, or a wrapper of one that comes with a library or a language.
 * function: its name, demangled or not, with or without parameters; NULL: unknown, which is no wrapper.
 */
bool wrappers_is(const char *function);

/* Whether the options name the function as a further wrapper, by --skip. NULL: unknown, which is none. */
bool wrappers_is_skipped(const struct options *o, const char *function);

/*
 * Whether a function of a module is one of the two. module: a path; NULL: none. A function without a name is one in
 * heaptrace's own library: what a stack has of that are the allocation functions that the program has called, whose
 * names a report does not find where another version of the library has been installed since.
 */
bool wrappers_is_of(const struct options *o, const char *function, const char *module);

/*
 * Writes the function's name without return type, parameters, template arguments and the suffixes of the compiler:
 * "std::vector::push_back" for "void std::vector<int>::push_back(int&&) [clone .part.0]". A longer name is cut.
 */
void wrappers_bare_name(const char *function, char name[WRAPPERS_NAME_BYTES]);

#endif
