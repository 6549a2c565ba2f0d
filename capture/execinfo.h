/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture by glibc's backtrace(): every architecture, and the oracle of the fast unwinder. */
#ifndef CAPTURE_EXECINFO_H
#define CAPTURE_EXECINFO_H

#include <stdbool.h>
#include <stdint.h>

/* So many frames of this library may come first: backtrace() is asked for so many more. */
#define EXECINFO_OWN_MAX	8

/* The first call loads libgcc_s (glibc 2.36, debug/backtrace.c), which allocates. */
void execinfo_init(void);

/* Whether the address lies in libgcc_s, and execinfo_init() was what loaded that. */
bool execinfo_has_loaded(uintptr_t address);

/* As capture_stack(): the stack from the frame that returns to pc on; 0: that frame was not found. But
 * backtrace() reads what the frames name, whether that can be read or not. */
unsigned execinfo_stack(uintptr_t pc, uintptr_t *frames, unsigned max);

#endif
