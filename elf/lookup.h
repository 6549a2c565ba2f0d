/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding functions and variables of other modules by name, without dlsym(3).
 *
 * A dlsym() that does not find its name leaves an error text behind: memory from the program's
 * malloc(), which the C library frees at the thread's next dlsym() or dlerror(), through the
 * program's free(). A program whose own free() looks the real one up with dlsym() then never gets
 * out of that. And a dlsym() that does find its name takes away the text of an earlier failure
 * that the program has yet to ask for. So the symbol tables are read here, in the loader's order.
 *
 * The first call takes the loader's lock (dladdr(3)). Nothing is allocated. For the start of the
 * process, when no other thread can load or unload modules; not for hooks or dumps. errno is kept.
 */
#ifndef BASE_LOOKUP_H
#define BASE_LOOKUP_H

#include <stdbool.h>

struct lookup {
	const char *name;
	void **address;		/* gets the definition's address, or NULL when there is none */
};

/*
 * Finds the definitions that dlsym(RTLD_NEXT) would find, among what was loaded when the program was
 * started: those in the modules behind the one that contains this code, in the order in which the
 * loader searches. The addresses are stored when all names have been looked for, in the order of the
 * list: whoever sees the last one of them can see all others.
 */
void lookup_next(const struct lookup *list, unsigned count);

/* The address of the definition that dlsym(RTLD_DEFAULT) would find, in any module; or NULL. A program
 * that only refers to a function from a fixed address does not define that function. */
void *lookup_first(const char *name);

/* Whether lookup_next() finds the definitions of both names, and in the same module. */
bool lookup_next_together(const char *name, const char *other);

#endif
