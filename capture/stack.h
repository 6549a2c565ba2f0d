/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the current stack that is known to be readable. Thanks to it a walk never faults, whatever the frames
 * claim, and need not ask pthread or /proc where a stack ends.
 *
 * It is a range [low, high) of whole pages around the stack pointer, which grows when a load lies outside. Each new
 * page is probed first (base/probe.h): the kernel reads a word of it and returns EFAULT if it cannot. Each
 * thread remembers its range. A stack pointer outside of the range is on another stack (of a coroutine, or an
 * alternate signal stack), for which a new range is begun. A range relies on a stack staying mapped while
 * its thread runs on it.
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

/* Probe the pages from the range's end up to `end`, or from its start down to `start`. False: one is unreadable. */
bool stack_grow_up(struct stack_range *r, uintptr_t end);
bool stack_grow_down(struct stack_range *r, uintptr_t start);

/* Makes the range contain sp. Returns false if the page of sp cannot be read. */
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
 * Whether no word of the stack from sp up to `top` is an address in [start, end). If so, nothing can return to code
 * there any more, whatever the frames look like. Returns false also if a page in between cannot be read,
 * because then sp and `top` are not on one stack.
 */
bool stack_lacks(uintptr_t sp, uintptr_t top, uintptr_t start, uintptr_t end);

#endif
