/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How what the program maps itself is recorded (--pages): the regions are in table/regions.h, the functions in front of
 * libc's in hooks/pages.c.
 *
 * A mapping belongs to the row of the call's backtrace. Frame 0 of that says what was called and what was mapped:
 *
 *	mmap (anonymous)	mmap (no access)	mmap (stack)		mmap (shared)
 *	mmap /usr/share/x.db	mmap memfd:name		sbrk			shmat
 *	mmap (allocator)
 *
 * mremap() makes a new mapping of what was there, as realloc() does with a block. An allocator that is loaded or
 * linked with the program maps its memory while a hook of the malloc family calls it. Then the stack must not be
 * walked, because a walk may be under way on this thread, so the row has frame 0 and the caller alone. The same holds
 * for a signal handler that has interrupted a hook.
 */
#ifndef PROCESS_PAGES_H
#define PROCESS_PAGES_H

#include "base/atomics.h"
#include "capture/capture.h"

#include <stddef.h>

enum pages_mode {
	PAGES_UNKNOWN,		/* the options have not been read yet, or never will be */
	PAGES_OFF,
	PAGES_ON,
};
extern uint32_t pages_mode HIDDEN;

/* When a table has been made, at the start or when the process is attached to. */
void pages_start(bool wanted);

/* How a hook got into the guard. */
enum pages_entry {
	PAGES_PASSES,		/* nothing is recorded */
	PAGES_ENTERED,		/* the guard has been entered */
	PAGES_NESTED,		/* another hook of this thread holds it */
};

/* What was mapped. */
struct pages_new {
	const char *call;	/* what was called: "mmap" */
	const char *what;	/* "anonymous" and the like, or NULL: see fd */
	int fd;			/* a file's descriptor; -1: there is none */
};

/* Records a mapping that the program has got, unless the entry is PAGES_PASSES. Inside the guard. */
void pages_mapped(enum pages_entry entry, const void *at, size_t size_bytes, const struct pages_new *made,
		  const struct capture_point *from);

/* Around a call that unmaps: the first is called before, and its result is given to the second. done: the call has
 * unmapped that. */
uint32_t pages_unmapping(const void *at, size_t size_bytes);
void pages_unmapped(uint32_t taken, bool done);

/* How many bytes are mapped from `at` on by the call that has mapped something at that address; 0: unknown. */
size_t pages_mapping_bytes(const void *at);

/* In a child after fork. */
void pages_forked(void);

#endif
