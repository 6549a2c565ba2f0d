/* SPDX-License-Identifier: GPL-2.0-only */
/* Probing memory: the kernel is asked whether memory can be read, so that no load can fault. All functions make
 * system calls, keep errno and are async-signal-safe. */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_PAGE	((uintptr_t)4096)	/* the smallest page of any machine; larger ones are probed in parts */

/* Whether the page that holds the address can be read now. */
bool probe_readable(uintptr_t address);

/*
 * Makes probe_readable() ask only whether the page is mapped, from now on, without having the kernel read a word.
 * Under valgrind this is necessary, because valgrind reports system calls that read memory which the program
 * has not written. is_checked says that valgrind also reports decisions that depend on such memory, as
 * its tool memcheck does. Is called at the start, once.
 */
void probe_without_reading(bool is_checked);

/* Returns the is_checked that probe_without_reading() was given, or false without such a call. */
bool probe_is_checked(void);

/*
 * Whether all bytes from the address on can be read. *sure is the page that was last found to be readable, which
 * is not probed again; the caller sets it to 1 before the first call. One such variable serves for many texts
 * that lie side by side.
 */
bool probe_bytes(const void *address, size_t bytes, uintptr_t *sure);

/* Whether a text can be read up to the NUL at its end. *sure: see probe_bytes(). */
bool probe_text(const char *text, uintptr_t *sure);

/* Whether a word has a value other than 0. Returns false if the word cannot be read. */
bool probe_is_set(const unsigned *word);

#endif
