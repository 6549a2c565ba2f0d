/* SPDX-License-Identifier: GPL-2.0-only */
/* malloc_trim(), mallopt(), mallinfo() and their relatives in front of libc's. See malloc_info.c. */
#ifndef HOOKS_MALLOC_INFO_H
#define HOOKS_MALLOC_INFO_H

#include <stdbool.h>

/*
 * Whether a call of malloc_trim() reaches this library. valgrind's tools with an allocator of their own
 * (memcheck, massif, helgrind, ...) send the functions of malloc's family to that allocator, in whatever
 * library they are; malloc_trim() is sent there with the others, and does nothing there. At start.
 */
bool malloc_info_hooks_are_reached(void);

#endif
