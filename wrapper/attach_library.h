/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Brings the library into another process: by its path where that leads to the same file there, else by a memfd that
 * the process makes and this one fills, so that it works in containers and for users who may not read heaptrace's
 * directory.
 *
 * For the wrapper's only thread.
 */
#ifndef WRAPPER_ATTACH_LIBRARY_H
#define WRAPPER_ATTACH_LIBRARY_H

#include "ptrace_call.h"

#define ATTACH_LIBRARY_WHY_BYTES	1024

/* Returns the module of a heaptrace's library in the process, in which the function `name` is at *address. NULL: it has
 * none. */
struct target_module *attach_library_find(struct target *target, const char *name, uint64_t *address);

/* Whether the module is made of the same bytes as the library at path. */
bool attach_library_is(const struct target_module *m, const char *path);

/* The address of a function of the process that takes the loader's lock, does nothing, and lets go of it, if its
 * arguments are 0; 0: there is none. */
uint64_t attach_library_find_lock(struct target *target);

/*
 * Makes the process load the library at `path`, by its own dlopen(). c: begun. False: *status says how the call has
 * ended; with CALL_DONE, why says why the process could not load it. The modules are read anew.
 */
bool attach_library_load(struct call *c, const char *path, enum call_status *status,
			 char why[ATTACH_LIBRARY_WHY_BYTES]);

#endif
