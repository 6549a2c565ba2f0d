/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What part of the current stack is known to be readable, so that a walk never faults,
 * whatever the frames claim, and never has to ask pthread or /proc where a stack ends.
 *
 * A range [low, high) of whole pages around the stack pointer grows as loads reach beyond
 * it: each new page is tried first by a system call that reads a word of it and fails with
 * EFAULT instead of faulting. What has been tried is remembered per thread; a stack pointer
 * outside of the range (another stack: a coroutine's, a signal's) starts a new one. The
 * range relies on a stack staying mapped while its thread runs on it.
 *
 * Async-signal-safe, keeps errno.
 */
#ifndef CAPTURE_STACK_H
#define CAPTURE_STACK_H

#include "base/probe.h"

#include <stdbool.h>
#include <stdint.h>

#define STACK_PAGE	PROBE_PAGE

struct stack_range {
	uintptr_t low, high;
};

/* Tries the pages from the range's end up to `end`, or below its start; false: unreadable. */
bool stack_grow_up(struct stack_range *r, uintptr_t end);
bool stack_grow_down(struct stack_range *r, uintptr_t start);

/* Makes the range hold sp. */
static inline bool stack_enter(struct stack_range *r, uintptr_t sp)
{
	return (sp >= r->low && sp < r->high) || stack_grow_down(r, sp);
}

/* Whether everything from the range's start up to `end` can be read. */
static inline bool stack_reaches(struct stack_range *r, uintptr_t end)
{
	return end <= r->high || stack_grow_up(r, end);
}

/*
 * Whether no word of the stack from sp up to `top` is an address in [start, end): then nothing that code
 * there has called is still to return to it, whatever the frames look like. False also when something in
 * between cannot be read, so that the two are not on one stack.
 */
bool stack_lacks(uintptr_t sp, uintptr_t top, uintptr_t start, uintptr_t end);

#endif
