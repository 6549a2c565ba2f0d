/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a system call failed, in words: strerror(3) may allocate, and speaks the program's language. */
#ifndef BASE_ERRNO_TEXT_H
#define BASE_ERRNO_TEXT_H

/*
 * A few words in English for the usual errno values of opening and reading a file, without a full
 * stop: "permission denied". NULL for any other value. Async-signal-safe.
 */
const char *errno_text(int error);

#endif
