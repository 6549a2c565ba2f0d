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
 * interrupted with the return address still in a link register; code of a module without
 * information, where the frame pointer proves itself (prologue.h).
 *
 * Where a rule lies outside of that (on aarch64, where GCC saves registers at the lower end, frames
 * larger than 2 MB), the walk is given up, and the slow unwinder (slow.h) takes the whole stack. Where
 * a frame is not what its rule says (a word of it cannot be read, or it does not lie above the one before
 * it), the stack is cut there: the frames so far are right, and nobody knows more. glibc's backtrace()
 * would read on.
 *
 * Guarantees: no load outside of the thread's readable stack (stack.h), of the modules' own unwind
 * tables, and of code that was tried before; no allocation, no lock, no system call but for the first
 * touch of a stack page and of code without information (and, before glibc 2.35, what elf/maps.h says);
 * async-signal-safe; the frames are those of backtrace(), as far as that goes.
 */
#ifndef CAPTURE_UNWIND_H
#define CAPTURE_UNWIND_H

#include "capture.h"

#include <limits.h>
#include <stddef.h>

/* At start. False: this machine has no fast unwinder, or there is no memory for it. */
bool unwind_init(void);

/* How a walk ended. */
enum unwind_how {
	UNWIND_ENDS,		/* the stack does: the information says that the last frame has no caller */
	UNWIND_FULL,		/* there are more frames than were asked for, or just as many */
	UNWIND_NO_CFI,		/* of the last frame's code there is no information */
	UNWIND_CUT,		/* the last frame's caller cannot be found: it is not what its rule says, or
				 * the rule is not followed */
	UNWIND_GOES_ON,		/* not yet */
};

struct unwind_end {
	enum unwind_how how;
	unsigned first_record;	/* the first frame without information, from which a frame pointer led on; UINT_MAX:
				 * there is none */
};

/*
 * Stores the return addresses from at->pc outward, at most max (at least 1), and returns how many;
 * 0: given up.
 */
unsigned unwind_stack(const struct capture_point *at, uintptr_t *frames, unsigned max, struct unwind_end *end);

/* The rules kept so far are void: modules have come or gone. Any thread, any time. */
void unwind_forget_rules(void);

/* The calling thread does not keep the rules it finds, until it says so again as often. */
void unwind_remember(bool yes);

/* Whether the walk comes to code in [start, end), but for at most `skip` addresses in it with
 * which it begins: 1 or 0; -1 when it ends otherwise than where the stack does: then *stuck_sp is the stack
 * pointer there. */
int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end,
		 uintptr_t *stuck_sp);

#endif
