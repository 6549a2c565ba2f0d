/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding functions and variables of other modules by name, without dlsym(3).
 *
 * A dlsym() that does not find its name leaves an error text behind. The text is memory from the program's
 * malloc(), which the C library frees at the thread's next dlsym() or dlerror(), through the program's free(). If
 * that free() looks the real one up with dlsym(), the two call each other without end. A dlsym() that does find
 * its name discards the text of an earlier failure, which the program may not have asked for yet. So the symbol
 * tables are read here, in the order in which the loader searches them.
 *
 * The first call takes the loader's lock (dladdr(3)). Nothing is allocated, and errno is kept. These functions are for
 * the start of the process, when no other thread can load or unload modules. A dump must not call them, and a hook
 * only if it is called before this library's constructor, and so has no real function yet.
 */
#ifndef ELF_LOOKUP_H
#define ELF_LOOKUP_H

#include <stdbool.h>

struct lookup {
	const char *name;
	void **address;		/* gets the definition's address, or NULL when there is none */
};

/*
 * Finds the definitions that dlsym(RTLD_NEXT) would find among the modules that were loaded when the program was
 * started: the first ones in the modules that the loader searches after the one that contains this code.
 * All names are looked up first; then the addresses are stored in the order of the list, so that a thread that
 * sees the last address can see all others.
 */
void lookup_next(const struct lookup *list, unsigned count);

/*
 * The address of the definition that dlsym(RTLD_DEFAULT) would find, in any module; NULL: there is none. A program
 * that is linked at a fixed address may have an undefined symbol with an address for a function whose address it
 * takes; this is no definition.
 */
void *lookup_first(const char *name);

/* Whether lookup_next() finds the definitions of both names, and in the same module. */
bool lookup_next_together(const char *name, const char *other);

#endif
