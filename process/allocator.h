/* SPDX-License-Identifier: GPL-2.0-only */
/* Which allocator serves the program, and where it keeps its figures. For the start only, as the loader is asked. */
#ifndef PROCESS_ALLOCATOR_H
#define PROCESS_ALLOCATOR_H

#include "elf/heap.h"

#include <stdbool.h>

/* Whether the real malloc, which the hooks call, is libc's. */
bool allocator_is_libc(void);

/*
 * Finds out where libc's malloc has its figures, and whether the hooks call that malloc or another one. No other
 * thread may allocate meanwhile. If the figures cannot be found, *places says so.
 */
void allocator_find(struct heap_places *places);

#endif
