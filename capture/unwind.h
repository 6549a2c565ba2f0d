/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast unwinder: the stack from call frame information, each address's row reduced to
 * one word and kept in a cache.
 *
 *	pc -> rule {CFA = sp+n | fp+n | *(fp+n); fp and return address saved where}
 *	cfa = ...; fp = *(cfa+m) or as it was; pc = *(cfa+r); sp = cfa; and again
 *
 * A frame costs one cache hit and two loads.
 *
 * The domain: frames whose CFA is the stack or frame pointer plus a constant (also a lazy
 * PLT stub's, whose expression is constant at a known address), or what lies at the frame
 * pointer plus a constant (realigned frames); frame pointer unchanged, or saved at a
 * constant from the CFA or the frame pointer; offsets that are multiples of 8 and within
 * +-8 MB (CFA) and +-2 MB (saved registers); the kernel's signal frame, and the function it
 * interrupted with the return address still in a link register. Code without information
 * (JIT) ends a stack, with its address as the last one, as in backtrace().
 *
 * Anything else (on aarch64, where GCC saves registers at the lower end, frames larger than
 * 2 MB), and a frame that does not lie above the one before it, is given up: the
 * caller gets the whole stack from backtrace() instead.
 *
 * Guarantees: no load outside of the thread's readable stack (stack.h) and of the modules'
 * own unwind tables; no allocation, no lock, no system call but for the first touch of a
 * stack page (and, before glibc 2.35, what base/maps.h says); async-signal-safe; the frames
 * are those of backtrace().
 */
#ifndef CAPTURE_UNWIND_H
#define CAPTURE_UNWIND_H

#include "capture.h"

#include <stddef.h>

/* At start. False: this machine has no fast unwinder, or there is no memory for it. */
bool unwind_init(void);

/*
 * Stores the return addresses from at->pc outward, at most max, and returns how many;
 * 0: given up.
 */
unsigned unwind_stack(const struct capture_point *at, uintptr_t *frames, unsigned max);

/* The rules kept so far are void: modules have come or gone. Any thread, any time. */
void unwind_forget_rules(void);

/* The calling thread does not keep the rules it finds, until it says so again as often. */
void unwind_remember(bool yes);

/* Whether the walk comes to code in [start, end), but for at most `skip` addresses in it with
 * which it begins: 1 or 0; -1 when it is given up. */
int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end);

#endif
