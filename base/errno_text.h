/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a system call failed, in words. strerror(3) cannot serve: it may allocate, and it uses the program's
 * language. */
#ifndef BASE_ERRNO_TEXT_H
#define BASE_ERRNO_TEXT_H

/*
 * Returns a few English words, such as "permission denied", for the usual errno values of opening, reading
 * and writing a file, or NULL for any other value. Async-signal-safe.
 */
const char *errno_text(int error);

#endif
