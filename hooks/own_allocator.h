/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators whose calls do not come to this library by themselves: those that are linked into the program, under
 * malloc's name or with a prefix (je_malloc, mi_malloc), and what a preloaded allocator exports beside malloc's family
 * (operator new, mallocx). Their functions are found by name, and hooked at their beginning (process/entry_patch.h).
 *
 * A family is the functions of one prefix in one module. All of them that give blocks back or resize them are hooked,
 * or none: a free that is not seen would look like a leak.
 */
#ifndef HOOKS_OWN_ALLOCATOR_H
#define HOOKS_OWN_ALLOCATOR_H

/*
 * Finds the allocators that --allocator asks for, and hooks them. allocator: the option's value; NULL is "auto".
 * own_malloc: this library's malloc. To be called once, at
 * the start, inside the guard, when the output is open: what cannot be hooked is said, and why. A family that is hooked
 * is noted in the table, for dumps. Changes errno.
 */
void own_allocator_start(const char *allocator, const void *own_malloc);

#endif
