/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators of a process's own, of which --pid sees nothing: their functions can be hooked only by a change of their
 * first bytes (process/entry_patch.h), which other threads may be executing. So the user is told.
 *
 * For the wrapper's only thread.
 */
#ifndef WRAPPER_ATTACH_ALLOCATOR_H
#define WRAPPER_ATTACH_ALLOCATOR_H

#include "target.h"

#define ATTACH_ALLOCATOR_BYTES	512

/*
 * Finds such allocators: by functions that a module exports, and by those of the program that are in its file's
 * .symtab. prefix: the value of --allocator, or NULL. Writes "je_* of redis-server" into text, or several such texts
 * with commas. Returns false if there are none, or if prefix is "no".
 */
bool attach_allocator_find(struct target *target, const char *prefix, char text[ATTACH_ALLOCATOR_BYTES]);

#endif
