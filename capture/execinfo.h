/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture by glibc's backtrace(), which works on every architecture, and with which the fast unwinder is compared. */
#ifndef CAPTURE_EXECINFO_H
#define CAPTURE_EXECINFO_H

#include <stdbool.h>
#include <stdint.h>

/* At most so many frames of this library come first, so backtrace() is asked for so many more. */
#define EXECINFO_OWN_MAX	8

/* Calls backtrace() once. Its first call loads libgcc_s (glibc 2.36, debug/backtrace.c), which allocates. */
void execinfo_init(void);

/* Whether the address lies in libgcc_s and execinfo_init() has loaded that library. */
bool execinfo_has_loaded(uintptr_t address);

/* As capture_stack(), from the frame that returns to pc outward. Returns 0 if that frame was not found. backtrace()
 * does not check whether the words that it reads can be read, so it may fault on a damaged stack. */
unsigned execinfo_stack(uintptr_t pc, uintptr_t *frames, unsigned max);

#endif
