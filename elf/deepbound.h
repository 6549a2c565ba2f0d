/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Libraries that were opened with RTLD_DEEPBIND. Such a library, and what it brings along, looks for
 * functions in its own dependencies before anywhere else, so it calls libc's malloc() and free() and
 * not the tracer's: what it allocates is not seen, nor is it seen when it frees a block that
 * another part of the program has allocated, which then looks leaked.
 *
 * They are known by the arguments of dlopen(3). A library that is there already stays bound as it was, and
 * is none of them. Whether the call succeeded shows later: the library is mapped then. Any number of threads.
 */
#ifndef BASE_DEEPBOUND_H
#define BASE_DEEPBOUND_H

#include <stdint.h>

#define DEEPBOUND_NAME_BYTES	32

/* Libraries that are, or were, loaded so. */
struct deepbound {
	uint32_t count;
	char name[DEEPBOUND_NAME_BYTES];	/* of one of them, without its directory; NUL-terminated */
};

/* dlopen() is about to be asked for a file with that flag. For the thread that calls dlopen(): makes
 * system calls. Keeps errno. */
void deepbound_asked(const char *file);

/*
 * Looks which of the libraries that have been asked for are there, as long as that is not known:
 * before dlclose(), which takes them away, and for a dump. *d gets what is known by now. Reads
 * /proc/self/maps when there is anything to find out. Async-signal-safe, keeps errno.
 */
void deepbound_find(struct deepbound *d);

#endif
