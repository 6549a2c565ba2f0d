/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether memory can be read, asked of the kernel, so that nobody has to risk a fault. */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_PAGE	((uintptr_t)4096)	/* the smallest page; larger ones are tried in parts */

/* Whether the page that holds address can be read now. A system call; keeps errno;
 * async-signal-safe. */
bool probe_readable(uintptr_t address);

/*
 * From now on probe_readable() asks only whether the page is mapped, not for what: valgrind tells of system
 * calls that are handed what the program has not written. is_checked: it also tells of decisions that depend
 * on such memory, as its memcheck does. At start, once.
 */
void probe_without_reading(bool is_checked);

/* What probe_without_reading() was told; false without. Async-signal-safe. */
bool probe_is_checked(void);

/*
 * Whether all bytes from address on can be read. *sure: the page that was last seen to be readable, which
 * is not asked for again, or 1 at first: one variable serves for many texts that lie side by side. The
 * rest as above.
 */
bool probe_bytes(const void *address, size_t bytes, uintptr_t *sure);

/* Whether a text, up to the 0 at its end, can be read. As above. */
bool probe_text(const char *text, uintptr_t *sure);

/* Whether a word has a value other than 0; false if it cannot be read. The rest as above. */
bool probe_is_set(const unsigned *word);

#endif
