/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calling thread's stack as an array of return addresses. One interface; execinfo.c
 * implements it with glibc's backtrace(), which works on every architecture.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_MAX	255

/*
 * Makes ready what capture_stack() needs; may allocate and load libraries, so call it at
 * start with the tracer's guard set, and never from inside the dynamic loader. Until then
 * capture_stack() sees the caller only.
 */
void capture_init(void);
bool capture_ready(void);

/*
 * Stores the return addresses from `caller` (the return address of the function the program
 * called) outward, at most max of them (1 to CAPTURE_MAX), innermost first. Returns how
 * many, at least 1: where the stack cannot be walked, `caller` is all there is. Keeps errno.
 * Async-signal-safe once ready; no malloc, no locks on glibc 2.35 and later.
 */
unsigned capture_stack(uintptr_t caller, uintptr_t *frames, unsigned max);

#endif
