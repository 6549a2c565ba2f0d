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

#include <link.h>
#include <stdbool.h>

/*
 * Finds the definitions that dlsym(RTLD_NEXT) would find among the modules that were loaded when the program was
 * started: the first ones in the modules that the loader searches after the one that contains this code. Where this
 * library was loaded late (lookup_is_late()), they are the first ones in any of these modules: those that the program
 * has called so far.
 * names: `count` of them, each with a NUL behind it, because a list of pointers takes four times its room in a library.
 * addresses: an array, or a struct, of pointers in the same order, each of which gets its definition's address, or NULL
 * when there is none. All names are looked up first; then the addresses are stored in their order, so that a thread
 * that sees the last address can see all others.
 */
void lookup_next(const char *names, unsigned count, void *addresses);

/* The same, with all that is known of them. A name that has none leaves its element all 0. */
struct lookup_definition {
	void *address;			/* NULL: there is none */
	const struct link_map *module;
	const ElfW(Sym) *symbol;
};
void lookup_definitions(const char *const *names, struct lookup_definition *found, unsigned count);

/* For lists of functions like X(malloc) X(free): the names, the pointers as members of a struct, and how many they
 * are. */
#define LOOKUP_NAME(name)	#name "\0"
#define LOOKUP_POINTER(name)	__typeof__(name) *name;
#define LOOKUP_COUNT(pointers)	(sizeof(pointers) / sizeof(void *))

/*
 * Whether this library was loaded by dlopen(3) when the process ran already, or otherwise comes behind libc in the
 * loader's order: then no call of the program reaches its functions by itself (elf/interpose.h). The first call takes
 * the loader's lock; later ones are async-signal-safe.
 */
bool lookup_is_late(void);

/* This library's module; the first one in the loader's list of all modules, whose order is that of the search; and
 * whether a module is the vdso, which is in the list, but which the loader does not search. */
const struct link_map *lookup_own_module(void);
const struct link_map *lookup_first_module(void);
bool lookup_is_kernels(const struct link_map *map);

/*
 * Has the loader call a function that holds the loader's lock meanwhile, so that no module comes, goes, or is being
 * relocated: the resolver of this library's exported symbol `name`, which is of the type STT_GNU_IFUNC. glibc calls
 * it in dlsym(3), which holds that lock (dlfcn/dlsym.c). As any dlsym() that succeeds, this discards the text of an
 * earlier error of the calling thread. Waits while another thread loads or unloads. False: there is no such symbol.
 */
bool lookup_call_resolver(const char *name);

/*
 * The address of the definition that dlsym(RTLD_DEFAULT) would find, in any module; NULL: there is none. A program
 * that is linked at a fixed address may have an undefined symbol with an address for a function whose address it
 * takes; this is no definition.
 */
void *lookup_first(const char *name);

/* The same, with all that is known of it; all 0 if there is none. */
struct lookup_definition lookup_first_definition(const char *name);

/* Whether lookup_next() finds the definitions of both names, and in the same module. */
bool lookup_next_together(const char *name, const char *other);

#endif
