/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame pointers in code without unwind information, and how one proves itself.
 *
 * Such a function may have stored a frame record, the caller's frame pointer and the return address
 * side by side, and made the frame pointer point to it. Whether it has, its code tells: the
 * instructions are there, before the call that has not returned yet. But the function that is
 * found there may be another one, which lies before it and ended; and the frame pointer may still be
 * that of some function further out. So both ends of the step have to fit:
 *
 *	by the callee's code (prologue_find(), once for each address)
 *		between the prologue and the call nothing ends a frame, unless something jumps over that
 *		end; and nothing calls, or takes the address of, anything between the two, as the
 *		function before would do with the one behind it
 *	by the caller's (prologue_called(), for each step)
 *		the return address lies in a module's code, behind a call; if that names what it calls,
 *		it is the function with the prologue, and no other begins in between
 *
 * All of this depends on the two addresses alone, as long as modules stay, and on nothing that the
 * program can change: so a stack that was walked this way is recognized by the same two words as any
 * other (paths.h). Code in no module (compiled at run time) can change, and is not looked at.
 *
 * What fits by accident: a function without a frame of its own, called through a pointer, whose
 * neighbour before it has a frame, never returns, and is on the stack further out.
 *
 * Lock-free, no allocation, async-signal-safe, keeps errno. Pages of code are tried before they are
 * read (base/probe.h).
 */
#ifndef CAPTURE_PROLOGUE_H
#define CAPTURE_PROLOGUE_H

#include <stdbool.h>
#include <stdint.h>

#define PROLOGUE_REACH	((uintptr_t)16384)	/* bytes; functions that call farther from their start are not followed */

struct prologue {
	uintptr_t stores, sets;		/* the instructions that store the record, and set the frame pointer */
	int64_t cfa_offset;		/* from the record to the CFA, in bytes */
};

/* The prologue of the function that holds the call before pc, in code of a module that has no unwind
 * information from gap_start on to there. False: there is none, or it may be another function's. */
bool prologue_find(uintptr_t pc, uintptr_t gap_start, struct prologue *p);

/* Whether a function with this prologue can have been called by the call before the return address ra.
 * known: ra is known to lie in code. */
bool prologue_called(const struct prologue *p, uintptr_t gap_start, uintptr_t ra, bool known);

#endif
