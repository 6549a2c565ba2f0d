/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast unwinder: walks the stack by call frame information (CFI). For each address the row of its FDE is packed
 * into one word, the rule, which is kept in a cache (rules.h).
 *
 *	pc -> rule: CFA = sp + n, or fp + n, or *(fp + n); fp is saved at CFA + m; return address at CFA + r
 *	step:	    cfa = CFA; fp = *(cfa + m), or unchanged; pc = *(cfa + r); sp = cfa
 *
 * A frame costs one cache hit and two loads.
 *
 * The unwinder follows these frames:
 *	- The CFA is the stack or frame pointer plus a constant, or the word at the frame pointer plus a
 *	  constant (realigned frames). The CFA expression of a lazy PLT stub is a constant at a known address.
 *	- The frame pointer is unchanged, or saved at a constant from the CFA or the frame pointer.
 *	- Offsets are multiples of 8 and within +-8 MB (CFA) and +-2 MB (saved registers).
 *	- The kernel's signal frame, and the interrupted function even if its return address is still in the link
 *	  register.
 *	- Code of a module without unwind information, where the frame pointer is verified (prologue.h).
 *
 * When a rule has another form (on aarch64 also a frame larger than 2 MB, because GCC saves registers at the
 * frame's lower end), the walk is given up, and the slow unwinder (slow.h) takes the whole stack. When a frame
 * is not as its rule says (a word cannot be read, or the frame does not lie above the one before it), the
 * stack is cut there: the frames so far are right, and the next one cannot be known. glibc's backtrace() would
 * read on.
 *
 * Guarantees: loads go only to the thread's stack where it can be read (stack.h), to the modules' unwind tables
 * and to code that was probed before. There is no allocation, no lock, and no system call except for the first
 * touch of a stack page or of code without unwind information (and, before glibc 2.35, as elf/maps.h
 * says). Async-signal-safe. The frames are those of backtrace(), as far as that goes.
 */
#ifndef CAPTURE_UNWIND_H
#define CAPTURE_UNWIND_H

#include "capture.h"

#include <limits.h>
#include <stddef.h>

/* Is called at the start. Returns false if this machine has no fast unwinder, or if there is no memory for it. */
bool unwind_init(void);

/* How a walk ended. */
enum unwind_how {
	UNWIND_ENDS,		/* at the stack's end: the unwind information says that the last frame has no caller */
	UNWIND_FULL,		/* after as many frames as were asked for */
	UNWIND_NO_CFI,		/* at code without unwind information */
	UNWIND_CUT,		/* the last frame's caller cannot be found: the frame is not as its rule says, or
				 * the rule has a form that is not followed */
	UNWIND_GOES_ON,		/* the walk has not ended yet */
};

struct unwind_end {
	enum unwind_how how;
	unsigned first_record;	/* the first frame without unwind information from which a frame record led on, or
				 * UINT_MAX */
};

/* Stores the return addresses from at->pc outward, at most max (at least 1), and returns how many. Returns 0 if the
 * walk was given up. */
unsigned unwind_stack(const struct capture_point *at, uintptr_t *frames, unsigned max, struct unwind_end *end);

/* Makes all cached rules void, because modules have come or gone. Any thread may call this at any time. */
void unwind_forget_rules(void);

/* false: the calling thread puts no rules into the cache, until it has called with true as often. */
void unwind_remember(bool yes);

/*
 * Whether the stack has an address in [start, end); at most `skip` such addresses with which the walk begins do not
 * count. Returns 1 or 0. Returns -1 if the walk did not come to the end of the stack; then *stuck_sp is the stack
 * pointer where it stopped.
 */
int unwind_meets(const struct capture_point *point, unsigned skip, uintptr_t start, uintptr_t end,
		 uintptr_t *stuck_sp);

#endif
