/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts the functions that this library exports in front of those that the process has called so far, in a process that
 * runs already, and takes them away again. A library that is preloaded needs none of this: the loader does it.
 *
 * For each function that the library exports there may be a real one: the first definition of the name in any other
 * module (elf/lookup.h). A call gets to the real function by a word of memory, a slot, which the loader has filled in
 * as a relocation of the calling module says (x86_64: System V ABI, AMD64 supplement, 4.4.1; aarch64: ELF for the Arm
 * 64-bit architecture, 5.7):
 *
 *	JUMP_SLOT	in .got.plt, for calls through the PLT
 *	GLOB_DAT	in .got, for calls without a PLT, and for addresses of functions
 *	64, ABS64	anywhere in the data: pointers to functions that the program has initialized
 *
 * Each slot whose relocation names such a function and which holds the real one's address gets ours, by one store, so
 * that threads may call through it at the same time. Slots that hold something else are left alone: another library's
 * function of the same name, which has been chosen for this module; what the program has put there; or a place in the
 * PLT, where the loader's resolver has not been called yet (lazy binding).
 *
 * That resolver, and the loader that relocates a library which is loaded later, before its constructors run, look the
 * name up in the real function's module. So the symbol there gets the address of our function, too. A symbol's value
 * is relative to its module, and the loader's addition wraps around, so any address can stand there. A later
 * dlsym() returns our function as well.
 *
 * The loader's own calls of malloc and its family use pointers in its data, for which there is no relocation
 * (glibc's elf/dl-minimal.c). A word there that holds the address of one of these functions can be nothing else.
 *
 * What the program has copied from a slot to elsewhere before, as a table of functions on the heap, is not found, and
 * calls through it are not seen. What it copies meanwhile keeps leading to our functions, which therefore stay where
 * they are and pass such calls on afterwards.
 *
 * Pages that cannot be written, as those of PT_GNU_RELRO and of symbol tables, are made writable for the store, and
 * get their protection back.
 *
 * All functions may be called only in lookup_call_resolver(), so that no module is just being relocated or unloaded,
 * and by one thread. Other threads may run. Nothing here calls malloc; errno is kept.
 */
#ifndef ELF_INTERPOSE_H
#define ELF_INTERPOSE_H

#include <stdbool.h>

/* Puts our functions in front: first those that free memory, and last those that only allocate, so that no block is
 * seen whose end is not seen. Returns how many slots and symbols lead to them now; 0: the kernel's list of mappings
 * cannot be read, or there is no memory, and nothing was changed. */
unsigned interpose_begin(void);

/* Restores all slots and symbols that lead to our functions. Returns how many could not be restored. */
unsigned interpose_end(void);

#endif
