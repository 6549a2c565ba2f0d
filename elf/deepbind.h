/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records libraries that were opened with RTLD_DEEPBIND. The loader searches the functions that such a library and
 * its dependencies call in their own dependencies first. So they call libc's malloc() and free() and not the
 * tracer's, and their blocks are not seen. A block that such a library frees, and another part of the program has
 * allocated, looks leaked.
 *
 * The libraries are known from the arguments of dlopen(3). A library that was loaded before keeps its bindings in
 * spite of the flag, and is not recorded. Whether dlopen() succeeded is found out later: then the library is in the
 * list of mappings. Any number of threads may call these functions at once.
 */
#ifndef ELF_DEEPBIND_H
#define ELF_DEEPBIND_H

#include <stdint.h>

#define DEEPBIND_NAME_BYTES	32

/* The libraries that are or were loaded with RTLD_DEEPBIND. */
struct deepbind {
	uint32_t count;
	char name[DEEPBIND_NAME_BYTES];	/* of one of them, without its directory; NUL-terminated */
};

/* To be called by the thread that is about to call dlopen() for a file with that flag. Makes system calls, and reads
 * /proc/self/maps. Keeps errno. */
void deepbind_requested(const char *file);

/*
 * Finds out which of the requested libraries are loaded, as far as that is not known yet, and sets *d. To be called
 * before dlclose(), which can unload them, and for a dump. Reads /proc/self/maps only while there is a library whose
 * state is not known. Async-signal-safe, keeps errno.
 */
void deepbind_find(struct deepbind *d);

#endif
