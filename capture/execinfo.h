/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture by glibc's backtrace(): every architecture, and the oracle of the fast unwinder. */
#ifndef CAPTURE_EXECINFO_H
#define CAPTURE_EXECINFO_H

#include <stdint.h>

/* The first call loads libgcc_s (glibc 2.36, debug/backtrace.c), which allocates. */
void execinfo_init(void);

/* As capture_stack(): the stack from the frame that returns to pc; 0: it was not found. */
unsigned execinfo_stack(uintptr_t pc, uintptr_t *frames, unsigned max);

#endif
