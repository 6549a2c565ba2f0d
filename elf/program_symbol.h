/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds a function of the program that it does not export. lookup.h finds what the loader knows; the names of all other
 * functions stand only in the section .symtab of the program's file, if it was not stripped.
 */
#ifndef ELF_PROGRAM_SYMBOL_H
#define ELF_PROGRAM_SYMBOL_H

/* The address of the function in this process; NULL: the program's file has no such symbol, cannot be read, or has
 * more than 16 MB of names, which would take too long at each start. name: 62 bytes at most. Changes errno. */
void *program_symbol(const char *name);

#endif
