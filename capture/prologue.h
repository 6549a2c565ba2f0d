/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame pointers in code without unwind information, and how they are verified.
 *
 * A function without unwind information may have stored a frame record (the caller's frame pointer and the return
 * address side by side) and set the frame pointer to the record's address:
 *
 *	push %rbp		x86_64; the record is now complete
 *	mov  %rsp,%rbp		the frame pointer is set
 *	...
 *	call callee
 *	next instruction	<- pc, the return address at which the walk stands
 *
 * These two instructions lie in the code before pc. But the prologue that is found there may belong to another
 * function, which ends before the one that holds pc. Then the frame pointer may still be that of some
 * function further out. So both ends of the step are checked:
 *
 *	the callee's code (prologue_find(), once for each address)
 *		Between the prologue and pc there is no epilogue, unless a jump leads over the epilogue. Also,
 *		nothing there calls, or takes the address of, a place between the two, as the first of two
 *		functions might do with the second one.
 *	the caller's code (prologue_called(), for each step)
 *		The return address lies in a module's code, behind a call. If that is a direct call, it calls the
 *		function with the prologue, and no other function begins in between.
 *
 * The result depends only on the two addresses as long as the modules stay, and on nothing that the program can
 * change. So a stack that was walked this way is recognized by the same two words as any other (recall/recall.h). Code
 * of no module (compiled at run time) can change, and is not examined.
 *
 * Limit: a step is wrong if all of the following come together. A function without a frame of its own was called
 * through a pointer; the function before it in memory has a frame and never returns; and that function is on
 * the stack further out.
 *
 * Lock-free, allocates nothing, async-signal-safe, keeps errno. Pages of code are probed before they are read
 * (base/probe.h).
 */
#ifndef CAPTURE_PROLOGUE_H
#define CAPTURE_PROLOGUE_H

#include <stdbool.h>
#include <stdint.h>

#define PROLOGUE_REACH	((uintptr_t)16384)	/* the largest distance of a call from the prologue, in bytes */

struct prologue {
	uintptr_t stores, sets;		/* the instructions that store the record and set the frame pointer */
	int64_t cfa_offset;		/* from the record to the CFA, in bytes */
};

/* Finds the prologue of the function that holds the call before pc, in code of a module without unwind information
 * from gap_start to pc. Returns false if there is none, or if it may be another function's. */
bool prologue_find(uintptr_t pc, uintptr_t gap_start, struct prologue *p);

/* Whether the call before the return address ra can have called the function with this prologue. known: ra is known
 * to lie in code. */
bool prologue_called(const struct prologue *p, uintptr_t gap_start, uintptr_t ra, bool known);

#endif
