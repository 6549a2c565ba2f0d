/* SPDX-License-Identifier: GPL-2.0-only */
/* Which allocator serves the program, and where it keeps its figures. Asks the loader: at start only. */
#ifndef PROCESS_ALLOCATOR_H
#define PROCESS_ALLOCATOR_H

#include "elf/heap.h"

#include <stdbool.h>

/* Whether the malloc that the program's calls are handed on to is libc's. */
bool allocator_is_libc(void);

/*
 * Finds out where libc's malloc has its figures, and whether the program's calls are handed on to that one or to
 * another. In the only thread that allocates. If the figures are not to be found the places say that.
 */
void allocator_find(struct heap_places *places);

#endif
