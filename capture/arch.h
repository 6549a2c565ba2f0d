/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine as the fast unwinder sees it, one header for each that has one. Elsewhere
 * ARCH_DWARF_FP is not defined and backtrace() serves. Each header says:
 *
 *	ARCH_DWARF_FP, ARCH_DWARF_SP	DWARF's numbers of the frame and stack pointer
 *	ARCH_DWARF_RA			the column of the return address
 *	ARCH_REGISTERS			how many of DWARF's numbers the slow unwinder follows
 *	ARCH_LINK_REGISTER		1: a call leaves its return address in that column's
 *					register, where a function may keep it; 0: on the stack
 *	arch_return_address()		the address that a stored return address means
 *	ARCH_SIGNAL_FP, _LR, _SP, _PC	where, from the stack pointer in the code that a signal
 *					handler returns to (base/sigreturn.h), the kernel saved
 *					the registers; _PC is the last of them
 *	arch_plt_cfa()			the one CFA expression of a linker's that is followed
 *	arch_read_registers()		for the slow unwinder to begin with; ARCH_READ_REGISTERS: a bit for
 *					each that was read
 *	arch_sets_frame_pointer() and what follows it: what single instructions do, for prologue.c;
 *					ARCH_..._BYTES: how much of the code each looks at
 */
#ifndef CAPTURE_ARCH_H
#define CAPTURE_ARCH_H

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__)
#include "arch_aarch64.h"
#endif

#endif
