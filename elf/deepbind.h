/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Libraries that were opened with RTLD_DEEPBIND. Such a library and its dependencies look for functions
 * in their own dependencies before anywhere else, so they call libc's malloc() and free() and not the
 * tracer's: what they allocate is not seen. A block that another part of the program has allocated and
 * such a library frees looks leaked.
 *
 * The libraries are known from the arguments of dlopen(3). A library that was loaded before keeps its
 * bindings, whatever the flag, and is not recorded. Whether dlopen() succeeded is found out later: then
 * the library is mapped. Any number of threads may use these functions at once.
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

/* The caller is about to call dlopen() for a file with that flag. For the thread that calls dlopen(),
 * because this function makes system calls. Keeps errno. */
void deepbind_requested(const char *file);

/*
 * Finds out which of the requested libraries are loaded, as far as that is not known yet, and tells
 * the result so far in *d. To be called before dlclose(), which can unload them, and for a dump. Reads
 * /proc/self/maps only while there is a library whose state is not known. Async-signal-safe, keeps errno.
 */
void deepbind_find(struct deepbind *d);

#endif
