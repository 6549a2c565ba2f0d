/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds a function of the program that it does not export. lookup.h finds what the loader knows; the names of all other
 * functions stand only in the section .symtab of the program's file, if it was not stripped.
 */
#ifndef ELF_PROGRAM_SYMBOL_H
#define ELF_PROGRAM_SYMBOL_H

#include <stddef.h>

/* The address of the function in this process; NULL: the program's file has no such symbol, cannot be read, or has
 * more than 16 MB of names, which would take too long at each start. name: 62 bytes at most. Changes errno. */
void *program_symbol(const char *name);

/*
 * Gets a function of the program: its name, valid until the return, address in this process and size in bytes.
 * family: see program_families().
 */
typedef void program_function(void *context, unsigned family, const char *name, void *address, size_t bytes);

/* The prefixes of allocators that programs have inside: of jemalloc, also in Rust, of mimalloc and of tcmalloc. */
#define PROGRAM_FAMILIES	"je_", "_rjem_", "mi_", "tc_"

/*
 * Families of functions whose names begin alike: of each prefix with which the program has a function PREFIX +
 * "malloc", calls take() for all its functions whose names begin with the prefix. Where the program has none, that
 * costs two sequential reads of the file's symbols; the names are not looked at one by one. Nothing is found under the
 * conditions under which program_symbol() finds nothing. count: at most 32. Changes errno.
 */
void program_families(const char *const *prefixes, unsigned count, program_function *take, void *context);

#endif
