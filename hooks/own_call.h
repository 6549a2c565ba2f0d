/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hook of all functions of allocators that belong to the program (own_allocator.h). A jump at the beginning of each
 * such function leads here (process/entry_patch.h). The functions differ in their arguments only, so one hook serves
 * them all, by a description of each:
 *
 *	kind		block		size		count
 *	ALLOCATE	-		argument	argument	returns the block
 *	TEXT		-		-		-		returns the block, as large as its text
 *	POSIX		-		argument	-		returns 0, and the block in *argument 0
 *	RENEW		argument	argument	argument	returns the block; NULL: the old one is as it
 *									was, or with a size of 0 freed
 *	RENEW_OR_FREE	argument	argument	argument	the same; NULL: the old one is freed
 *	EXPAND		argument	argument	-		xallocx() of jemalloc(3)
 *	FREE		argument	-		-
 *
 * The size that counts is what the program asks for: the argument, times the count if there is one. A caller may rely
 * on registers that the function leaves alone, though the ABI does not promise that (GCC's -fipa-ra), so the hook gives
 * all of them back as the function itself has left them, and of functions that call nothing the vector registers, too.
 *
 * A function that is called by another one of them is part of the outer call, and not counted by itself.
 */
#ifndef HOOKS_OWN_CALL_H
#define HOOKS_OWN_CALL_H

#include "base/atomics.h"

#include <stdbool.h>
#include <stdint.h>

#define OWN_FUNCTIONS_MOST	192u

enum own_kind { OWN_ALLOCATE, OWN_TEXT, OWN_POSIX, OWN_RENEW, OWN_RENEW_OR_FREE, OWN_EXPAND, OWN_FREE };

#define OWN_NO_ARGUMENT	6u

struct own_function {
	uintptr_t entry;		/* where the program calls it */
	void *real;			/* where this library calls it, past the hook */
	uintptr_t inside, inside_end;	/* code of the allocator alone, if it is a library; else both are 0 */
	uint8_t kind;			/* enum own_kind */
	uint8_t block, size, count;	/* the numbers of arguments, from 0 on, or OWN_NO_ARGUMENT */
	bool calls_nothing;
};

/* The functions that are hooked, by their numbers. */
extern struct own_function own_functions[OWN_FUNCTIONS_MOST] HIDDEN;

/* Where the stubs jump, with a function's number pushed onto the stack. x86_64 only. */
void own_call_entry(void);

#endif
